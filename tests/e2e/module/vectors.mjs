// Walks the vectors with clarife-webhooks-core.wasm in Node.js, without the npm package:
// node vectors.mjs <module> <folder of the vectors>
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

import { bytesOf, same } from "../../runners/checks.mjs";
import { report } from "../../runners/report.mjs";
import { load, Refused } from "./host.mjs";

const [, , module, folder] = process.argv;
const core = await load(module);
const walkers = { construct, verify, envelope: verify, types: verify, headers: verify, sign, standard, dedup, hmac_sha256: hmac };
const SKIPPED = Symbol("skipped");

const open = ({ secrets, tolerance, maxEventAge }, more) => core.open(secrets, { tolerance, max_event_age: maxEventAge, ...more });

/** Returns the values of a header, joined by a comma, or undefined. */
function headerOf(headers, name) {
  const values = headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return values.length > 0 ? Buffer.from(values.join(", ")) : undefined;
}

/** Returns the result of an action, or compares its error with the expected one. */
function outcome(test, action) {
  let result;
  try {
    result = action();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // The error of an invalid argument is a sentence that begins with its name.
    same("code", error.code ?? `invalid_${error.message.split(" ")[0]}`, test.error);
    const [message] = error.message.split("\n");
    if (test.where !== undefined) same("where", message.slice(message.lastIndexOf(" at ") + 4), test.where);
    return undefined;
  }
  same("error", undefined, test.error);
  return result;
}

function construct(group, test) {
  const webhook = outcome(test, () => open(test));
  if (webhook === undefined) return;
  same("signature", core.sign(webhook, bytesOf(group.body), group.timestamp), test.signature);
  core.exports.close(webhook);
}

function verify(group, test) {
  const body = bytesOf(test.body);
  const header = typeof test.signature === "string" ? Buffer.from(test.signature) : headerOf(test.headers ?? [], "x-clarife-signature");
  const webhook = open(group.webhook);
  check(test, body, () => core.verify(webhook, body, header, test.now));
  core.exports.close(webhook);
}

function check({ event: expected, ...test }, body, action) {
  const event = outcome(test, action);
  if (event === undefined) return;
  const text = Buffer.from(body).toString();
  const data = expected.data ?? text.slice(text.indexOf('"data":') + 7, -1);
  same("id", JSON.parse(event.id), expected.id);
  same("type", JSON.parse(event.type), expected.type);
  same("known", event.known, expected.known);
  same("created_at", JSON.parse(event.created_at), JSON.parse(text).created_at);
  same("data", event.data, data);
  core.exports.parse(...core.write(body));
  same("the event without verification", core.event(body).data, data);
}

function sign(_group, test) {
  const webhook = open(test);
  same("header", outcome(test, () => core.sign(webhook, bytesOf(test.body), test.timestamp)), test.header);
  core.exports.close(webhook);
}

function standard(group, test) {
  if (group.operation === "construct") return void outcome(test, () => open(test, { standard_webhooks: 1 }));
  const body = bytesOf(test.body);
  if (group.operation === "sign") {
    const webhook = open(test);
    const headers = outcome(test, () => core.signStandard(webhook, body, test.id, test.timestamp));
    return same("headers", headers, test.error ? undefined : [test.id, String(test.timestamp), test.signature]);
  }
  const webhook = open(group.webhook, { standard_webhooks: 1 });
  const headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => headerOf(test.headers, name) ?? Buffer.alloc(0));
  check(test, body, () => core.verifyStandard(webhook, body, ...headers, test.now));
}

function dedup(group, test) {
  const tokens = {};
  const results = Object.fromEntries(Object.entries(core.abi.store).map(([name, number]) => [number, name.toLowerCase()]));
  const store = core.exports.open_store(group.capacity);
  for (const step of test.steps) {
    const id = typeof step.id === "string" ? Buffer.from(step.id) : bytesOf(step.id);
    const [length] = core.write(id);
    const now = 1_711_612_800_000 + (step.at ?? 0);
    if (step.step === "claim") {
      const claim = core.exports.claim(store, length, now, step.ttl ?? 0);
      tokens[step.token] = claim;
      same("claim", results[claim] ?? "new", step.expect);
    } else if (step.step === "complete") {
      const done = core.exports.complete(store, length, now, step.ttl ?? 0);
      same("complete", done === 0 ? "ok" : results[done], step.expect);
    } else if (step.step === "release") {
      core.exports.release(store, length, tokens[step.token]);
    } else {
      core.exports.key(length);
      same("key", core.result().text, step.key);
    }
  }
  core.exports.close(store);
}

/** Walks HMAC through `verify`, for the keys that can be secrets. None of the messages is an event. */
function hmac(_group, test) {
  let webhook;
  try {
    webhook = core.open([new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOf({ hex: test.key }))]);
  } catch {
    return SKIPPED;
  }
  const error = test.result === "valid" ? "malformed_payload" : "signature_mismatch";
  const expected = { error: test.tag.length === 64 ? error : "malformed_signature" };
  outcome(expected, () => core.verify(webhook, bytesOf({ hex: test.msg }), Buffer.from(`t=0,v1=${test.tag}`), 0));
  core.exports.close(webhook);
}

const passed = {};
const failed = [];
for (const [file, walk] of Object.entries(walkers)) {
  const { testGroups, numberOfTests } = JSON.parse(readFileSync(join(folder, `${file}.json`), "utf8"));
  let walked = 0;
  passed[file] = 0;
  for (const group of testGroups) {
    for (const test of group.tests) {
      walked += 1;
      try {
        if (walk(group, test) !== SKIPPED) passed[file] += 1;
      } catch (error) {
        failed.push({ file, tcId: test.tcId, comment: test.comment, got: `${error.name}: ${error.message}` });
      }
    }
  }
  if (walked !== numberOfTests || passed[file] === 0) {
    failed.push({ file, tcId: 0, comment: "number of cases", got: `${walked} walked, ${passed[file]} passed, ${numberOfTests} in the file` });
  }
}
report({ runtime: "node", version: process.version.slice(1), engine: "core.wasm", passed, failed });

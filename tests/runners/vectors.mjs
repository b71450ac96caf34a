// Walks the vector files with one entry of the package, in every JavaScript runtime. It imports nothing from a host.
import { containers, requestWith } from "./containers.mjs";
import { bodyForms, bytesOf, checkError, checkEvent, refuse, same } from "./checks.mjs";

// In development, the response to a refused delivery has a hint, which no vector has.
if (globalThis.Deno === undefined && globalThis.process?.env) process.env.NODE_ENV = "production";

const walkers = { construct, verify, envelope: verify, types: verify, headers, sign, standard, dedup, receive, canonical, hmac_sha256: hmac };
export const FILES = Object.keys(walkers);

/**
 * @param sdk the package's exports
 * @param readJson takes a file's name without its extension and returns its parsed content
 * @returns {Promise<{passed: Record<string, number>, failed: {file, tcId, comment, got}[]}>}
 */
export async function runVectors(sdk, readJson) {
  const passed = {};
  const failed = [];
  for (const file of FILES) {
    passed[file] = 0;
    let walked = 0;
    const { testGroups, numberOfTests } = await readJson(file);
    for (const group of testGroups) {
      for (const test of group.tests) {
        walked += 1;
        try {
          if ((await walkers[file](sdk, group, test)) !== SKIPPED) passed[file] += 1;
        } catch (error) {
          const got = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
          failed.push({ file, tcId: test.tcId, comment: test.comment, got });
        }
      }
    }
    if (walked === 0 || walked !== numberOfTests || passed[file] === 0) {
      failed.push({ file, tcId: 0, comment: "number of cases", got: `${walked} walked, ${passed[file]} passed, ${numberOfTests} in the file` });
    }
  }
  return { passed, failed };
}

/** The result of a case that does not apply to JavaScript. It is not counted. */
const SKIPPED = Symbol("skipped");

const options = ({ tolerance, maxEventAge }) => ({
  ...(tolerance !== undefined && { tolerance }),
  ...(maxEventAge !== undefined && { maxEventAge }),
});
const open = (sdk, { secrets, ...rest }) => new sdk.Webhook(secrets, options(rest));

/** Returns the result or the error of `action` as a value. */
function attempt(action) {
  try {
    return { value: action() };
  } catch (error) {
    return { error };
  }
}

// A time as seconds, and as a Date if a Date can hold it.
const moments = (seconds) => (Math.abs(seconds) <= 8.64e12 ? [seconds, new Date(seconds * 1000)] : [seconds]);

function construct(sdk, group, test) {
  const forms = test.secrets.length === 1 ? [test.secrets, test.secrets[0]] : [test.secrets];
  for (const secrets of forms) {
    const { value: webhook, error } = attempt(() => new sdk.Webhook(secrets, options(test)));
    if (test.error) {
      checkError(sdk, error, test, test.secrets);
      continue;
    }
    if (error) throw error;
    same("signature", webhook.sign(group.body.text, { timestamp: group.timestamp }), test.signature);
    const shown = JSON.stringify(webhook) ?? "";
    if (test.secrets.some((secret) => secret.length > 4 && shown.includes(secret))) refuse("JSON.stringify shows the secret");
  }
}

function verify(sdk, group, test) {
  const webhook = open(sdk, group.webhook);
  const sources = test.signature === null ? [null, undefined] : [test.signature];
  const check = (form, signature, now) => {
    const { body, spoil } = form();
    checkVerdict(sdk, group, test, attempt(() => webhook.verify(body, signature, { now })), spoil);
  };
  for (const form of bodyForms(test.body)) check(form, sources[0], test.now);
  for (const source of sources) for (const now of moments(test.now)) check(bodyForms(test.body)[0], source, now);
}

function checkVerdict(sdk, group, test, { value, error }, spoil = () => {}) {
  if (test.error) return checkError(sdk, error, test, group.webhook.secrets);
  if (error) throw error;
  spoil();
  checkEvent(sdk, value, test);
}

async function headers(sdk, group, test) {
  const webhook = open(sdk, group.webhook);
  for (const [name, signature] of containers(test.headers)) {
    try {
      checkVerdict(sdk, group, test, attempt(() => webhook.verify(test.body.text, signature, { now: test.now })));
      const request = signature instanceof Headers && requestWith(signature, test.body.text);
      if (!request) continue;
      const verdict = await webhook.verifyRequest(request, { now: test.now }).then((value) => ({ value }), (error) => ({ error }));
      checkVerdict(sdk, group, test, verdict);
    } catch (error) {
      throw new Error(`in ${name}: ${error instanceof Error ? `${error.name}: ${error.message}` : error}`);
    }
  }
}

function sign(sdk, _group, test) {
  const webhook = new sdk.Webhook(test.secrets);
  for (const form of bodyForms(test.body)) {
    for (const timestamp of moments(test.timestamp)) {
      const { value, error } = attempt(() => webhook.sign(form().body, { timestamp }));
      if (!test.error) {
        if (error) throw error;
        same("header", value, test.header);
      } else if (!(error instanceof TypeError)) {
        refuse(`${error ?? value} instead of a TypeError`);
      }
    }
  }
}

/** Walks Standard Webhooks: headers in every container, signing, and secrets. */
async function standard(sdk, group, test) {
  if (group.operation === "construct") return constructStandard(sdk, test);
  if (group.operation === "sign") return signStandard(sdk, test);
  const webhook = new sdk.Webhook(group.webhook.secrets, { ...options(group.webhook), standardWebhooks: true });
  for (const form of bodyForms(test.body)) {
    const { body, spoil } = form();
    checkVerdict(sdk, group, test, attempt(() => webhook.verify(body, test.headers, { now: test.now })), spoil);
  }
  for (const [name, headers] of containers(test.headers)) {
    if (typeof headers === "string" || (Array.isArray(headers) && !headers.every(Array.isArray))) continue; // values without names
    try {
      checkVerdict(sdk, group, test, attempt(() => webhook.verify(bytesOf(test.body), headers, { now: test.now })));
    } catch (error) {
      throw new Error(`in ${name}: ${error instanceof Error ? `${error.name}: ${error.message}` : error}`);
    }
  }
}

function constructStandard(sdk, test) {
  const { error } = attempt(() => new sdk.Webhook(test.secrets, { standardWebhooks: true }));
  if (test.error) checkError(sdk, error, test, test.secrets);
  else if (error) throw error;
}

function signStandard(sdk, test) {
  const webhook = new sdk.Webhook(test.secrets);
  for (const form of bodyForms(test.body)) {
    for (const timestamp of moments(test.timestamp)) {
      const { value, error } = attempt(() => webhook.signStandard(form().body, { id: test.id, timestamp }));
      if (test.error === "invalid_secret") {
        checkError(sdk, error, test, test.secrets);
      } else if (test.error) {
        if (!(error instanceof TypeError)) refuse(`${error ?? value} instead of a TypeError`);
      } else {
        if (error) throw error;
        same("headers", value, { "webhook-id": test.id, "webhook-timestamp": String(test.timestamp), "webhook-signature": test.signature });
      }
    }
  }
}

/** Walks a store of handled events. The case moves its clock. */
function dedup(sdk, group, test) {
  let now = 0;
  const store = new sdk.MemoryStore({ capacity: group.capacity, clock: () => now });
  const tokens = {};
  test.steps.forEach((step, index) => {
    const id = typeof step.id === "string" ? step.id : new TextDecoder().decode(bytesOf(step.id));
    now = 1_711_612_800 + (step.at ?? 0) / 1000;
    const ttl = (step.ttl ?? 0) / 1000;
    const what = `step ${index + 1}, ${step.step}`;
    if (step.step === "claim") {
      const { value, error } = attempt(() => store.claim(id, ttl));
      if (value?.token !== undefined) tokens[step.token] = value.token;
      same(what, error ? "full" : (value.token === undefined ? value : "new"), step.expect);
    } else if (step.step === "complete") {
      const { error } = attempt(() => store.complete(id, "", ttl));
      same(what, error ? "full" : "ok", step.expect);
    } else if (step.step === "release") {
      store.release(id, tokens[step.token]);
    } else {
      same(what, sdk.storeKey(id), step.key);
    }
  });
}

/** Walks one delivery to a receiver. The case sets the outcomes of store and handler. */
async function receive(sdk, group, test) {
  if (test.handler === "abandoned") return SKIPPED; // JavaScript cannot abandon a handler
  await receiveOnce(sdk, group, test, rawReceiver);
  // In the Fetch API, a request with the method GET has no body, and "post" is POST.
  if (test.method === undefined || test.method === "PUT") await receiveOnce(sdk, group, test, fetchReceiver);
}

async function rawReceiver(webhook, handler, options, { body, signature, method }) {
  return webhook.rawReceiver(handler, options)(bytesOf(body), { "X-Clarife-Signature": signature }, method ?? "POST");
}

async function fetchReceiver(webhook, handler, options, { body, signature, method = "POST" }) {
  const headers = new Headers(signature === null ? {} : { "x-clarife-signature": signature });
  const response = await webhook.receiver(handler, options)(new Request("https://example.com/", { method, headers, body: bytesOf(body) }));
  const text = await response.text();
  return { status: response.status, code: JSON.parse(text).code, headers: Object.fromEntries(response.headers), body: text };
}

async function receiveOnce(sdk, group, test, deliver) {
  const { secrets, ...rest } = group.webhook;
  const webhook = new sdk.Webhook(secrets, { ...options(rest), clock: () => test.now });
  for (const reporting of [true, false]) {
    const { calls, errors, store, handler, timers } = scripted(group, test);
    const reports = [];
    const dedup = group.dedup === null ? {} : { dedup: { store, ...group.dedup } };
    const onError = reporting ? { onError: (_, { code }) => reports.push(code) } : {};
    const limit = group.maxBodyBytes === undefined ? {} : { maxBodyBytes: group.maxBodyBytes };
    const { setTimeout, clearTimeout } = globalThis;
    const { error, warn } = console;
    const lines = [];
    Object.assign(globalThis, timers);
    console.error = console.warn = (line) => lines.push(String(line));
    let response;
    try {
      response = await deliver(webhook, handler, { ...dedup, ...limit, ...onError }, test);
      if (!reporting && test.flags.includes("Refused")) await deliver(webhook, handler, { ...dedup, ...limit }, test);
    } finally {
      Object.assign(globalThis, { setTimeout, clearTimeout });
      Object.assign(console, { error, warn });
    }
    const entry = `${deliver.name}${reporting ? "" : ", without onError"}`;
    if (errors.length > 0) refuse(`${entry}: ${errors.join("; ")}`);
    same(`${entry}: calls`, calls, test.calls);
    same(`${entry}: reports`, reports, reporting ? test.reports : []);
    same(`${entry}: logged`, lines.map((line) => /^clarife-webhooks: (\w+):/.exec(line)?.[1]), reporting ? [] : test.logged);
    same(`${entry}: response`, response, test.response);
  }
}

/** The time for a body, in milliseconds. */
const BODY_TIMEOUT = 30_000;

/** Creates a store, a handler and timers with the outcomes of a case. They note their calls. */
function scripted({ storeTimeout }, test) {
  const calls = [];
  const errors = []; // mistakes of the receiver, which would take a thrown error for the store's
  const { setTimeout, clearTimeout } = globalThis;
  const waiting = new Map();
  let isLate = false;
  const letPass = () => {
    if (isLate) for (const callback of waiting.values()) queueMicrotask(callback);
    if (isLate) waiting.clear();
  };
  const step = (name, outcome, call, values) => {
    calls.push({ call: name, ...call });
    if (outcome === "failed") return Promise.reject(new Error(`${name} failed`));
    if (outcome === "late") {
      isLate = true;
      letPass();
      return new Promise(() => {});
    }
    if (outcome in values) return values[outcome];
    errors.push(`${name} has no outcome ${outcome}`);
  };
  const check = (id, token = "token") => {
    if (id !== "evt_1" || token !== "token") errors.push(`called with ${id} and ${token}`);
  };
  const { claim, complete, release } = test.store ?? {};
  return {
    calls,
    errors,
    store: {
      claim(id, ttl) {
        check(id);
        return step("claim", claim, { ttl }, { new: { token: "token" }, in_progress: "in_progress", done: "done" });
      },
      complete(id, token, ttl) {
        check(id, token);
        return step("complete", complete, { ttl }, { written: undefined });
      },
      release(id, token) {
        check(id, token);
        return step("release", release, {}, { written: undefined });
      },
    },
    handler({ id }) {
      check(id);
      return step("handle", test.handler, {}, { returned: undefined });
    },
    /** Replacements of the global functions: a timer fires only if a step is late. */
    timers: {
      setTimeout(callback, milliseconds) {
        if (milliseconds === BODY_TIMEOUT) return setTimeout(() => {}, 0); // the body of a vector is never late
        if (milliseconds !== storeTimeout * 1000) errors.push(`a timer of ${milliseconds} ms`);
        const timer = setTimeout(() => {}, 0);
        waiting.set(timer, callback);
        letPass();
        return timer;
      },
      clearTimeout(timer) {
        waiting.delete(timer);
        clearTimeout(timer);
      },
    },
  };
}

/** Walks HMAC through `verify`: the key is the secret, and the verdict tells a right tag from a wrong one. */
function hmac(sdk, _group, test) {
  const key = bytesOf({ hex: test.key });
  const { value: webhook } = attempt(() => new sdk.Webhook(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(key)));
  if (webhook === undefined) return SKIPPED;
  const { error } = attempt(() => webhook.verify(bytesOf({ hex: test.msg }), `t=0,v1=${test.tag}`, { now: 0 }));
  const whole = test.tag.length === 64;
  // None of these messages is an event.
  same("code", error?.code, !whole ? "malformed_signature" : test.result === "valid" ? "malformed_payload" : "signature_mismatch");
}

/** Checks the runtime's own JSON, and a body with the value after signing and verifying. */
function canonical(sdk, _group, test) {
  if (test.error) return SKIPPED;
  const again = (json) => JSON.stringify(JSON.parse(json));
  same("JSON.stringify", again(test.input), test.canonical);
  same("JSON.stringify, once more", again(test.canonical), test.canonical);
  const body = `{"id":"evt_1","type":"document.updated","created_at":"2024-03-28T08:00:00Z","data":{"value":${test.canonical}}}`;
  const webhook = new sdk.Webhook("whsec_canonical");
  const signature = webhook.sign(body, { timestamp: 1711612800 });
  same("signature of the body read and written again", webhook.sign(again(body), { timestamp: 1711612800 }), signature);
  const event = webhook.verify(bytesOf({ text: body }), signature, { now: 1711612800 });
  same("data", JSON.stringify(event.data.value), test.canonical);
}

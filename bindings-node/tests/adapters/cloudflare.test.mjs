// The stores of Cloudflare's runtime, in workerd.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { delivery, runs, send, until } from "./harness.mjs";
import { startWorker } from "./workerd.mjs";

let server;
before(async () => {
  server = await startWorker();
});
after(() => server?.stop());
const codeOf = async (path, sent) => {
  const { status, json } = await send(server, path, sent);
  return `${status} ${json?.code}`;
};

test("Durable Objects: one of a hundred simultaneous deliveries is handled", async () => {
  const sent = delivery("wait");
  const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf("/object", sent)));
  assert.equal(codes.filter((code) => code === "200 handled").length, 1);
  assert.ok(codes.every((code) => ["200 handled", "200 duplicate", "409 in_progress"].includes(code)), String(codes));
  assert.equal(await runs(server, sent.id), 1);
  assert.equal(await codeOf("/object", sent), "200 duplicate");
});

test("Durable Objects: the retry of a failed event is handled", async () => {
  const sent = delivery("throw once");
  assert.equal(await codeOf("/object", sent), "500 handler_failed");
  assert.equal(await codeOf("/object", sent), "200 handled");
  assert.equal(await codeOf("/object", sent), "200 duplicate");
});

test("Durable Objects: an abandoned claim expires, and the retry is handled", async () => {
  const sent = delivery();
  const claim = await send(server, `/claim?id=${sent.id}`, { method: "GET" });
  assert.match(claim.json.token, /^[0-9a-f-]{36}$/);
  assert.equal(await codeOf("/object", sent), "409 in_progress");
  await until("the claim's end", async () => (await codeOf("/object", sent)) === "200 handled");
  assert.equal(await runs(server, sent.id), 1);
});

test("KV prevents repeats in sequence", async () => {
  const sent = delivery();
  assert.equal(await codeOf("/kv", sent), "200 handled");
  assert.equal(await codeOf("/kv", sent), "200 duplicate");
  assert.equal(await runs(server, sent.id), 1);
  const failing = delivery("throw once");
  assert.equal(await codeOf("/kv", failing), "500 handler_failed");
  assert.equal(await codeOf("/kv", failing), "200 handled");
  const long = delivery("", { id: `evt_${"é".repeat(2000)}` });
  assert.equal(await codeOf("/kv", long), "200 handled");
  assert.equal(await codeOf("/kv", long), "200 duplicate");
});

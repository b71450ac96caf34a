// Receivers of the Fetch API.
import assert from "node:assert/strict";
import test from "node:test";
import { api, BODY } from "./api.mjs";
import { headersOf, quiet, webhook } from "./receiving.mjs";

test("Fetch: requests in, responses out", async () => {
  const handle = webhook.receiver(quiet, { onError: quiet, maxBodyBytes: 1000 });
  const request = (init) => new Request("https://example.com/", { method: "POST", body: BODY, headers: headersOf(BODY), ...init });
  const response = await handle(request());
  assert.ok(response instanceof Response);
  assert.deepEqual([response.status, response.headers.get("content-type"), await response.json()], [200, "application/json", { code: "handled" }]);
  const codeOf = async (request) => (await (await handle(request)).json()).code;
  assert.equal(await codeOf(request({ body: `${BODY} ` })), "signature_mismatch");
  assert.equal(await codeOf(request({ body: null })), "signature_mismatch");
  assert.equal(await codeOf(new Request("https://example.com/")), "method_not_allowed");
  assert.equal(await codeOf(request({ body: "x".repeat(1001) })), "body_too_large");
  const read = request();
  await read.text();
  assert.equal(await codeOf(read), "body_not_raw");
  for (const wrong of [undefined, {}, "request", BODY]) await assert.rejects(handle(wrong), /^TypeError: request must be/);
});

test("Fetch: a body is read up to its limit, and a broken connection ends it", async () => {
  let pulled = 0;
  let cancelled = false;
  const endless = () => new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(100));
    },
    cancel() {
      cancelled = true;
    },
  });
  const request = (body, headers = headersOf(BODY)) => new Request("https://example.com/", { method: "POST", body, headers, duplex: "half" });
  await assert.rejects(webhook.verifyRequest(request(endless()), { maxBodyBytes: 1000 }), { code: "body_too_large" });
  assert.ok(pulled < 50);
  // The receiver drains the rest, and cancels it in the end.
  for (let tries = 0; !cancelled && tries < 1000; tries++) await new Promise((done) => setTimeout(done, 5));
  assert.ok(cancelled);
  const declared = new Request("https://example.com/", { method: "POST", body: "x", headers: { ...headersOf(BODY), "content-length": "1001" } });
  await assert.rejects(webhook.verifyRequest(declared, { maxBodyBytes: 1000 }), { code: "body_too_large" });
  const failure = new Error("the connection broke");
  const cut = () => new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(BODY));
    },
    pull(controller) {
      controller.error(failure);
    },
  });
  await assert.rejects(webhook.verifyRequest(request(cut())), { code: "body_incomplete" });
  const response = await webhook.receiver(() => assert.fail("the handler ran"))(request(cut()));
  assert.equal((await response.json()).code, "body_incomplete");
  const bytes = new TextEncoder().encode(BODY);
  const pieces = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  assert.equal((await webhook.verifyRequest(request(pieces))).raw, BODY);
  // A request without a stream, as in some polyfills.
  const plain = { headers: headersOf(BODY), bodyUsed: false, arrayBuffer: async () => bytes.buffer };
  assert.equal((await webhook.verifyRequest(plain)).raw, BODY);
  await assert.rejects(webhook.verifyRequest(plain, { maxBodyBytes: 10 }), { code: "body_too_large" });
  for (const options of [{ maxBodyBytes: "5" }, { maxBodyBytes: -1 }, { other: 5 }]) await assert.rejects(webhook.verifyRequest(plain, options), TypeError);
});

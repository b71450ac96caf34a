// Properties of every input.
import assert from "node:assert/strict";
import fc from "fast-check";
import test from "node:test";
import { api, AT, BODY, NOW, SECRET, SIGNATURE, webhook } from "./api.mjs";

const { Webhook, WebhookError } = api;
const utf8 = new TextEncoder();

const secret = fc.string({ unit: "grapheme", maxLength: 100 }).map((text) => `whsec_${text}=`).filter((text) => !/\p{C}|\u034f/u.test(text));
const envelope = fc.record({
  id: fc.string({ unit: "grapheme", minLength: 1 }),
  type: fc.oneof(fc.constantFrom(...api.EVENT_TYPES), fc.string({ unit: "grapheme", minLength: 1 })),
  created_at: fc.date({ min: new Date("0000-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true }).map((date) => date.toISOString()),
  data: fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ stringUnit: "binary" })),
});

test("a signed body verifies and stays unchanged", () => {
  fc.assert(
    fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), envelope, fc.nat({ max: 999_999_999_999 }), fc.boolean(), (secrets, members, timestamp, bytes) => {
      const body = JSON.stringify(members);
      const signature = new Webhook(secrets).sign(body, { timestamp });
      for (const one of secrets) {
        const event = new Webhook(one).verify(bytes ? utf8.encode(body) : body, signature, { now: timestamp });
        assert.equal(event.raw, body);
        assert.equal(event.id, members.id);
        assert.equal(event.type, members.type);
        assert.equal(event.created_at, members.created_at);
        assert.deepEqual(event.data, JSON.parse(body).data);
      }
    }),
  );
});

test("one flipped bit never verifies", () => {
  const body = utf8.encode(BODY);
  const from = SIGNATURE.indexOf("v1=") + 3;
  for (let bit = 0; bit < body.length * 8; bit++) {
    body[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(() => webhook.verify(body, SIGNATURE, AT), { code: "signature_mismatch" });
    body[bit >> 3] ^= 1 << (bit & 7);
  }
  assert.equal(webhook.verify(body, SIGNATURE, AT).raw, BODY);
  const header = utf8.encode(SIGNATURE);
  for (let bit = from * 8; bit < header.length * 8; bit++) {
    header[bit >> 3] ^= 1 << (bit & 7);
    const flipped = String.fromCharCode(...header);
    header[bit >> 3] ^= 1 << (bit & 7);
    if (flipped.toLowerCase() === SIGNATURE) continue; // an upper-case letter is the same digit
    assert.throws(() => webhook.verify(body, flipped, AT), (error) => error.code === "signature_mismatch" || error.code === "malformed_signature", flipped);
  }
});

/** Hostile values: throwing getters, proxies, detached buffers, and everything that fast-check generates. */
class OfTheCaller extends Error {}
const boom = () => { throw new OfTheCaller("of the caller"); };
const detached = () => { const bytes = new Uint8Array(8); structuredClone(bytes, { transfer: [bytes.buffer] }); return bytes; };
const shrunk = () => { const buffer = new ArrayBuffer(8, { maxByteLength: 16 }); const view = new DataView(buffer, 4, 4); buffer.resize(2); return view; };
const hostile = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true, withObjectString: true, withTypedArray: true, withSparseArray: true, withBoxedValues: true }),
  fc.constantFrom(
    Symbol("s"), () => {}, class {}, new Proxy({}, { get: boom, ownKeys: boom, getPrototypeOf: boom }), new Proxy([], { get: boom }), new Proxy(() => {}, {}),
    { get then() { return boom(); } }, { get: boom }, { get get() { return boom(); } }, { entries: boom, get: () => null }, { get: () => null, entries: () => 5 },
    { "x-clarife-signature": { toString: boom } }, { get "x-clarife-signature"() { return boom(); } }, { get now() { return boom(); }, get timestamp() { return boom(); }, get tolerance() { return boom(); } },
    { length: 2 ** 53, 0: 1 }, { byteLength: -1, buffer: null }, Object.create(Uint8Array.prototype), Object.create(ArrayBuffer.prototype), Object.create(Date.prototype),
    { [Symbol.toStringTag]: "ArrayBuffer", byteLength: 5 }, { [Symbol.toStringTag]: "Map", get: boom, entries: () => [[]] }, new Map([[Symbol("a"), 1]]),
    Object.defineProperty(new Uint8Array(4), "buffer", { get: boom }), Object.defineProperty(new Uint8Array(4), "byteLength", { value: 1e15 }), Object.setPrototypeOf(new Float64Array(3), Uint8Array.prototype),
    "\ud800", "\udfff".repeat(5000), "=".repeat(1 << 20), "x".repeat(1 << 24), "t=1,v1=\u0000", "\ufeff{}", new Uint8Array(1 << 20), new SharedArrayBuffer(16), new Float64Array(3), new BigInt64Array(3),
    new ArrayBuffer(0), new Date(NaN), new Date(8.64e15), NaN, -0, Infinity, 2 ** 64, -(2 ** 63), 1e308, 10n ** 30n, globalThis, api.Webhook, webhook,
  ),
  fc.constantFrom(detached, shrunk).map((make) => make()),
);

/** Calls a function, and checks that an error is the caller's own or a documented one. */
function holds(call) {
  try {
    return call();
  } catch (error) {
    assert.ok(error instanceof WebhookError || error instanceof TypeError || error instanceof RangeError || error instanceof OfTheCaller, error?.stack);
    assert.ok(!(error instanceof WebAssembly.RuntimeError));
    return undefined;
  }
}

test("no value in any argument crashes or verifies", async () => {
  await fc.assert(
    fc.asyncProperty(hostile, hostile, hostile, async (first, second, third) => {
      holds(() => new Webhook(first, second));
      holds(() => new Webhook(SECRET, first).verify(second, third, first));
      assert.equal(holds(() => webhook.verify(first, SIGNATURE, AT)), undefined);
      assert.equal(holds(() => webhook.verify(BODY, first, AT)), undefined);
      assert.equal(holds(() => webhook.verify(first, second, third)), undefined);
      holds(() => webhook.sign(first, second));
      holds(() => webhook.sign(BODY, { timestamp: first }));
      holds(() => webhook.verify(BODY, SIGNATURE, { now: first }));
      holds(() => api.isKnownEventType(first));
      holds(() => api.parseTrusted(first));
      assert.notEqual(holds(() => api.verifyWebhookSignature(first, second, SECRET)), true);
      holds(() => api.verifyWebhookSignature(BODY, second, third));
      await webhook.verifyRequest(first, second).then(() => assert.fail("it verified"), (error) => holds(() => { throw error; }));
      assert.equal(webhook.verify(BODY, SIGNATURE, { now: NOW }).raw, BODY, "the next delivery is not affected");
    }),
    { numRuns: 500 },
  );
});

test("random bytes never crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.string({ unit: "binary" }), (bytes, text) => {
      for (const body of [bytes, text]) {
        const error = (() => { try { webhook.verify(body, webhook.sign(body, { timestamp: NOW }), AT); } catch (thrown) { return thrown; } })();
        assert.equal(error?.code, "malformed_payload");
        assert.ok(holds(() => webhook.verify(body, text, AT)) === undefined);
      }
    }),
    { numRuns: 1000 },
  );
});

test("the pieces of a body do not change the body or its size", async () => {
  const whole = utf8.encode(BODY);
  const clocked = new Webhook(SECRET, { clock: () => NOW });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: whole.length })), fc.nat({ max: 2 * whole.length }), async (cuts, maxBodyBytes) => {
      const ends = [...cuts.sort((a, b) => a - b), whole.length];
      const pieces = ends.map((end, place) => whole.slice(ends[place - 1] ?? 0, end)).filter((piece) => piece.length > 0);
      const body = new ReadableStream({
        start(controller) {
          for (const piece of pieces) controller.enqueue(piece);
          controller.close();
        },
      });
      const request = new Request("https://example.com/", { method: "POST", body, headers: { "x-clarife-signature": SIGNATURE }, duplex: "half" });
      const response = await clocked.receiver((event) => assert.equal(event.raw, BODY), { maxBodyBytes, onError() {} })(request);
      assert.equal(response.status, whole.length > maxBodyBytes ? 413 : 200);
    }),
  );
});

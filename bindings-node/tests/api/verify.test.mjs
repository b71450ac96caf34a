// The API of one delivery: verification, refusals and arguments. The cases of the protocol are in tests/vectors.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test from "node:test";
import { inspect } from "node:util";
import { api, AT, BODY, bodyWith, eventOf, expectedEngine, NOW, SECRET, SIGNATURE, thrownBy, webhook } from "./api.mjs";

const { Webhook, WebhookError } = api;

test("the engine is the installed one", () => {
  assert.equal(api.engine, expectedEngine);
});

test("the exports are these", () => {
  assert.deepEqual(Object.keys(api).filter((name) => name !== "default" && name !== "module.exports").sort(), [
    "ERROR_CODES", "EVENT_TYPES", "Handlers", "MemoryStore", "SIGNATURE_HEADER", "Webhook", "WebhookError", "engine", "isKnownEvent", "isKnownEventType", "parseTrusted", "receiveTrusted", "storeKey", "verifyWebhookSignature",
  ]);
  for (const name of ["Handlers", "MemoryStore", "Webhook", "WebhookError"]) assert.equal(api[name].name, name);
  assert.match(inspect(new api.Handlers()), /^Handlers/);
  assert.equal(api.SIGNATURE_HEADER, "x-clarife-signature");
  assert.equal(new Set(api.EVENT_TYPES).size, api.EVENT_TYPES.length);
  assert.ok(api.EVENT_TYPES.includes("document.updated"));
  assert.equal(api.ERROR_CODES.length, 11);
});

test("a signature is Node's own HMAC", () => {
  const expected = createHmac("sha256", SECRET).update(BODY).digest("hex");
  assert.equal(SIGNATURE, `t=${NOW},v1=${expected}`);
});

test("every kind of body verifies as the same event", () => {
  const bytes = new TextEncoder().encode(BODY);
  const padded = new Uint8Array(bytes.length + 7);
  padded.set(bytes, 3);
  const odd = bytes.length % 2 ? bytes.slice(0, 0) : bytes; // a Uint16Array needs an even length
  const bodies = {
    string: BODY,
    Buffer: Buffer.from(BODY),
    Uint8Array: bytes,
    "view into a larger buffer": padded.subarray(3, 3 + bytes.length),
    ArrayBuffer: bytes.buffer,
    DataView: new DataView(padded.buffer, 3, bytes.length),
    Uint8ClampedArray: new Uint8ClampedArray(bytes),
    Int8Array: new Int8Array(bytes),
    ...(odd.length ? { Uint16Array: new Uint16Array(bytes.buffer) } : {}),
    "resizable ArrayBuffer": resizable(bytes),
    "shared memory": new Uint8Array(shared(bytes)),
    SharedArrayBuffer: shared(bytes),
  };
  for (const [kind, body] of Object.entries(bodies)) {
    const event = webhook.verify(body, SIGNATURE, AT);
    assert.equal(event.raw, BODY, kind);
    assert.deepEqual(event.data, JSON.parse(BODY).data, kind);
    assert.equal(webhook.sign(body, { timestamp: NOW }), SIGNATURE, kind);
  }
});

function resizable(bytes) {
  const buffer = new ArrayBuffer(bytes.length, { maxByteLength: 2 * bytes.length });
  new Uint8Array(buffer).set(bytes);
  return new Uint8Array(buffer);
}

const detached = () => { const bytes = new Uint8Array(8); structuredClone(bytes, { transfer: [bytes.buffer] }); return bytes; };
const shrunk = () => { const buffer = new ArrayBuffer(8, { maxByteLength: 16 }); const view = new DataView(buffer, 4, 4); buffer.resize(2); return view; };

function shared(bytes) {
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

test("large bodies, and small ones after them", () => {
  for (const text of ["a", "é", "😀"]) {
    for (const length of [1 << 16, 5 << 20, 10]) {
      const body = bodyWith({ data: { text: text.repeat(length) } });
      for (const form of [body, Buffer.from(body)]) {
        assert.equal(eventOf(form).data.text.length, length * text.length);
      }
    }
  }
});

test("later changes of the caller's buffer do not reach the event", () => {
  const bytes = Buffer.from(BODY);
  const event = webhook.verify(bytes, SIGNATURE, AT);
  bytes.fill(0x78);
  assert.equal(event.raw, BODY);
  assert.equal(event.data.title, "Zażółć 😀");
});

test("refusals are WebhookErrors with code, message and hint", () => {
  const old = webhook.sign(BODY, { timestamp: NOW - 301 });
  const early = webhook.sign(BODY, { timestamp: NOW + 301 });
  const unsigned = `t=${NOW},v1=${"0".repeat(64)}`;
  const notJson = "{";
  const refusals = [
    ["invalid_secret", () => new Webhook("")],
    ["invalid_secret", () => new Webhook([])],
    ["invalid_secret", () => new Webhook([SECRET, " padded "])],
    ["missing_signature", () => webhook.verify(BODY, undefined, AT)],
    ["missing_signature", () => webhook.verify(BODY, null, AT)],
    ["missing_signature", () => webhook.verify(BODY, " \t", AT)],
    ["missing_signature", () => webhook.verify(BODY, {}, AT)],
    ["malformed_signature", () => webhook.verify(BODY, "t=1", AT)],
    ["malformed_signature", () => webhook.verify(BODY, `${SIGNATURE},é=1`, AT)],
    ["malformed_signature", () => webhook.verify(BODY, `${SIGNATURE},\u0174=1`, AT)], // its low byte is ASCII
    ["malformed_signature", () => webhook.verify(BODY, SIGNATURE + ",a=".padEnd(4100 - SIGNATURE.length, "b"), AT)],
    ["malformed_signature", () => webhook.verify(BODY, `${SIGNATURE},a=`.padEnd(4095, "b") + "\u20ac", AT)], // cut within the character
    ["timestamp_too_old", () => webhook.verify(BODY, old, AT)],
    ["timestamp_in_future", () => webhook.verify(BODY, early, AT)],
    ["signature_mismatch", () => webhook.verify(BODY, unsigned, AT)],
    ["signature_mismatch", () => new Webhook("whsec_other").verify(BODY, SIGNATURE, AT)],
    ["malformed_payload", () => eventOf(notJson)],
    ["malformed_payload", () => eventOf(new Uint8Array([0xff, 0xfe]))],
    ["malformed_payload", () => eventOf("")],
    ["event_too_old", () => new Webhook(SECRET, { maxEventAge: 10 }).verify(BODY, webhook.sign(BODY, { timestamp: NOW + 11 }), { now: NOW + 11 })],
    ["body_not_raw", () => webhook.verify(JSON.parse(BODY), SIGNATURE, AT)],
  ];
  for (const [code, call] of refusals) {
    const error = thrownBy(call);
    assert.ok(error instanceof WebhookError && error instanceof Error, `${code}: ${error}`);
    assert.equal(error.code, code, error.message);
    assert.equal(error.name, "WebhookError");
    assert.match(error.stack, /^WebhookError: /);
    const link = `https://github.com/clarife/clarife-webhooks/blob/main/docs/pages/reference/errors.md#${error.code}`;
    assert.equal(String(error), `WebhookError: ${error.message}; ${error.hint}; see ${link}`);
    const printed = inspect(error, { breakLength: Infinity });
    assert.ok(printed.startsWith(`WebhookError: ${error.message}; see ${link}\n    at `), printed);
    assert.ok(printed.includes(`code: '${code}'`) && printed.includes("hint: "), printed);
    assert.ok(inspect({ error }).includes(link));
    assert.ok(inspect(new Error("other", { cause: error })).includes(link));
    assert.match(error.message, /^[^A-Z].*[^.]$/s);
    assert.ok(error.hint.length > 20, code);
  }
  assert.deepEqual(new Set(["body_too_large", "body_incomplete", ...refusals.map(([code]) => code)]), new Set(api.ERROR_CODES), "all but the adapters' codes");
});

test("a refusal's stack has the innermost calls, and the limit stays unchanged", () => {
  const before = Error.stackTraceLimit;
  function deep(calls) {
    return calls === 0 ? thrownBy(() => webhook.verify(BODY, "t=1", AT)) : deep(calls - 1);
  }
  const calls = (error) => error.stack.split("\n").filter((line) => line.startsWith("    at "));
  const error = deep(20);
  assert.equal(calls(error).length, 6);
  assert.match(error.stack, /at Webhook\.verify /, "the names are readable");
  assert.ok(calls(error).some((line) => line.includes("verify.test.mjs")), error.stack);
  try {
    Error.stackTraceLimit = 2;
    assert.equal(calls(deep(20)).length, 2, "a lower limit of the caller's applies");
    delete Error.stackTraceLimit;
    assert.equal(deep(20).code, "malformed_signature");
    assert.ok(!("stackTraceLimit" in Error));
    Object.defineProperty(Error, "stackTraceLimit", { value: 10, writable: false, configurable: true });
    assert.equal(calls(deep(20)).length, 10, "a constant limit applies");
  } finally {
    Object.defineProperty(Error, "stackTraceLimit", { value: before, writable: true, configurable: true });
  }
  assert.throws(() => new WebhookError("signature_mismatch", Symbol("no text")), TypeError);
  assert.equal(Error.stackTraceLimit, before);
});

test("a header of exactly 4,096 bytes is read", () => {
  const longest = `${SIGNATURE},a=`.padEnd(4096, "b");
  assert.equal(webhook.verify(BODY, longest, AT).raw, BODY);
  assert.equal(thrownBy(() => webhook.verify(BODY, `${longest}b`, AT)).code, "malformed_signature");
});

test("the error of a malformed payload names the position and shows no content", () => {
  assert.match(thrownBy(() => eventOf(bodyWith({ created_at: "yesterday" }))).message, /at \$\.created_at$/);
  assert.match(thrownBy(() => eventOf('{\n "id": nonsense }')).message, /at line 2, column \d+$/);
  for (const body of [bodyWith({ id: 5, data: { title: "kept secret" } }), '{"id":"kept secret" x']) {
    const error = thrownBy(() => eventOf(body));
    assert.ok(!`${error.message}${error.hint}${error.stack}`.includes("kept secret"));
  }
});

test("time: options, seconds, dates and the clock", () => {
  assert.equal(webhook.verify(BODY, SIGNATURE, { now: new Date(NOW * 1000 + 999) }).raw, BODY);
  assert.equal(webhook.verify(BODY, SIGNATURE, { now: NOW + 300.9 }).raw, BODY, "fractions are dropped");
  assert.equal(webhook.sign(BODY, { timestamp: new Date(NOW * 1000 + 500) }), SIGNATURE);
  assert.equal(webhook.verify(BODY, webhook.sign(BODY)).raw, BODY, "the clock signs and verifies");
  assert.equal(thrownBy(() => webhook.verify(BODY, SIGNATURE)).code, "timestamp_too_old");
  assert.equal(thrownBy(() => webhook.verify(BODY, SIGNATURE, { now: -1e300 })).code, "timestamp_in_future");
  assert.equal(thrownBy(() => webhook.verify(BODY, SIGNATURE, { now: 1e300 })).code, "timestamp_too_old");
  const patient = new Webhook(SECRET, { tolerance: 3600 });
  assert.equal(patient.verify(BODY, SIGNATURE, { now: NOW + 3600 }).raw, BODY);
  const strict = new Webhook(SECRET, { tolerance: 0 });
  assert.equal(strict.verify(BODY, SIGNATURE, AT).raw, BODY);
  assert.equal(thrownBy(() => strict.verify(BODY, SIGNATURE, { now: NOW + 1 })).code, "timestamp_too_old");
  assert.equal(new Webhook(SECRET, { tolerance: undefined, maxEventAge: undefined }).verify(BODY, SIGNATURE, { now: undefined, ...AT }).raw, BODY);
});

test("rotation: every secret verifies, and all secrets sign", () => {
  const both = new Webhook(["whsec_new", SECRET]);
  assert.equal(both.verify(BODY, SIGNATURE, AT).raw, BODY);
  const signature = both.sign(BODY, { timestamp: NOW });
  assert.equal(signature.match(/v1=/g).length, 2);
  for (const secret of ["whsec_new", SECRET]) {
    assert.equal(new Webhook(secret).verify(BODY, signature, AT).raw, BODY);
  }
});

test("wrong arguments are TypeErrors that name the argument", () => {
  const wrong = [
    ["secrets", [5, {}, Symbol("s"), [5], [undefined], [[SECRET]], Buffer.from(SECRET)].map((value) => () => new Webhook(value))],
    ["options", ["300", 300, true, new Date(), [], new Map(), { max_event_age: 900 }, { tolerance: 300, now: NOW }, { toString: undefined }].map((value) => () => new Webhook(SECRET, value))],
    ["tolerance", ["300", -1, 1.5, NaN, Infinity, null, 300n].map((tolerance) => () => new Webhook(SECRET, { tolerance }))],
    ["maxEventAge", ["900", -1, NaN].map((maxEventAge) => () => new Webhook(SECRET, { maxEventAge }))],
    ["body", [5, 5n, true, Symbol("s"), () => {}, Promise.resolve(BODY), new Map(), new Date(), new Blob([BODY]), new ReadableStream(), new String(BODY), detached(), shrunk()].flatMap((body) => [() => webhook.verify(body, SIGNATURE), () => webhook.sign(body)])],
    ["payload", [5, new Blob([BODY])].map((payload) => () => api.verifyWebhookSignature(payload, SIGNATURE, SECRET))],
    ["secret", [5, [5], Buffer.from(SECRET)].map((secret) => () => api.verifyWebhookSignature(BODY, SIGNATURE, secret))],
    ["raw", [5, new Blob([BODY]), Promise.resolve(BODY)].map((raw) => () => api.parseTrusted(raw))],
    ["type", [undefined, null, 5, {}, ["document.created"]].map((type) => () => api.isKnownEventType(type))],
    ["signature", [5, true, 5n, Symbol("s"), () => {}, [5], { "x-clarife-signature": 5 }, { "X-Clarife-Signature": [5] }, new Map([["x-clarife-signature", {}]])].map((signature) => () => webhook.verify(BODY, signature, AT))],
    ["options", [SECRET, 5, new Date(), { tolerance: 300 }, { timestamp: NOW }].flatMap((options) => [() => webhook.verify(BODY, SIGNATURE, options), ...(options.timestamp ? [] : [() => webhook.sign(BODY, options)])])],
    ["now", ["5", NaN, Infinity, null, {}, new Date(NaN), 5n, Symbol("s")].map((now) => () => webhook.verify(BODY, SIGNATURE, { now }))],
    ["timestamp", ["5", NaN, null, new Date(NaN), -1, 1e12, Number.MAX_VALUE].map((timestamp) => () => webhook.sign(BODY, { timestamp }))],
  ];
  for (const [name, calls] of wrong) {
    for (const call of calls) {
      const error = thrownBy(call);
      assert.ok(error instanceof TypeError, `${name}: ${error.stack}`);
      assert.match(error.message, new RegExp(`^${name} must `));
    }
  }
  assert.match(thrownBy(() => webhook.verify(Promise.resolve(BODY), SIGNATURE)).message, /await/);
  assert.match(thrownBy(() => webhook.verify(new Blob([BODY]), SIGNATURE)).message, /not Blob$/);
  assert.match(thrownBy(() => new Webhook(SECRET, { max_event_age: 1, maxEventAge: 1, secret: 1 })).message, /not max_event_age, secret$/);
  assert.ok(thrownBy(() => Webhook(SECRET)) instanceof TypeError, "a class is called with new");
  assert.ok(thrownBy(() => webhook.verify.call({}, BODY, SIGNATURE)) instanceof TypeError);
});

test("a body that is not raw has its own error", () => {
  const request = new Request("https://example.com/", { method: "POST", body: BODY });
  for (const body of [{}, [], [BODY], JSON.parse(BODY), new (class {})(), request, new Response(BODY), { headers: new Headers() }, Object.create(null), new Proxy({}, {}), { __proto__: Uint8Array.prototype }, new Proxy(new Uint8Array(3), {})]) {
    assert.equal(thrownBy(() => webhook.verify(body, SIGNATURE, AT)).code, "body_not_raw");
    assert.equal(thrownBy(() => webhook.sign(body)).code, "body_not_raw");
  }
});

test("isKnownEventType", () => {
  assert.ok(api.EVENT_TYPES.every(api.isKnownEventType));
  for (const type of ["video.rendered", "", "constructor", "\ud800"]) {
    assert.equal(api.isKnownEventType(type), false);
  }
});

test("the class of a view does not change its bytes", () => {
  const bytes = new TextEncoder().encode(BODY);
  const overridden = (name, value) => new (class extends Uint8Array { get [name]() { return value; } })(bytes);
  const own = (name, value) => Object.defineProperty(bytes.slice(), name, { value });
  const double = new Float64Array(bytes.buffer.slice(0, bytes.length & ~7));
  const bodies = [
    ...[0, 1, -1, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, NaN, "5", undefined].flatMap((length) => ["byteLength", "length"].flatMap((name) => [overridden(name, length), own(name, length)])),
    ...[new ArrayBuffer(8), null, bytes].flatMap((buffer) => [overridden("buffer", buffer), own("buffer", buffer)]),
    overridden("byteOffset", 5), own("byteOffset", 2 ** 40), own("constructor", Float64Array), own(Symbol.toStringTag, "DataView"),
    Object.setPrototypeOf(bytes.slice(), Float64Array.prototype), Object.setPrototypeOf(bytes.slice(), null),
    Object.setPrototypeOf(new DataView(bytes.slice().buffer), Uint8Array.prototype), Object.setPrototypeOf(bytes.slice().buffer, Map.prototype),
    Object.defineProperty(bytes.slice().buffer, "byteLength", { value: 3 }),
  ];
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  bodies.push(new Uint8Array(Object.defineProperty(shared, Symbol.toStringTag, { value: "ArrayBuffer" })));
  for (const body of bodies) {
    assert.equal(webhook.verify(body, SIGNATURE, AT).raw, BODY);
    assert.equal(webhook.sign(body, { timestamp: NOW }), SIGNATURE);
    assert.equal(api.parseTrusted(body).raw, BODY);
  }
  const signed = webhook.sign(new Uint8Array(double.buffer), { timestamp: NOW });
  assert.equal(webhook.sign(Object.setPrototypeOf(double, Uint8Array.prototype), { timestamp: NOW }), signed);
  for (const length of [2000, 60_000, 900_000, 5_000_000]) {
    class Empty extends Uint8Array { get byteLength() { return 0; } get length() { return 0; } }
    assert.equal(thrownBy(() => webhook.verify(new Empty(length).fill(0x41), SIGNATURE, AT)).code, "signature_mismatch");
    assert.equal(new Webhook(SECRET).verify(BODY, SIGNATURE, AT).raw, BODY);
  }
});

test("bodies, headers and secrets of many megabytes leave everything working", () => {
  const long = "x".repeat(60_000_000);
  for (const call of [
    () => webhook.verify(long, SIGNATURE, AT),
    () => webhook.verify(new Uint8Array(100_000_000), SIGNATURE, AT),
    () => webhook.verify(BODY, `${SIGNATURE}${long}`, AT),
    () => webhook.verify(BODY, Array(100).fill(long), AT),
    () => webhook.verify(BODY, { "x-clarife-signature": Array(100).fill(long) }, AT),
    () => webhook.verify(BODY, `${" ".repeat(5000)}${SIGNATURE}`, AT),
    () => webhook.verify(BODY, [" ".repeat(5000), SIGNATURE], AT),
    () => webhook.verify(BODY, " ".repeat(50_000_000), AT),
    () => webhook.sign(new Uint8Array(536_870_889)), // untouched pages take no memory
    () => api.parseTrusted(new Uint8Array(536_870_889)),
    () => new Webhook(`${long} `),
  ]) {
    const error = thrownBy(call);
    assert.ok(error instanceof WebhookError || error instanceof RangeError, error.stack);
    if (error instanceof RangeError) assert.match(error.message, /^(body|raw) must be at most 536870888 bytes long$/);
    assert.equal(webhook.verify(BODY, SIGNATURE, AT).raw, BODY);
  }
  const codes = [() => [" ".repeat(5000)], () => [" ".repeat(5000), ""], () => `${" ".repeat(5000)}${SIGNATURE}`, () => "\t ".repeat(5000)];
  assert.deepEqual(codes.map((header) => thrownBy(() => webhook.verify(BODY, header(), AT)).code), ["missing_signature", "malformed_signature", "malformed_signature", "missing_signature"]);
  assert.equal(new Webhook(long).sign("{}", { timestamp: NOW }), `t=${NOW},v1=${createHmac("sha256", long).update("{}").digest("hex")}`);
});

test("parseTrusted reads an event and verifies nothing", () => {
  const event = webhook.verify(BODY, SIGNATURE, AT);
  for (const raw of [BODY, event.raw, Buffer.from(BODY), new TextEncoder().encode(BODY).buffer]) {
    const again = api.parseTrusted(raw);
    assert.deepEqual(again, event);
    assert.deepEqual({ ...again }, { ...event });
    assert.equal(again.raw, BODY);
  }
  assert.equal(api.parseTrusted(bodyWith({ type: "video.rendered" })).type, "video.rendered");
  for (const raw of ["", "{}", BODY.slice(1), `${BODY}x`, new Uint8Array([0xff]), bodyWith({ data: [] })]) {
    const error = thrownBy(() => api.parseTrusted(raw));
    assert.ok(error instanceof WebhookError);
    assert.equal(error.code, "malformed_payload");
  }
  assert.equal(thrownBy(() => api.parseTrusted(JSON.parse(BODY))).code, "body_not_raw");
});

test("options of any size, and secrets that are not text", () => {
  for (const seconds of [2 ** 53, 2 ** 60, 2 ** 64, Number.MAX_VALUE]) {
    const webhook = new Webhook(SECRET, { tolerance: seconds, maxEventAge: seconds });
    assert.equal(webhook.verify(BODY, SIGNATURE, { now: NOW + 1e9 }).raw, BODY);
  }
  for (const secrets of ["\ud800abc", "abc\udfff", ["whsec_a", "\udc00\ud800"]]) {
    const error = thrownBy(() => new Webhook(secrets));
    assert.ok(error instanceof WebhookError);
    assert.equal(error.code, "invalid_secret");
    assert.match(error.message, /^[^:]+$/);
    assert.equal(error.hint, thrownBy(() => new Webhook("")).hint);
  }
  assert.match(new Webhook("whsec_😀").sign("{}"), /^t=/);
});

test("every error has its own hint, the same with every backend", () => {
  const hints = api.ERROR_CODES.map((code) => new WebhookError(code, "m").hint);
  assert.equal(new Set(hints).size, api.ERROR_CODES.length);
  assert.match(hints[8], /express\.raw/);
  assert.ok(hints.every((hint) => /^[^\n]{20,}[^\n.]$/.test(hint)));
  assert.equal(new WebhookError("missing_signature", "said").message, "said");
  const error = thrownBy(() => webhook.verify({}, SIGNATURE));
  assert.match(error.message, /raw/);
  assert.doesNotMatch(error.message, /\n/);
  assert.equal(error.hint, hints[8]);
});

test("verifyWebhookSignature agrees with verify", () => {
  const { verifyWebhookSignature } = api;
  const signature = webhook.sign(BODY);
  assert.equal(verifyWebhookSignature(BODY, signature, SECRET), true);
  assert.equal(verifyWebhookSignature(Buffer.from(BODY), signature, SECRET), true);
  assert.equal(verifyWebhookSignature(BODY, signature, ["whsec_new", SECRET]), true);
  assert.equal(verifyWebhookSignature(BODY, signature, "whsec_other"), false);
  assert.equal(verifyWebhookSignature(`${BODY} `, signature, SECRET), false);
  assert.equal(verifyWebhookSignature(BODY, SIGNATURE, SECRET), false, "too old");
  assert.equal(verifyWebhookSignature(BODY, undefined, SECRET), false);
  assert.equal(verifyWebhookSignature("{}", webhook.sign("{}"), SECRET), false, "authentic, but not an event");
  assert.equal(thrownBy(() => verifyWebhookSignature(JSON.parse(BODY), signature, SECRET)).code, "body_not_raw");
  assert.equal(thrownBy(() => verifyWebhookSignature(BODY, signature, "")).code, "invalid_secret");
  assert.equal(thrownBy(() => verifyWebhookSignature(BODY, signature)).code, "invalid_secret");
  for (let i = 0; i < 5000; i++) verifyWebhookSignature("{}", SIGNATURE, `whsec_${i}`); // each call opens a webhook and closes it
  assert.equal(verifyWebhookSignature(BODY, signature, SECRET), true);
  assert.equal(webhook.verify(BODY, SIGNATURE, AT).raw, BODY);
});

test("a missing body is body_not_raw", () => {
  for (const body of [undefined, null]) {
    for (const call of [
      () => webhook.verify(body, SIGNATURE),
      () => webhook.sign(body),
      () => api.parseTrusted(body),
      () => api.verifyWebhookSignature(body, SIGNATURE, SECRET),
    ]) {
      assert.equal(thrownBy(call).code, "body_not_raw");
    }
  }
});

test("a missing secret names the environment variable", () => {
  for (const secrets of [undefined, null, "", []]) {
    const error = thrownBy(() => new Webhook(secrets));
    assert.equal(error.code, "invalid_secret");
    assert.match(error.message, /there is none; set CLARIFE_WEBHOOK_SECRET to the signing secret/);
  }
});

test("frequent mistakes get a sentence of their own", async () => {
  const headers = { "X-Clarife-Signature": SIGNATURE };
  for (const swapped of [headers, new Headers(headers), new Map(Object.entries(headers)), Object.entries(headers)]) {
    assert.throws(() => webhook.verify(swapped, BODY), /^TypeError: body must be the raw body, not the headers: the body is the first argument$/);
  }
  assert.throws(() => webhook.verify(BODY, SIGNATURE, SECRET), /a secret belongs to new Webhook\(secret\)/);
  const request = { headers, socket: {}, on() {} };
  await assert.rejects(webhook.verifyRequest(request), /not a request of Node.js: use the receiver of clarife-webhooks\/node/);
});

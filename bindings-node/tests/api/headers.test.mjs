// Sources of the signature: every container of headers that frameworks have.
import assert from "node:assert/strict";
import { createServer, IncomingMessage, request as send } from "node:http";
import { once } from "node:events";
import test from "node:test";
import { api, AT, BODY, SECRET, SIGNATURE, thrownBy, webhook } from "./api.mjs";

const verifies = (headers) => webhook.verify(BODY, headers, AT).raw === BODY;

test("values, records, Headers and maps", () => {
  const lower = "x-clarife-signature";
  const upper = "X-Clarife-Signature";
  const sources = {
    value: SIGNATURE,
    "list of one value": [SIGNATURE],
    record: { [lower]: SIGNATURE },
    "record in another case": { host: "a", [upper]: SIGNATURE, accept: undefined },
    "record of lists": { [upper]: [SIGNATURE] },
    "record without prototype": Object.assign(Object.create(null), { [lower]: SIGNATURE }),
    "record with numbers elsewhere": { "content-length": 5, [lower]: SIGNATURE },
    Headers: new Headers({ [upper]: SIGNATURE }),
    "list of pairs": [["host", "a"], [upper, SIGNATURE]],
    "entries in a list": [...new Headers({ [upper]: SIGNATURE })],
    "pairs with lists": [[lower, [SIGNATURE]]],
    Map: new Map([[upper, SIGNATURE]]),
    "Map of lists": new Map([[lower, [SIGNATURE]]]),
    "object with get": { get: (name) => (name === lower ? SIGNATURE : null) },
    "object whose get is case-sensitive, with entries": { get: () => undefined, entries: () => [[upper, SIGNATURE]][Symbol.iterator]() },
    "class with a getter": new (class { get = (name) => this.all[name.toLowerCase()]; all = { [lower]: SIGNATURE }; })(),
  };
  for (const [kind, source] of Object.entries(sources)) {
    assert.ok(verifies(source), kind);
  }
});

test("no header is a missing signature", () => {
  for (const source of [{}, new Headers(), new Map(), [], [["host", "a"]], [[Symbol("a"), 1]], { get: () => null }, { headers: "a" }, { headers: ["a"], then: "a", get: "b" }, Object.create({ "x-clarife-signature": SIGNATURE }), { "x-clarife-signature": undefined }, { "x-clarife-signature": [] }, { "x-clarife-signatur\u00e9": SIGNATURE }]) {
    assert.equal(thrownBy(() => webhook.verify(BODY, source, AT)).code, "missing_signature");
  }
});

test("several headers count as one, joined", () => {
  const joined = new Headers();
  joined.append("x-clarife-signature", SIGNATURE);
  joined.append("x-clarife-signature", SIGNATURE);
  const split = SIGNATURE.split(",");
  for (const twice of [joined, [SIGNATURE, SIGNATURE], { "x-clarife-signature": SIGNATURE, "X-Clarife-Signature": SIGNATURE }, new Map([["x-clarife-signature", SIGNATURE], ["X-CLARIFE-SIGNATURE", SIGNATURE]]), [["x-clarife-signature", SIGNATURE], ["X-CLARIFE-SIGNATURE", SIGNATURE]]]) {
    assert.match(thrownBy(() => webhook.verify(BODY, twice, AT)).message, /more than one t/);
  }
  for (const parts of [split, { "x-clarife-signature": split[0], "X-Clarife-Signature": split[1] }, new Map([["X-clarife-signature", split[1]], ["x-clarife-signature", split[0]]])]) {
    assert.ok(verifies(parts), "the two halves are joined");
  }
});

test("a source without headers is a TypeError that names the signature", () => {
  const headers = new Headers({ "x-clarife-signature": SIGNATURE });
  const wrong = {
    await: [Promise.resolve(headers), { then() {} }, Object.assign(Promise.resolve(), { get: () => SIGNATURE })],
    "pass request\\.headers": [new Request("https://example.com/", { headers }), new Response("", { headers }), new IncomingMessage(null), { headers: { "x-clarife-signature": SIGNATURE } }],
    "not [A-Z]": [new ArrayBuffer(8), Buffer.from(SIGNATURE), new DataView(new ArrayBuffer(8)), new Date(), new String(SIGNATURE), new Number(5), headers.entries(), headers[Symbol.iterator](), new Map().keys(), [].values(), (function* () {})(), new Set([SIGNATURE]), new Error("a"), { [Symbol.iterator]: () => [].values() }, [{}], [["x-clarife-signature", {}]]],
    "not ": [[["x-clarife-signature"]], [["a", "b", "c"]], [["x-clarife-signature", SIGNATURE], "a"], ["a", ["x-clarife-signature", SIGNATURE]], ["a", null], [[]], [["x-clarife-signature", 5]]],
  };
  for (const [expected, values] of Object.entries(wrong)) {
    for (const value of values) {
      const error = thrownBy(() => webhook.verify(BODY, value, AT));
      assert.ok(error instanceof TypeError, error.stack);
      assert.match(error.message, new RegExp(`^signature must .*${expected}`));
    }
  }
});

test("members of a polluted Object.prototype do not count", async () => {
  const request = () => ({ headers: other, bodyUsed: false, arrayBuffer: async () => new TextEncoder().encode(BODY).buffer });
  const late = { now: AT.now + 1000 };
  const other = { "X-Clarife-Signature": SIGNATURE };
  const pollution = { now: AT.now, timestamp: 5, tolerance: 1e12, maxEventAge: 0, "x-clarife-signature": SIGNATURE, "X-Clarife-Signature": SIGNATURE, get: () => SIGNATURE, entries: () => [], then: () => {}, headers: { "x-clarife-signature": SIGNATURE }, unknown: 1, "-1": "document.deleted" };
  for (const [name, value] of Object.entries(pollution)) {
    // Writable, as after a merge of hostile data, and enumerable, so that for…in visits it.
    Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true });
    let results;
    try {
      results = [
        thrownBy(() => webhook.verify(BODY, SIGNATURE)).code,
        thrownBy(() => webhook.verify(BODY, SIGNATURE, {})).code,
        thrownBy(() => new api.Webhook(SECRET, {}).verify(BODY, SIGNATURE, late)).code,
        thrownBy(() => webhook.verify(BODY, {}, AT)).code,
        thrownBy(() => webhook.verify({}, SIGNATURE, AT)).code,
        webhook.verify(BODY, other, AT).raw,
        new api.Webhook(SECRET).verify(BODY, SIGNATURE, AT).type,
        Number(/t=(\d+)/.exec(webhook.sign(BODY))[1]) > AT.now,
        webhook.verify(BODY.replace("document.updated", "a.b"), webhook.sign(BODY.replace("document.updated", "a.b"), { timestamp: AT.now }), AT).type,
      ];
      // With this member, no buffer can be awaited.
      if (name !== "then") results.push((await webhook.verifyRequest(request(), AT)).raw);
    } catch (error) {
      results = error;
    } finally {
      delete Object.prototype[name];
    }
    const expected = ["timestamp_too_old", "timestamp_too_old", "timestamp_too_old", "missing_signature", "body_not_raw", BODY, "document.updated", true, "a.b", BODY];
    assert.deepEqual(results, name === "then" ? expected.slice(0, -1) : expected, name);
  }
});

test("a real request to node:http", async () => {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const events = [request.headers, request.headersDistinct].map((headers) => webhook.verify(body, headers, AT));
    response.end(events.map((event) => event.id).join());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const request = send({ port: server.address().port, method: "POST", headers: { "X-CLARIFE-Signature": SIGNATURE } }).end(BODY);
  const [response] = await once(request, "response");
  let echoed = "";
  for await (const chunk of response) echoed += chunk;
  server.close();
  const { id } = JSON.parse(BODY);
  assert.equal(echoed, `${id},${id}`);
});

test("verifyRequest reads the raw body", async () => {
  const request = (init) => new Request("https://example.com/", { method: "POST", body: BODY, headers: { "X-Clarife-Signature": SIGNATURE }, ...init });
  const event = await webhook.verifyRequest(request(), AT);
  assert.equal(event.data.title, "Zażółć 😀");
  const now = await webhook.verifyRequest(request({ headers: { "x-clarife-signature": webhook.sign(BODY) } }));
  assert.equal(now.raw, BODY);
  await assert.rejects(webhook.verifyRequest(request({ headers: {} }), AT), { code: "missing_signature" });
  await assert.rejects(webhook.verifyRequest(request({ body: "{}" }), AT), { code: "signature_mismatch" });
  await assert.rejects(webhook.verifyRequest(new Request("https://example.com/", { headers: { "x-clarife-signature": SIGNATURE } }), AT), { code: "signature_mismatch" });

  const used = request();
  await used.json();
  await assert.rejects(webhook.verifyRequest(used, AT), { name: "WebhookError", code: "body_not_raw" });
  const locked = request();
  locked.body.getReader();
  await assert.rejects(webhook.verifyRequest(locked, AT), { code: "body_not_raw" });

  const failure = new Error("the connection broke");
  const broken = request({ body: new ReadableStream({ pull: () => { throw failure; } }), duplex: "half" });
  await assert.rejects(webhook.verifyRequest(broken, AT), (error) => error.code === "body_incomplete" && error.cause === failure);

  for (const wrong of [undefined, null, 5, BODY, {}, { body: BODY, headers: {} }, new Blob([BODY])]) {
    await assert.rejects(webhook.verifyRequest(wrong, AT), { name: "TypeError", message: /^request must / });
  }
  await assert.rejects(webhook.verifyRequest(request(), SECRET), { name: "TypeError", message: /^options must / });
});

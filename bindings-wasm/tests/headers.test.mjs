// Where the signature comes from: every container of headers that frameworks have.
import assert from "node:assert/strict";
import { createServer, request as send } from "node:http";
import { once } from "node:events";
import test from "node:test";
import { AT, BODY, SECRET, SIGNATURE, thrownBy, webhook } from "./api.mjs";

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
  for (const source of [{}, new Headers(), new Map(), [], { get: () => null }, { "x-clarife-signature": undefined }, { "x-clarife-signature": [] }, { "x-clarife-signatur\u00e9": SIGNATURE }]) {
    assert.equal(thrownBy(() => webhook.verify(BODY, source, AT)).code, "missing_signature");
  }
});

test("several headers count as one, joined", () => {
  const joined = new Headers();
  joined.append("x-clarife-signature", SIGNATURE);
  joined.append("x-clarife-signature", SIGNATURE);
  const split = SIGNATURE.split(",");
  for (const twice of [joined, [SIGNATURE, SIGNATURE], { "x-clarife-signature": SIGNATURE, "X-Clarife-Signature": SIGNATURE }, new Map([["x-clarife-signature", SIGNATURE], ["X-CLARIFE-SIGNATURE", SIGNATURE]])]) {
    assert.match(thrownBy(() => webhook.verify(BODY, twice, AT)).message, /more than one t/);
  }
  for (const parts of [split, { "x-clarife-signature": split[0], "X-Clarife-Signature": split[1] }, new Map([["X-clarife-signature", split[1]], ["x-clarife-signature", split[0]]])]) {
    assert.ok(verifies(parts), "two halves are one whole");
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
  let answer = "";
  for await (const chunk of response) answer += chunk;
  server.close();
  const { id } = JSON.parse(BODY);
  assert.equal(answer, `${id},${id}`);
});

test("verifyRequest reads the raw body itself", async () => {
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
  await assert.rejects(webhook.verifyRequest(broken, AT), (error) => error === failure);

  for (const wrong of [undefined, null, 5, BODY, {}, { body: BODY, headers: {} }]) {
    await assert.rejects(webhook.verifyRequest(wrong, AT), { name: "TypeError", message: /^request must / });
  }
  await assert.rejects(webhook.verifyRequest(request(), SECRET), { name: "TypeError", message: /^options must / });
});

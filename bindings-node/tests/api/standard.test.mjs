// Standard Webhooks, in both directions against the published package.
import assert from "node:assert/strict";
import test from "node:test";
import { Webhook as Published } from "standardwebhooks";
import { api, BODY, NOW, thrownBy } from "./api.mjs";

const SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==";
const webhook = new api.Webhook(SECRET, { standardWebhooks: true });
const published = new Published(SECRET);
const { id } = JSON.parse(BODY);

test("standardwebhooks verifies our signatures", () => {
  const headers = webhook.signStandard(BODY, { id });
  assert.deepEqual(published.verify(BODY, headers), JSON.parse(BODY));
  const both = new api.Webhook(["whsec_bmV3ZXI=", SECRET]).signStandard(Buffer.from(BODY), { id });
  assert.deepEqual(published.verify(BODY, both), JSON.parse(BODY));
  assert.throws(() => published.verify(`${BODY} `, headers), /No matching signature/);
});

test("we verify the signatures of standardwebhooks", async () => {
  const now = new Date();
  const headers = { "webhook-id": id, "webhook-timestamp": String(Math.floor(now / 1000)), "webhook-signature": published.sign(id, now, BODY) };
  assert.equal(webhook.verify(BODY, headers).raw, BODY);
  assert.equal((await webhook.verifyRequest(new Request("https://example.com", { method: "POST", body: BODY, headers }))).raw, BODY);
  assert.equal((await webhook.receive(BODY, headers, () => {})).code, "handled");
  for (const [name, value, code] of [["webhook-id", "evt_other", "signature_mismatch"], ["webhook-timestamp", String(Math.floor(now / 1000) - 1), "signature_mismatch"], ["webhook-timestamp", "1", "timestamp_too_old"], ["webhook-id", undefined, "missing_signature"], ["webhook-signature", "v1,AAAA", "malformed_signature"]]) {
    assert.equal(thrownBy(() => webhook.verify(BODY, { ...headers, [name]: value })).code, code);
  }
});

test("with standardWebhooks, clarife's own header does not count", () => {
  const own = new api.Webhook(SECRET).sign(BODY);
  for (const signature of [own, [own], { "x-clarife-signature": own }, new Headers({ "x-clarife-signature": own }), undefined, {}]) {
    assert.equal(thrownBy(() => webhook.verify(BODY, signature)).code, "missing_signature");
  }
  const standard = webhook.signStandard(BODY, { id });
  assert.equal(thrownBy(() => new api.Webhook(SECRET).verify(BODY, standard)).code, "missing_signature");
  for (const from of [webhook, new api.Webhook(SECRET)]) assert.equal(from.verify(BODY, { ...standard, "x-clarife-signature": own }).raw, BODY);
});

test("secrets and arguments", () => {
  const { message, code } = thrownBy(() => new api.Webhook("whsec_no base64", { standardWebhooks: true }));
  assert.equal(code, "invalid_secret");
  assert.doesNotMatch(message, /whsec_/);
  assert.equal(thrownBy(() => new api.Webhook("whsec_no base64").signStandard(BODY, { id })).code, "invalid_secret");
  for (const options of [undefined, {}, { id: 5 }, { id: "" }, { id: "a b" }, { id, now: 5 }, { id, timestamp: "5" }, { id, timestamp: -1 }]) {
    assert.ok(thrownBy(() => webhook.signStandard(BODY, options)) instanceof TypeError, JSON.stringify(options));
  }
  for (const standardWebhooks of [1, "true", null]) assert.ok(thrownBy(() => new api.Webhook(SECRET, { standardWebhooks })) instanceof TypeError);
  assert.deepEqual(webhook.signStandard(BODY, { id, timestamp: new Date(NOW * 1000 + 999) }), webhook.signStandard(BODY, { id, timestamp: NOW }));
});

test("the clock option applies everywhere", async () => {
  let now = NOW;
  const clocked = new api.Webhook(SECRET, { clock: () => now });
  const signature = clocked.sign(BODY);
  assert.equal(signature, webhook.sign(BODY, { timestamp: NOW }));
  assert.equal(clocked.verify(BODY, signature).raw, BODY);
  assert.deepEqual(clocked.signStandard(BODY, { id }), webhook.signStandard(BODY, { id, timestamp: NOW }));
  now = new Date((NOW + 301) * 1000);
  assert.equal(thrownBy(() => clocked.verify(BODY, signature)).code, "timestamp_too_old");
  assert.equal((await clocked.receive(BODY, signature, () => {})).code, "timestamp_too_old");
  assert.equal(clocked.verify(BODY, signature, { now: NOW }).raw, BODY);
  for (const wrong of ["5", NaN, undefined, new Date(NaN)]) {
    const broken = new api.Webhook(SECRET, { clock: () => wrong });
    assert.match(thrownBy(() => broken.verify(BODY, signature)).message, /^the clock's result must be Unix seconds/);
  }
  for (const clock of [5, {}, null]) assert.match(thrownBy(() => new api.Webhook(SECRET, { clock })).message, /^clock must be a function/);
});

// The typical mistakes of a first receiver: each is told with a code, and with what to do in the text that people see.
import assert from "node:assert/strict";
import test from "node:test";
import { inspect } from "node:util";
import { api, AT, BODY, SECRET, SIGNATURE, thrownBy, webhook } from "./api.mjs";

const { Webhook } = api;
const { signature_mismatch: MISMATCH, ...CODES } = Object.fromEntries(api.ERROR_CODES.map((code) => [code, code]));
const verify = (body = BODY, signature = SIGNATURE, from = webhook, options = AT) => () => from.verify(body, signature, options);
const open = (secret, options) => () => new Webhook(secret, options);
const reserialized = JSON.stringify(JSON.parse(BODY), null, 1);
const milliseconds = { now: AT.now * 1000 };

/** The mistake, the call, the code or the type of the error, and what the log of Node.js says. */
const MISTAKES = [
  ["a parsed body", verify(JSON.parse(BODY)), CODES.body_not_raw, /express\.raw\(\{ type: "application\/json" \}\).*await request\.text\(\)/],
  ["no body, as in Express without a parser", verify(null), CODES.body_not_raw, /express\.raw/],
  ["a body that was serialized again", verify(reserialized), MISMATCH, /the raw body, byte for byte as received/],
  ["a body that was serialized twice", verify(JSON.stringify(BODY)), MISMATCH, /this body is a JSON string, so it was serialized again/],
  ["a body in base64", verify(Buffer.from(BODY).toString("base64")), MISMATCH, /decode the body from base64/],
  ["a promise as body", verify(Promise.resolve(BODY)), TypeError, /body must be awaited first/],
  ["another secret", verify(BODY, SIGNATURE, new Webhook("whsec_b3RoZXI")), MISMATCH, /use this subscription's signing secret/],
  ["a secret without its prefix", verify(BODY, SIGNATURE, new Webhook(SECRET.slice(6))), MISMATCH, /whsec_ prefix included: this webhook has a secret without the prefix/],
  ["no secret", open(undefined), CODES.invalid_secret, /CLARIFE_WEBHOOK_SECRET.*copy the signing secret/],
  ["an empty secret", open(""), CODES.invalid_secret, /copy the signing secret/],
  ["a line break after the secret", open(`${SECRET}\n`), CODES.invalid_secret, /white space.*copy the signing secret/],
  ["quotes around the secret", open(`"${SECRET}"`), CODES.invalid_secret, /quotes/],
  ["curly quotes around the secret", open(`“${SECRET}”`), CODES.invalid_secret, /quotes/],
  ["the id of the subscription", open("sub_123"), CODES.invalid_secret, /copy the signing secret/],
  ["a placeholder", open("whsec_..."), CODES.invalid_secret, /placeholder/],
  ["a variable that was not expanded", open("$CLARIFE_WEBHOOK_SECRET"), CODES.invalid_secret, /copy the signing secret/],
  ["the word undefined", open(`${undefined}`), CODES.invalid_secret, /copy the signing secret/],
  ["no header", verify(BODY, null), CODES.missing_signature, /pass the X-Clarife-Signature header, or all headers/],
  ["the header of Stripe", verify(BODY, { "Stripe-Signature": "t=1,v1=00" }), CODES.missing_signature, /stripe-signature is the signature of another sender/],
  ["the header of GitHub", verify(BODY, new Headers({ "X-Hub-Signature-256": "sha256=00" })), CODES.missing_signature, /x-hub-signature-256 is the signature of another sender/],
  ["GitHub's value", verify(BODY, "sha256=0123"), CODES.malformed_signature, /sha256= is the form of GitHub/],
  ["a clock that is ten minutes behind", verify(BODY, SIGNATURE, webhook, { now: AT.now - 600 }), CODES.timestamp_in_future, /600 s ahead, and the tolerance is 300 s.*the server's clock/],
  ["a clock that is ten minutes ahead", verify(BODY, SIGNATURE, webhook, { now: AT.now + 600 }), CODES.timestamp_too_old, /600 s ago, and the tolerance is 300 s.*the server's clock/],
  ["a time in milliseconds", verify(BODY, SIGNATURE, webhook, milliseconds), CODES.timestamp_too_old, /is the time of verification in milliseconds\?/],
  ["a tolerance in milliseconds", open(SECRET, { tolerance: 300_000 }), TypeError, /tolerance must be a whole number of seconds: 300000 looks like milliseconds/],
  ["swapped arguments", () => webhook.verify({ "x-clarife-signature": SIGNATURE }, BODY), TypeError, /the body is the first argument/],
  ["Stripe's order of arguments", () => webhook.verify(BODY, SIGNATURE, SECRET), TypeError, /a secret belongs to new Webhook\(secret\)/],
  ["the request in place of its headers", verify(BODY, { headers: { "x-clarife-signature": SIGNATURE } }), TypeError, /pass request\.headers/],
  ["a misspelt option", open(SECRET, { tolerence: 5 }), TypeError, /options must contain only tolerance and .*, not tolerence/],
  ["a misspelt type", () => new api.Handlers().on("document.update", () => {}), TypeError, /pattern must be a known type of event/],
];

for (const [mistake, call, kind, said] of MISTAKES) {
  test(mistake, () => {
    const error = thrownBy(call);
    if (kind === TypeError) {
      assert.ok(error instanceof TypeError);
    } else {
      assert.equal(error.code, kind);
      assert.match(inspect(error), new RegExp(`errors\\.md#${kind}`));
    }
    for (const text of [inspect(error), String(error)]) {
      assert.match(text.replaceAll(/\s+/g, " "), said);
      assert.doesNotMatch(text, /c2VjcmV0IG9m|b3RoZXI|Zażółć|eyJpZCI/, "nothing of a secret or a body");
    }
  });
}

test("a request of Node.js for the Fetch API, and the reverse", async () => {
  const receive = webhook.receiver(() => assert.fail("the handler ran"));
  await assert.rejects(receive({ headers: {}, socket: {}, on() {} }), /use the receiver of clarife-webhooks\/node/);
  if (!process.env.ENTRY || process.env.ENTRY === "clarife-webhooks") {
    const { receiver } = await import("clarife-webhooks/node");
    const listen = receiver(webhook, () => assert.fail("the handler ran"));
    await assert.rejects(listen(new Request("http://localhost/", { method: "POST" }), {}), /^TypeError: request must be a request of node:http: use webhook\.receiver/);
    await assert.rejects(listen({ on() {}, headers: {} }, { send() {} }), /^TypeError: response must be a response of node:http/);
  }
});

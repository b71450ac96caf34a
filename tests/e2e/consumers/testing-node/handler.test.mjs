// Tests of a handler with node:test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock, sampleEvent, signedRequest } from "clarife-webhooks/testing";
import { makeReceiver } from "./handler.mjs";

const secret = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==";

test("a changed document is indexed once, however often it is delivered", async () => {
  const titles = [];
  const receive = makeReceiver({ secret, index: (title) => titles.push(title) });
  const delivery = signedRequest(sampleEvent("document.updated", { data: { title: "Start" } }), { secret });
  assert.equal((await receive(delivery.toRequest())).status, 200);
  assert.equal((await receive(delivery.toRequest())).status, 200);
  assert.deepEqual(titles, ["Start"]);
});

test("a delivery that was signed with another secret is refused", async () => {
  const receive = makeReceiver({ secret, index: assert.fail });
  const delivery = signedRequest(sampleEvent("document.updated"), { secret: "whsec_YW5vdGhlciBvbmU=" });
  const response = await receive(delivery.toRequest());
  assert.equal(response.status, 400);
  assert.equal((await response.json()).code, "signature_mismatch");
});

test("an event that is too old is refused", async () => {
  const clock = new Clock();
  const receive = makeReceiver({ secret, index: assert.fail, clock: clock.now });
  const event = sampleEvent("document.updated", { created_at: clock.date() });
  clock.advance(901);
  const response = await receive(signedRequest(event, { secret, now: clock.now() }).toRequest());
  assert.equal((await response.json()).code, "event_too_old");
});

test("when the index is down, clarife is told to try again, and the retry is handled", async () => {
  let isDown = true;
  const titles = [];
  const index = (title) => {
    if (isDown) throw new Error("the index is down");
    titles.push(title);
  };
  const receive = makeReceiver({ secret, index });
  const delivery = signedRequest(sampleEvent("document.updated", { data: { title: "Start" } }), { secret });
  assert.equal((await receive(delivery.toRequest())).status, 500);
  isDown = false;
  assert.equal((await receive(delivery.toRequest())).status, 200);
  assert.deepEqual(titles, ["Start"]);
});

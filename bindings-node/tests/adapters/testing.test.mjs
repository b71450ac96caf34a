// The helpers for users' own tests.
import assert from "node:assert/strict";
import { test } from "node:test";

import { EVENT_TYPES, MemoryStore, parseTrusted, Webhook } from "clarife-webhooks";
import { Clock, sampleEvent, signedRequest, testEvent } from "clarife-webhooks/testing";

const secret = "whsec_c2VjcmV0IG9mIHRoZSBhZGFwdGVycw==";

test("a sample of every type, fresh each time", () => {
  for (const type of EVENT_TYPES) {
    const event = sampleEvent(type);
    assert.equal(event.type, type);
    assert.match(event.id, /^evt_[0-9a-f-]{36}$/);
    assert.notEqual(event.id, sampleEvent(type).id);
    assert.ok(Math.abs(Date.parse(event.created_at) - Date.now()) < 60_000);
    assert.ok(Object.keys(event.data).length > 0);
    assert.deepEqual({ ...parseTrusted(JSON.stringify(event)) }, event);
  }
  const first = sampleEvent("document.updated");
  first.data.content.blocks.length = 0;
  assert.ok(sampleEvent("document.updated").data.content.blocks.length > 0, "each call copies the data");
  for (const type of ["video.rendered", "constructor", undefined]) assert.throws(() => sampleEvent(type), /^TypeError: type must be/);
});

test("a sample with other members", () => {
  const event = sampleEvent("document.updated", { id: "evt_1", created_at: new Date(0), data: { title: "Mine" } });
  assert.deepEqual([event.id, event.created_at, event.data.title], ["evt_1", "1970-01-01T00:00:00.000Z", "Mine"]);
  assert.ok(event.data.word_count > 0);
  assert.equal(sampleEvent("share.created", { created_at: "2026-03-28T12:00:00Z" }).created_at, "2026-03-28T12:00:00Z");
});

test("an event for the test of a handler", () => {
  const event = testEvent("document.updated", { id: "evt_1", created_at: new Date(0), data: { title: "Mine" } });
  assert.deepEqual([event.id, event.type, event.created_at, event.data.title], ["evt_1", "document.updated", "1970-01-01T00:00:00.000Z", "Mine"]);
  assert.equal(JSON.parse(event.raw).data.title, "Mine");
  for (const type of EVENT_TYPES) assert.equal(testEvent(type).type, type);
  assert.throws(() => testEvent("video.rendered"), /^TypeError: type must be/);
});

test("a signed request in every form, and a movable clock", async () => {
  const clock = new Clock(1_774_699_200);
  const webhook = new Webhook(secret, { clock: clock.now, maxEventAge: 900 });
  const event = sampleEvent("media.uploaded", { created_at: clock.date() });
  const delivery = signedRequest(event, { secret, now: clock.now(), url: "https://example.org/hooks" });
  assert.equal(webhook.verify(delivery.body, delivery.headers).id, event.id);
  const request = delivery.toRequest();
  assert.deepEqual([request.url, request.method, request.headers.get("content-type")], ["https://example.org/hooks", "POST", "application/json"]);
  const receive = webhook.receiver(() => {}, { dedup: new MemoryStore({ clock: clock.now }), onError() {} });
  const codeOf = async (delivery) => (await (await receive(delivery.toRequest())).json()).code;
  assert.deepEqual([await codeOf(delivery), await codeOf(delivery)], ["handled", "duplicate"]);
  clock.advance(301);
  assert.equal(await codeOf(delivery), "timestamp_too_old");
  assert.equal(await codeOf(signedRequest(event, { secret, now: clock.now() })), "duplicate");
  clock.advance(600);
  assert.equal(await codeOf(signedRequest(event, { secret, now: clock.now() })), "event_too_old");
  clock.set(new Date(1_774_699_200_000));
  assert.equal(clock.now(), 1_774_699_200);
  for (const time of [NaN, "5", new Date(NaN)]) assert.throws(() => clock.set(time), TypeError);
});

test("Standard Webhooks beside clarife's header, and a rotated secret", () => {
  const event = sampleEvent("share.created");
  const delivery = signedRequest(event, { secret: [secret, "whsec_b2xkZXI="], standardWebhooks: true });
  for (const standardWebhooks of [false, true]) {
    for (const one of [secret, "whsec_b2xkZXI="]) {
      assert.equal(new Webhook(one, { standardWebhooks }).verify(delivery.body, delivery.headers).id, event.id);
    }
  }
});

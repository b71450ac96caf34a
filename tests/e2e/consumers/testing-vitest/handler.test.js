// Tests of a handler with Vitest and its clock.
import { afterEach, expect, test, vi } from "vitest";
import { Handlers, MemoryStore, Webhook } from "clarife-webhooks";
import { sampleEvent, signedRequest } from "clarife-webhooks/testing";

const secret = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==";
const webhook = new Webhook(secret, { maxEventAge: 900 });

afterEach(() => vi.useRealTimers());

test("the handler of the event's type is given the event, once", async () => {
  const updated = vi.fn();
  const receive = webhook.receiver(new Handlers().on("document.updated", updated), { dedup: new MemoryStore() });
  const delivery = signedRequest(sampleEvent("document.updated", { data: { title: "Start" } }), { secret });
  expect(await (await receive(delivery.toRequest())).json()).toEqual({ code: "handled" });
  expect(await (await receive(delivery.toRequest())).json()).toEqual({ code: "duplicate" });
  expect(updated).toHaveBeenCalledOnce();
  expect(updated.mock.calls[0][0]).toMatchObject({ type: "document.updated", data: { title: "Start" } });
});

test("a delivery that lay around for too long is refused", async () => {
  vi.useFakeTimers({ now: new Date("2026-03-28T12:00:00Z") });
  const event = sampleEvent("share.created", { created_at: new Date().toISOString() });
  const delivery = signedRequest(event, { secret });
  expect(webhook.verify(delivery.body, delivery.headers)).toMatchObject(event);
  vi.advanceTimersByTime(301_000);
  expect(() => webhook.verify(delivery.body, delivery.headers)).toThrow(expect.objectContaining({ code: "timestamp_too_old" }));
});

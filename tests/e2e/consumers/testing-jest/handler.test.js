// Tests of a handler with Jest and its clock, in CommonJS.
const { Handlers, MemoryStore, Webhook, WebhookError } = require("clarife-webhooks");
const { sampleEvent, signedRequest } = require("clarife-webhooks/testing");

const secret = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==";
const webhook = new Webhook(secret, { maxEventAge: 900 });

afterEach(() => jest.useRealTimers());

test("the handler of the event's type is given the event, once", async () => {
  const updated = jest.fn();
  const receive = webhook.rawReceiver(new Handlers().on("document.updated", updated), { dedup: new MemoryStore() });
  const { body, headers } = signedRequest(sampleEvent("document.updated", { data: { title: "Start" } }), { secret });
  expect(await receive(body, headers)).toMatchObject({ status: 200, code: "handled" });
  expect(await receive(body, headers)).toMatchObject({ status: 200, code: "duplicate" });
  expect(updated).toHaveBeenCalledTimes(1);
  expect(updated.mock.calls[0][0]).toMatchObject({ type: "document.updated", data: { title: "Start" } });
});

test("a delivery that lay around for too long is refused", () => {
  jest.useFakeTimers({ now: new Date("2026-03-28T12:00:00Z") });
  const event = sampleEvent("share.created", { created_at: new Date().toISOString() });
  const { body, headers } = signedRequest(event, { secret });
  expect(webhook.verify(Buffer.from(body), headers)).toMatchObject({ id: event.id, type: "share.created" });
  jest.advanceTimersByTime(301_000);
  expect(() => webhook.verify(body, headers)).toThrow(WebhookError);
  expect(() => webhook.verify(body, headers)).toThrow(expect.objectContaining({ code: "timestamp_too_old" }));
});

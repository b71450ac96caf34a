// The helpers for tests, and dispatch.
import type { Document, EventFor, EventPattern, KnownEvent, Share, StandardHeaders, UnknownEventType, WebhookEvent } from "clarife-webhooks";
import { Handlers, isKnownEvent, MemoryStore, receiveTrusted, storeKey, Webhook } from "clarife-webhooks";
import { Clock, sampleEvent, signedRequest, testEvent } from "clarife-webhooks/testing";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <_ extends true>(): void => {};

const clock = new Clock(new Date());
clock.advance(60);
clock.set(1_774_699_200);
const webhook = new Webhook("whsec_a", { clock: clock.now, standardWebhooks: true, maxEventAge: 900 });
new Webhook("whsec_a", { clock: () => clock.date() });
new MemoryStore({ capacity: 10, clock: clock.now });
// @ts-expect-error: a function, not the time
new Webhook("whsec_a", { clock: clock.now() });
// @ts-expect-error
new Webhook("whsec_a", { standardWebhooks: "yes" });

const event = sampleEvent("document.updated", { data: { title: "Getting started" } });
same<Equal<typeof event.type, "document.updated">>();
same<Equal<typeof event.data, Document>>();
// @ts-expect-error
sampleEvent("document.update");
// @ts-expect-error: a document has no slug
sampleEvent("document.updated", { data: { slug: "a" } });

const handled = testEvent("document.updated", { data: { title: "Getting started" } });
same<Equal<typeof handled.data, Document>>();
const anyEvent: WebhookEvent = handled;
if (isKnownEvent(anyEvent)) {
  const known: KnownEvent = anyEvent;
  void known;
}
void receiveTrusted("{}", new Handlers(), { dedup: { store: new MemoryStore(), subscription: "sub_1" } });
// @ts-expect-error
testEvent("document.update");

const delivery = signedRequest(event, { secret: "whsec_a", now: clock.date(), standardWebhooks: true });
const request: Request = delivery.toRequest();
void webhook.verifyRequest(request, { maxBodyBytes: 1000 });
void webhook.verify(delivery.body, delivery.headers);
// @ts-expect-error
signedRequest(event, {});

const signed: StandardHeaders = webhook.signStandard("{}", { id: "evt_1", timestamp: clock.now() });
// @ts-expect-error: a signature needs an id
webhook.signStandard("{}", {});

// A handler returns no response.
declare const remember: (event: WebhookEvent) => Promise<{ id: number }[]>;
webhook.receiver(remember);
webhook.receiver((event) => [].push(event.id as never));
webhook.receiver(async (event) => (event.id === "" ? undefined : { status: "open", at: new Date() }));
webhook.receiver((event) => JSON.parse(event.raw));
// @ts-expect-error
webhook.receiver(() => new Response("try later", { status: 503 }));
// @ts-expect-error
webhook.receiver(async () => Response.json({}));
// @ts-expect-error
webhook.receiver(async () => ({ statusCode: 503, body: "" }));
// @ts-expect-error
new Handlers().on("document.updated", async () => new Response());

// The pattern selects the type of a handler's event.
new Handlers()
  .on("document.updated", (event) => {
    same<Equal<typeof event, Extract<KnownEvent, { type: "document.updated" }>>>();
    void event.data.title;
  })
  .on("share.*", async (event) => {
    same<Equal<typeof event.data, Share>>();
    same<Equal<typeof event.type, "share.created" | "share.updated" | "share.deleted" | UnknownEventType>>();
  })
  .on("folder.*", (event) => void event.data["name"])
  // @ts-expect-error: a share has no word_count
  .on("share.created", (event) => event.data.word_count)
  // @ts-expect-error: not a type
  .on("document.update", () => {})
  // @ts-expect-error: not a group
  .on("documents.*", () => {})
  // @ts-expect-error
  .on("*", () => {})
  .otherwise((event) => {
    same<Equal<typeof event, WebhookEvent>>();
  });
const pattern: EventPattern = "generation.*";
const media = (event: EventFor<"media.uploaded">): string | undefined => event.data.filename;
new Handlers().on("media.uploaded", media);
// @ts-expect-error: a function of other events
new Handlers().on("media.*", (event: EventFor<"share.created">) => event.data.url);

const key: string = storeKey("evt_1");
void [request, signed, pattern, key];

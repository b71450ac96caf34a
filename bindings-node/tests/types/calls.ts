// The arguments of each function.
import type { Body, SignatureSource, WebhookEvent, WebhookOptions } from "clarife-webhooks";
import { engine, parseTrusted, SIGNATURE_HEADER, verifyWebhookSignature, Webhook } from "clarife-webhooks";

const webhook = new Webhook("whsec_a");
new Webhook(["whsec_a", "whsec_b"] as const);
new Webhook("whsec_a", { tolerance: 60, maxEventAge: 900 });
new Webhook("whsec_a", { tolerance: undefined });
const options: WebhookOptions = { maxEventAge: 900 };
new Webhook(undefined as string | undefined); // an environment variable: the constructor throws
new Webhook(null);
// @ts-expect-error
new Webhook();
// @ts-expect-error
new Webhook("whsec_a", 300);
// @ts-expect-error
new Webhook("whsec_a", { tolerance: "300" });
// @ts-expect-error
new Webhook("whsec_a", { tolerence: 300 });

const event: WebhookEvent = webhook.verify("{}", "t=1,v1=0");
// @ts-expect-error: verify is synchronous
webhook.verify("{}", "t=1,v1=0").then;
const bodies: Body[] = ["{}", new Uint8Array(), new ArrayBuffer(2), new DataView(new ArrayBuffer(2)), new Uint8Array(new SharedArrayBuffer(2))];
// @ts-expect-error: the raw body, not the parsed one
webhook.verify(JSON.parse("{}") as object, "t=1,v1=0");
// @ts-expect-error
webhook.verify({ id: "evt_1" }, "t=1,v1=0");
// @ts-expect-error
webhook.verify(Promise.resolve("{}"), "t=1,v1=0");
// @ts-expect-error
webhook.verify(undefined, "t=1,v1=0");

declare const headers: Headers;
declare const record: Record<string, string | string[] | undefined>;
declare const lambda: { [name: string]: string | undefined };
const sources: SignatureSource[] = ["t=1", ["t=1"], null, undefined, headers, record, lambda, new Map<string, string>(), new Map<string, string[]>(), { "X-Clarife-Signature": "t=1" }, [["x-clarife-signature", "t=1"]], [...headers]];
// @ts-expect-error: headers must not be a promise
webhook.verify("{}", Promise.resolve(headers));
// @ts-expect-error
webhook.verify("{}", 5);
// @ts-expect-error
webhook.verify("{}");

webhook.verify("{}", headers, { now: 5 });
webhook.verify("{}", headers, { now: new Date() });
// @ts-expect-error
webhook.verify("{}", headers, { now: "5" });
// @ts-expect-error
webhook.verify("{}", headers, "whsec_a");

declare const request: Request;
const later: Promise<WebhookEvent> = webhook.verifyRequest(request, { now: 5 });
// @ts-expect-error
void webhook.verifyRequest("{}");

const signature: string = webhook.sign("{}", { timestamp: 5 });
// @ts-expect-error
webhook.sign({});
// @ts-expect-error
webhook.sign("{}", 5);

const verdict: boolean = verifyWebhookSignature("{}", headers, "whsec_a");
// @ts-expect-error
verifyWebhookSignature("{}", headers);

const trusted: WebhookEvent = parseTrusted(new Uint8Array());
// @ts-expect-error: the raw body, not the parsed one
parseTrusted({ id: "evt_1" });

const build: "native" | "wasm" = engine;
const name: "x-clarife-signature" = SIGNATURE_HEADER;
void [options, event, bodies, sources, later, signature, verdict, trusted, build, name];

// A webhook receiver as a route handler of Next.js.
import { MemoryStore, Webhook, type WebhookEvent } from "clarife-webhooks";

let handle: ((request: Request) => Promise<Response>) | undefined; // made by the first request: a build has no secret

export function POST(request: Request): Promise<Response> {
  const secret = process.env.CLARIFE_WEBHOOK_SECRET ?? "";
  handle ??= new Webhook(secret, { maxEventAge: 900 }).handler(onEvent, { dedup: new MemoryStore() });
  return handle(request);
}

function onEvent(event: WebhookEvent): void {
  if (event.type === "document.updated") console.log(event.type, event.data.title);
}

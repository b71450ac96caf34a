// A webhook receiver as a Next.js route handler.
import { MemoryStore, Webhook, type FetchReceiver, type WebhookEvent } from "clarife-webhooks";

let receive: FetchReceiver | undefined; // created by the first request, because a build has no secret

export function POST(request: Request): Promise<Response> {
  const secret = process.env.CLARIFE_WEBHOOK_SECRET;
  receive ??= new Webhook(secret, { maxEventAge: 900 }).receiver(onEvent, { dedup: new MemoryStore() });
  return receive(request);
}

function onEvent(event: WebhookEvent): void {
  if (event.type === "document.updated") console.log(event.type, event.data.title);
}

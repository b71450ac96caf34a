// A webhook receiver in SvelteKit.
import { env } from "$env/dynamic/private";
import { MemoryStore, Webhook, type FetchReceiver } from "clarife-webhooks";
import type { RequestHandler } from "./$types";

let receive: FetchReceiver | undefined; // created by the first request, because a build has no secret

export const POST: RequestHandler = ({ request }) => {
  receive ??= new Webhook(env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 }).receiver(
    (event) => {
      if (event.type === "document.updated") console.log(event.type, event.data.title);
    },
    { dedup: new MemoryStore() },
  );
  return receive(request);
};

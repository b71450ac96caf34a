// A webhook receiver as an Astro endpoint.
import type { APIRoute } from "astro";
import { MemoryStore, Webhook } from "clarife-webhooks";

export const prerender = false;

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

const receive = webhook.receiver(
  (event) => {
    if (event.type === "document.updated") console.log(event.type, event.data.title);
  },
  { dedup: new MemoryStore() },
);

export const POST: APIRoute = ({ request }) => receive(request);

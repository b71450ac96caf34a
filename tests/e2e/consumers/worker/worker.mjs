// A webhook receiver for Cloudflare Workers.
import { env } from "cloudflare:workers";
import { Webhook } from "clarife-webhooks";
import { DurableObjectStore } from "clarife-webhooks/cloudflare";

export { DedupObject } from "clarife-webhooks/cloudflare";

const webhook = new Webhook(env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

const receive = webhook.receiver(
  (event) => {
    if (event.type === "document.updated") console.log(event.type, event.data.title);
  },
  { dedup: new DurableObjectStore(env.DEDUP) },
);

export default {
  fetch(request) {
    if (new URL(request.url).pathname === "/webhooks/clarife") return receive(request);
    return new Response("not found", { status: 404 });
  },
};

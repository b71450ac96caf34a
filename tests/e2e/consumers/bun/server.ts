// A webhook receiver with Bun.
import { MemoryStore, Webhook } from "clarife-webhooks";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

const receive = webhook.receiver(
  (event) => {
    if (event.type === "document.updated") console.log(event.type, event.data.title);
  },
  { dedup: new MemoryStore() },
);

Bun.serve({
  port: Number(process.env.PORT ?? 3000),
  hostname: "127.0.0.1",
  routes: { "/webhooks/clarife": (request) => receive(request) },
});

// A webhook receiver with Hono, here on Node.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { MemoryStore, Webhook } from "clarife-webhooks";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

const receive = webhook.receiver(
  (event) => {
    if (event.type === "document.updated") console.log(event.type, event.data.title);
  },
  { dedup: new MemoryStore() },
);

const app = new Hono();
app.all("/webhooks/clarife", (context) => receive(context.req.raw));
serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: "127.0.0.1" });

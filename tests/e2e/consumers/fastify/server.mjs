// A webhook receiver with Fastify 5.
import Fastify from "fastify";
import { MemoryStore, Webhook } from "clarife-webhooks";
import { receiver } from "clarife-webhooks/fastify";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

function handle(event) {
  if (event.type === "document.updated") console.log(event.type, event.data.title);
}

const app = Fastify();
// The plugin keeps bodies raw in its own scope only. Fastify parses those of other routes as usual.
app.register(receiver(webhook, handle, { dedup: new MemoryStore() }), { prefix: "/webhooks/clarife" });
await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });

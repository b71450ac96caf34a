// A webhook receiver with Deno.
import { MemoryStore, Webhook } from "clarife-webhooks";

const webhook = new Webhook(Deno.env.get("CLARIFE_WEBHOOK_SECRET"), { maxEventAge: 900 });

const receive = webhook.receiver(
  (event) => {
    if (event.type === "document.updated") console.log(event.type, event.data.title);
  },
  { dedup: new MemoryStore() },
);

Deno.serve({ port: Number(Deno.env.get("PORT") ?? 3000), hostname: "127.0.0.1" }, (request) => {
  if (new URL(request.url).pathname === "/webhooks/clarife") return receive(request);
  return new Response("not found", { status: 404 });
});

// A webhook receiver with Express 4 or 5.
import express from "express";
import { MemoryStore, Webhook } from "clarife-webhooks";
import { receiver } from "clarife-webhooks/express";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

function handle(event) {
  if (event.type === "document.updated") console.log(event.type, event.data.title);
}

const app = express();
// Before express.json(): the signature is over the body as it was received.
app.all("/webhooks/clarife", receiver(webhook, handle, { dedup: new MemoryStore() }));
app.use(express.json());
app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");

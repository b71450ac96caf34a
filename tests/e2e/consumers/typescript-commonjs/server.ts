// A webhook receiver in TypeScript, compiled to CommonJS, with Express.
import express from "express";
import { MemoryStore, Webhook, type WebhookEvent } from "clarife-webhooks";
import { receiver } from "clarife-webhooks/express";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

function handle(event: WebhookEvent): void {
  switch (event.type) {
    case "document.updated":
      console.log(event.type, event.data.title);
      break;
    case "media.uploaded":
      console.log(event.type, event.data.filename);
      break;
  }
}

const app = express();
app.all("/webhooks/clarife", receiver(webhook, handle, { dedup: new MemoryStore() }));
app.use(express.json());
app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");

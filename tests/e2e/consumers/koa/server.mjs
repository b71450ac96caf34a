// A webhook receiver with Koa.
import Koa from "koa";
import { MemoryStore, Webhook } from "clarife-webhooks";
import { receiver } from "clarife-webhooks/koa";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

function handle(event) {
  if (event.type === "document.updated") console.log(event.type, event.data.title);
}

const receive = receiver(webhook, handle, { dedup: new MemoryStore() });

const app = new Koa();
// Before the body parser, if there is one. With @koa/router: router.all("/webhooks/clarife", receive).
app.use((context, next) => (context.path === "/webhooks/clarife" ? receive(context) : next()));
app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");

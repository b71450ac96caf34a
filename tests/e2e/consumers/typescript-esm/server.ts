// A webhook receiver in TypeScript with ES modules: one function for each event type.
import { createServer } from "node:http";
import { Handlers, MemoryStore, Webhook, type ShareCreatedEvent } from "clarife-webhooks";
import { receiver } from "clarife-webhooks/node";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

async function announce(event: ShareCreatedEvent): Promise<void> {
  console.log("shared:", event.data.url ?? event.data.id);
}

const handlers = new Handlers()
  .on("document.updated", (event) => console.log(event.type, event.data.title?.trim()))
  .on("document.*", (event) => console.log("some other change of a document:", event.data.id))
  .on("share.created", announce)
  .otherwise((event) => console.log("not for us:", event.type));

const receive = receiver(webhook, handlers, { dedup: new MemoryStore() });

const server = createServer((request, response) => {
  if (request.url === "/webhooks/clarife") return receive(request, response);
  return response.writeHead(404).end();
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");

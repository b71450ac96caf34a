// A webhook receiver with node:http.
import { createServer } from "node:http";
import { MemoryStore, Webhook } from "clarife-webhooks";
import { receiver } from "clarife-webhooks/node";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

function handle(event) {
  if (event.type === "document.updated") console.log(event.type, event.data.title);
}

const receive = receiver(webhook, handle, { dedup: new MemoryStore() });

const server = createServer((request, response) => {
  if (request.url === "/webhooks/clarife") return receive(request, response);
  response.writeHead(404).end();
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");

// A webhook receiver that may run in several processes, which share a store in Redis.
import { createServer } from "node:http";
import { createClient } from "redis";
import { Webhook } from "clarife-webhooks";
import { receiver } from "clarife-webhooks/node";
import { RedisStore } from "clarife-webhooks/redis";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });
const client = createClient({ url: process.env.REDIS_URL });
client.on("error", console.error); // the client reconnects; until then, deliveries get a 503
await client.connect();

function handle(event) {
  if (event.type === "document.updated") console.log(event.type, event.data.title);
}

const receive = receiver(webhook, handle, { dedup: new RedisStore(client) });

const server = createServer((request, response) => {
  if (request.url === "/webhooks/clarife") return receive(request, response);
  response.writeHead(404).end();
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");

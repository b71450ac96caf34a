// A webhook receiver without an adapter: `receive` takes the raw body and the headers, and returns the response.
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { MemoryStore, Webhook } from "clarife-webhooks";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });
const dedup = new MemoryStore();

function handle(event) {
  if (event.type === "document.updated") console.log(event.type, event.data.title);
}

const server = createServer(async (request, response) => {
  const { status, headers, body } = await webhook.receive(await buffer(request), request.headers, handle, { dedup });
  response.writeHead(status, headers).end(body);
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");

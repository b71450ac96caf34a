// A webhook receiver with node:http.
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { Webhook, WebhookError } from "clarife-webhooks";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET);

const server = createServer(async (request, response) => {
  const answer = (status, body) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  if (request.method !== "POST" || request.url !== "/webhooks/clarife") return answer(404, { error: "not found" });
  try {
    const event = webhook.verify(await buffer(request), request.headers);
    if (event.type === "document.updated") console.log(event.type, event.data.title);
    answer(200, { id: event.id, type: event.type });
  } catch (error) {
    if (!(error instanceof WebhookError)) return answer(500, { error: "internal error" });
    console.error(`refused: ${error.message}; ${error.hint}`);
    answer(400, { code: error.code, error: error.message });
  }
});
server.listen(Number(process.env.PORT), "127.0.0.1");

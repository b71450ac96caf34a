// A server on node:http.
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { Webhook, WebhookError } from "clarife-webhooks";

const webhook = new Webhook(process.env["CLARIFE_WEBHOOK_SECRET"] ?? "");

createServer(async (request, response) => {
  try {
    const event = webhook.verify(await buffer(request), request.headers);
    webhook.verify(await buffer(request), request.headersDistinct);
    if (event.type === "document.updated") {
      console.log(event.data.title);
    }
    response.writeHead(204).end();
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    response.writeHead(400).end(error.code);
  }
});

// @ts-expect-error: a request of node:http is not one of the Fetch API
createServer((request) => void webhook.verifyRequest(request));

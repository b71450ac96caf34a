// A webhook receiver for Cloudflare Workers; run by workerd.
import { Webhook, WebhookError } from "clarife-webhooks";

let webhook; // one for all requests: the secret is in `env`, which the first request brings

export default {
  async fetch(request, env) {
    if (request.method !== "POST" || new URL(request.url).pathname !== "/webhooks/clarife") {
      return Response.json({ error: "not found" }, { status: 404 });
    }
    webhook ??= new Webhook(env.CLARIFE_WEBHOOK_SECRET);
    try {
      const event = await webhook.verifyRequest(request);
      if (event.type === "document.updated") console.log(event.type, event.data.title);
      return Response.json({ id: event.id, type: event.type });
    } catch (error) {
      if (!(error instanceof WebhookError)) throw error;
      console.error(`refused: ${error.message}; ${error.hint}`);
      return Response.json({ code: error.code, error: error.message }, { status: 400 });
    }
  },
};

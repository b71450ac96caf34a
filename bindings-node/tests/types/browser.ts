// A worker.
import { Webhook, WebhookError } from "clarife-webhooks";
import * as wasm from "clarife-webhooks/wasm";

export default {
  async fetch(request: Request, env: { CLARIFE_WEBHOOK_SECRET: string }): Promise<Response> {
    try {
      const event = await new Webhook(env.CLARIFE_WEBHOOK_SECRET).verifyRequest(request);
      const same = await new wasm.Webhook(env.CLARIFE_WEBHOOK_SECRET).verifyRequest(request);
      return Response.json({ id: event.id, type: same.type });
    } catch (error) {
      if (!(error instanceof WebhookError)) throw error;
      return new Response(error.code, { status: 400 });
    }
  },
};

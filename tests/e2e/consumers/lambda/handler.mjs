// A webhook receiver for AWS Lambda, behind API Gateway, a function URL or a load balancer.
import { Webhook } from "clarife-webhooks";
import { receiver } from "clarife-webhooks/lambda";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

function handle(event) {
  if (event.type === "document.updated") console.log(event.type, event.data.title);
}

// To deduplicate events, pass a store that all instances share: { dedup: new RedisStore(client) }.
export const handler = receiver(webhook, handle);

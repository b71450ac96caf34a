// A webhook receiver in React Router (framework mode), and in Remix: a resource route.
import { MemoryStore, Webhook } from "clarife-webhooks";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

const receive = webhook.receiver(
  (event) => {
    if (event.type === "document.updated") console.log(event.type, event.data.title);
  },
  { dedup: new MemoryStore() },
);

export function action({ request }: { request: Request }): Promise<Response> {
  return receive(request);
}

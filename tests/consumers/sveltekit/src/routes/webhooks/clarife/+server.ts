// A webhook receiver in SvelteKit.
import { env } from "$env/dynamic/private";
import { MemoryStore, Webhook } from "clarife-webhooks";
import type { RequestHandler } from "./$types";

let handle: ((request: Request) => Promise<Response>) | undefined; // made by the first request: a build has no secret

export const POST: RequestHandler = ({ request }) => {
  handle ??= new Webhook(env.CLARIFE_WEBHOOK_SECRET ?? "", { maxEventAge: 900 }).handler(
    (event) => {
      if (event.type === "document.updated") console.log(event.type, event.data.title);
    },
    { dedup: new MemoryStore() },
  );
  return handle(request);
};

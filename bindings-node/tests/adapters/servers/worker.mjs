// A Cloudflare worker with both stores.
import { DurableObjectStore, KvStore } from "clarife-webhooks/cloudflare";
import { handlers, PARSED, ran, routes, webhook } from "./app.mjs";

export { DedupObject } from "clarife-webhooks/cloudflare";

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const options = {
      ...routes,
      "/object": { ...routes["/hooks"], dedup: new DurableObjectStore(env.DEDUP) },
      "/kv": { ...routes["/hooks"], dedup: new KvStore(env.HANDLED) },
    };
    if (pathname === "/ran") return Response.json(ran);
    if (pathname === "/claim") return Response.json(await new DurableObjectStore(env.DEDUP).claim(searchParams.get("id"), 5));
    if (pathname === PARSED) {
      await request.json();
      return webhook.receiver(handlers)(request);
    }
    return webhook.receiver(handlers, options[pathname])(request);
  },
};

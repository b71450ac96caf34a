// A worker with Cloudflare's own types.
import { Handlers, Webhook } from "clarife-webhooks";
import { DedupObject, DurableObjectStore, KvStore } from "clarife-webhooks/cloudflare";

export { DedupObject };

interface Env {
  readonly CLARIFE_WEBHOOK_SECRET: string;
  readonly DEDUP: DurableObjectNamespace;
  readonly HANDLED: KVNamespace;
}

const handlers = new Handlers().on("document.updated", (event) => console.log(event.data.title));

export default {
  fetch(request, env) {
    const webhook = new Webhook(env.CLARIFE_WEBHOOK_SECRET);
    void webhook.receiver(handlers, { dedup: new KvStore(env.HANDLED) });
    return webhook.receiver(handlers, { dedup: new DurableObjectStore(env.DEDUP) })(request);
  },
} satisfies ExportedHandler<Env>;

// As `wrangler types` writes a binding.
export const store = (namespace: DurableObjectNamespace<DedupObject>) => new DurableObjectStore(namespace);
export const object: new (state: DurableObjectState, env: Env) => DurableObject = DedupObject;
// @ts-expect-error: KV is not a namespace of Durable Objects
new DurableObjectStore({} as KVNamespace);
// @ts-expect-error
new KvStore({} as DurableObjectNamespace);

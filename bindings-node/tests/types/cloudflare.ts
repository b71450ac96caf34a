// As a worker is written, with Cloudflare's own types.
import { Handlers, Webhook } from "clarife-webhooks";
import { DurableObjectStore, KvStore, OnceObject } from "clarife-webhooks/cloudflare";

export { OnceObject };

interface Env {
  readonly CLARIFE_WEBHOOK_SECRET: string;
  readonly ONCE: DurableObjectNamespace;
  readonly HANDLED: KVNamespace;
}

const handlers = new Handlers().on("document.updated", (event) => console.log(event.data.title));

export default {
  fetch(request, env) {
    const webhook = new Webhook(env.CLARIFE_WEBHOOK_SECRET);
    void webhook.handler(handlers, { once: new KvStore(env.HANDLED) });
    return webhook.handler(handlers, { once: new DurableObjectStore(env.ONCE) })(request);
  },
} satisfies ExportedHandler<Env>;

export const object: new (state: DurableObjectState, env: Env) => DurableObject = OnceObject;
// @ts-expect-error: the one is not the other
new DurableObjectStore({} as KVNamespace);
// @ts-expect-error
new KvStore({} as DurableObjectNamespace);

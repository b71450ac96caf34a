import { storeKey, type Claim, type DedupStore } from "../api/index.js";
import { KEY_PREFIX } from "./generated.js";

/** What the object needs of its own storage. */
export interface ObjectStorage {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  deleteAll(): Promise<void>;
  setAlarm(at: number): Promise<void>;
}

/** What the store needs of a binding to a namespace of Durable Objects. */
export interface ObjectNamespace {
  idFromName(name: string): unknown;
  get(id: never): { fetch(url: string, init: { method: string }): Promise<{ readonly ok: boolean; json(): Promise<unknown> }> };
}

/** What the store needs of a binding to Workers KV. */
export interface KvNamespace {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
  delete(key: string): Promise<void>;
}

interface Entry {
  /** The holder's token; none once the event was handled. */
  readonly token?: string;
  /** When this no longer counts, in milliseconds of Unix time. */
  readonly until: number;
}

/**
 * The Durable Object behind {@link DurableObjectStore}: one for each event, which deletes itself when nothing has to be remembered
 * any more. Export it from the worker, and bind a namespace to it.
 *
 * @example
 * export { DedupObject } from "clarife-webhooks/cloudflare";
 *
 * // wrangler.toml
 * // [[durable_objects.bindings]]
 * // name = "DEDUP"
 * // class_name = "DedupObject"
 * //
 * // [[migrations]]
 * // tag = "v1"
 * // new_sqlite_classes = ["DedupObject"]
 */
export class DedupObject {
  readonly #storage: ObjectStorage;

  constructor(state: { readonly storage: ObjectStorage }) {
    this.#storage = state.storage;
  }

  /** Answers the store. While one call waits for the storage, the runtime lets no other in: each is one step. */
  async fetch(request: { readonly url: string }): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const [token, ttl] = [searchParams.get("token") ?? "", Number(searchParams.get("ttl"))];
    const until = Date.now() + ttl * 1000;
    const entry = (await this.#storage.get(ENTRY)) as Entry | undefined;
    const live = entry !== undefined && entry.until > Date.now();
    if (pathname === "/claim") {
      if (!live) {
        await this.#keep({ token, until });
        return Response.json({ token });
      }
      return Response.json(entry.token === undefined ? "done" : "in_progress");
    }
    if (pathname === "/complete") {
      await this.#keep({ until });
    } else if (pathname === "/release" && live && entry.token === token) {
      await this.#storage.deleteAll();
    }
    return Response.json(null);
  }

  /** The runtime calls this when nothing has to be remembered any more, and again if it failed. */
  async alarm(): Promise<void> {
    const entry = (await this.#storage.get(ENTRY)) as Entry | undefined;
    if (entry !== undefined && entry.until > Date.now()) {
      await this.#storage.setAlarm(entry.until);
    } else {
      await this.#storage.deleteAll();
    }
  }

  async #keep(entry: Entry): Promise<void> {
    await this.#storage.put(ENTRY, entry);
    await this.#storage.setAlarm(entry.until);
  }
}

const ENTRY = "entry";

/**
 * What was handled, in Durable Objects: exact, for a worker that runs everywhere.
 *
 * @example
 * const receive = webhook.receiver(handlers, { dedup: new DurableObjectStore(env.DEDUP) });
 */
export class DurableObjectStore implements DedupStore {
  readonly #namespace: ObjectNamespace;

  constructor(namespace: ObjectNamespace) {
    if (typeof namespace?.idFromName !== "function") {
      throw new TypeError("namespace must be a binding to Durable Objects");
    }
    this.#namespace = namespace;
  }

  async claim(id: string, ttl: number): Promise<Claim> {
    return (await this.#ask(id, "claim", { token: crypto.randomUUID(), ttl })) as Claim;
  }

  async complete(id: string, _token: string, ttl: number): Promise<void> {
    await this.#ask(id, "complete", { ttl });
  }

  async release(id: string, token: string): Promise<void> {
    await this.#ask(id, "release", { token });
  }

  async #ask(id: string, step: string, query: { token?: string; ttl?: number }): Promise<unknown> {
    const object = this.#namespace.get(this.#namespace.idFromName(storeKey(id)) as never);
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${value}`);
    const response = await object.fetch(`https://dedup/${step}?${pairs.join("&")}`, { method: "POST" });
    if (!response.ok) {
      throw new Error("the Durable Object did not answer");
    }
    return response.json();
  }
}

/**
 * What was handled, in Workers KV. **It cannot promise "once"**: KV has no step that reads and writes at once, and what one
 * location has written another may not see for a minute. Two deliveries of one event that arrive together, or at two locations
 * within that minute, may both be handled. What it does is spare most repeats; where a repeat does harm, use
 * {@link DurableObjectStore}.
 *
 * KV keeps nothing for less than 60 seconds: the entry holds its own end, so that shorter claims still end in time.
 *
 * @example
 * const receive = webhook.receiver(handlers, { dedup: new KvStore(env.HANDLED) });
 */
export class KvStore implements DedupStore {
  readonly #namespace: KvNamespace;

  constructor(namespace: KvNamespace) {
    if (typeof namespace?.get !== "function" || typeof namespace.put !== "function") {
      throw new TypeError("namespace must be a binding to Workers KV");
    }
    this.#namespace = namespace;
  }

  async claim(id: string, ttl: number): Promise<Claim> {
    const entry = await this.#entry(id);
    if (entry !== undefined) {
      return entry.token === undefined ? "done" : "in_progress";
    }
    const token = crypto.randomUUID();
    await this.#keep(id, { token, until: Date.now() + ttl * 1000 }, ttl);
    return { token };
  }

  async complete(id: string, _token: string, ttl: number): Promise<void> {
    await this.#keep(id, { until: Date.now() + ttl * 1000 }, ttl);
  }

  async release(id: string, token: string): Promise<void> {
    if ((await this.#entry(id))?.token === token) {
      await this.#namespace.delete(await keyOf(id));
    }
  }

  /** What counts of an event, if anything does. */
  async #entry(id: string): Promise<Entry | undefined> {
    const text = await this.#namespace.get(await keyOf(id));
    const entry = text === null ? undefined : (JSON.parse(text) as Entry);
    return entry !== undefined && entry.until > Date.now() ? entry : undefined;
  }

  async #keep(id: string, entry: Entry, ttl: number): Promise<void> {
    await this.#namespace.put(await keyOf(id), JSON.stringify(entry), { expirationTtl: Math.max(SHORTEST_TTL, ttl) });
  }
}

/** KV refuses a shorter one, in seconds. */
const SHORTEST_TTL = 60;

/** KV takes keys of up to 512 bytes: every id has the same form. */
async function keyOf(id: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id)));
  return `${KEY_PREFIX}${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

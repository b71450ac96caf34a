import { type Claim, type DedupStore, storeKey } from "../api/index.js";
import { KEY_PREFIX } from "./generated.js";

/** The members of a Durable Object's storage that {@link DedupObject} uses. */
export interface ObjectStorage {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  deleteAll(): Promise<void>;
  setAlarm(at: number): Promise<void>;
}

/** The members of a namespace of Durable Objects that {@link DurableObjectStore} uses. */
export interface ObjectNamespace {
  idFromName(name: string): unknown;
  get(
    id: never,
  ): {
    fetch(
      url: string,
      init: { method: string },
    ): Promise<{ readonly ok: boolean; readonly status: number; json(): Promise<unknown> }>;
  };
}

/** The members of a namespace of Workers KV that {@link KvStore} uses. */
export interface KvNamespace {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
  delete(key: string): Promise<void>;
}

interface Entry {
  /** The holder's token. A handled event has none. */
  readonly token?: string;
  /** The end of the entry, in milliseconds of Unix time. */
  readonly until: number;
}

/**
 * The Durable Object behind {@link DurableObjectStore}: one for each event, which deletes itself at the end of its
 * entry. Export the class from the worker, and bind a namespace to it.
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
  /** The mark of a Durable Object in Cloudflare's types. It has no value. */
  declare readonly __DURABLE_OBJECT_BRAND: never;
  readonly #storage: ObjectStorage;

  constructor(state: { readonly storage: ObjectStorage }) {
    this.#storage = state.storage;
  }

  /**
   * Responds to the store. The runtime starts no other call while this call waits for the storage, so every call is
   * atomic.
   */
  async fetch(request: { readonly url: string }): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const [token, ttl] = [searchParams.get("token") ?? "", Number(searchParams.get("ttl"))];
    const until = Date.now() + ttl * 1000;
    const entry = (await this.#storage.get(ENTRY)) as Entry | undefined;
    const isLive = entry !== undefined && entry.until > Date.now();
    if (pathname === "/claim") {
      if (!isLive) {
        await this.#put({ token, until });
        return Response.json({ token });
      }
      return Response.json(entry.token === undefined ? "done" : "in_progress");
    }
    if (pathname === "/complete") {
      await this.#put({ until });
    } else if (pathname === "/release" && isLive && entry.token === token) {
      await this.#storage.deleteAll();
    }
    return Response.json(null);
  }

  /** Deletes the object at the end of its entry. The runtime calls this, and again after an error. */
  async alarm(): Promise<void> {
    const entry = (await this.#storage.get(ENTRY)) as Entry | undefined;
    if (entry !== undefined && entry.until > Date.now()) {
      await this.#storage.setAlarm(entry.until);
    } else {
      await this.#storage.deleteAll();
    }
  }

  async #put(entry: Entry): Promise<void> {
    await this.#storage.put(ENTRY, entry);
    await this.#storage.setAlarm(entry.until);
  }
}

const ENTRY = "entry";

/**
 * A store in Durable Objects: exact, for a worker in every location.
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
    return (await this.#call(id, "claim", { token: crypto.randomUUID(), ttl })) as Claim;
  }

  async complete(id: string, _token: string, ttl: number): Promise<void> {
    await this.#call(id, "complete", { ttl });
  }

  async release(id: string, token: string): Promise<void> {
    await this.#call(id, "release", { token });
  }

  async #call(id: string, step: string, query: { token?: string; ttl?: number }): Promise<unknown> {
    const object = this.#namespace.get(this.#namespace.idFromName(storeKey(id)) as never);
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${value}`);
    const response = await object.fetch(`https://dedup/${step}?${pairs.join("&")}`, { method: "POST" });
    if (!response.ok) {
      throw new Error(`cannot ${step} an event in the Durable Object: status ${response.status}`);
    }
    return response.json();
  }
}

/**
 * A store in Workers KV. **It is not exact**: KV has no atomic operation, and a location may see a write of another
 * location a minute later. Two deliveries of one event may both be handled if they arrive together, or at two locations
 * within that minute. The store prevents most repeats. Use {@link DurableObjectStore} if a repeat does harm.
 *
 * KV keeps every entry for at least 60 seconds. The entry holds its own end, so shorter claims still end in time.
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
    const entry = await this.#get(id);
    if (entry !== undefined) {
      return entry.token === undefined ? "done" : "in_progress";
    }
    const token = crypto.randomUUID();
    await this.#put(id, { token, until: Date.now() + ttl * 1000 }, ttl);
    return { token };
  }

  async complete(id: string, _token: string, ttl: number): Promise<void> {
    await this.#put(id, { until: Date.now() + ttl * 1000 }, ttl);
  }

  async release(id: string, token: string): Promise<void> {
    if ((await this.#get(id))?.token === token) {
      await this.#namespace.delete(await toKey(id));
    }
  }

  /** Returns the entry of an event, unless it has ended. */
  async #get(id: string): Promise<Entry | undefined> {
    const text = await this.#namespace.get(await toKey(id));
    const entry = text === null ? undefined : (JSON.parse(text) as Entry);
    return entry !== undefined && entry.until > Date.now() ? entry : undefined;
  }

  async #put(id: string, entry: Entry, ttl: number): Promise<void> {
    await this.#namespace.put(await toKey(id), JSON.stringify(entry), { expirationTtl: Math.max(MIN_TTL, ttl) });
  }
}

/** The shortest time that KV accepts, in seconds. */
const MIN_TTL = 60;

/** Returns the key of an event. KV accepts up to 512 bytes, so every key is a hash. */
async function toKey(id: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id)));
  return `${KEY_PREFIX}${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

import { type Claim, type DedupStore, storeKey } from "../api/index.js";
import { DONE, KEY_PREFIX, RELEASE_SCRIPT } from "./generated.js";

/**
 * The members that the store uses of a client of `redis` (node-redis 4 and later): a client, a pool, a cluster or a
 * sentinel.
 */
export interface NodeRedisClient {
  set(key: string, value: string, options: { PX: number; NX?: true; GET?: true }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** The members that the store uses of a client of `ioredis` 5 and later, for one server or a cluster. */
export interface IoRedisClient {
  call(...command: never[]): unknown;
  set(key: string, value: string, px: "PX", ttl: number): Promise<unknown>;
  set(key: string, value: string, px: "PX", ttl: number, nx: "NX", get: "GET"): Promise<unknown>;
  eval(script: string, keys: number, key: string, argument: string): Promise<unknown>;
}

/**
 * A store in Redis 7 or later, for any number of processes in any language of this SDK: all use the same keys. It takes
 * a connected client, and never closes it.
 *
 * @example
 * const client = await createClient({ url: process.env.REDIS_URL }).connect(); // or new Redis(process.env.REDIS_URL)
 * const receive = webhook.receiver(handlers, { dedup: new RedisStore(client) });
 */
export class RedisStore implements DedupStore {
  readonly #client: NodeRedisClient | IoRedisClient;

  constructor(client: NodeRedisClient | IoRedisClient) {
    if (typeof client?.set !== "function" || typeof client.eval !== "function") {
      throw new TypeError("client must be a client of redis or ioredis");
    }
    this.#client = client;
  }

  async claim(id: string, ttl: number): Promise<Claim> {
    const token = createToken();
    const milliseconds = toMilliseconds(ttl);
    const key = toKey(id);
    const before = isIoRedis(this.#client)
      ? await this.#client.set(key, token, "PX", milliseconds, "NX", "GET")
      : await this.#client.set(key, token, { PX: milliseconds, NX: true, GET: true });
    // The client repeats a command after a lost connection, and then finds its own token.
    if (before === null || String(before) === token) {
      return { token };
    }
    if (String(before) === DONE) {
      return DONE;
    }
    // A client that ignores an option returns "OK", and a pipeline returns itself. Neither is another worker's claim.
    if (before === "OK" || (typeof before !== "string" && !ArrayBuffer.isView(before))) {
      throw new TypeError("cannot read the claim: the client does not return the value of SET with NX and GET");
    }
    return "in_progress";
  }

  async complete(id: string, _token: string, ttl: number): Promise<void> {
    const milliseconds = toMilliseconds(ttl);
    const key = toKey(id);
    await (isIoRedis(this.#client)
      ? this.#client.set(key, DONE, "PX", milliseconds)
      : this.#client.set(key, DONE, { PX: milliseconds }));
  }

  async release(id: string, token: string): Promise<void> {
    const key = toKey(id);
    await (isIoRedis(this.#client)
      ? this.#client.eval(RELEASE_SCRIPT, 1, key, token)
      : this.#client.eval(RELEASE_SCRIPT, { keys: [key], arguments: [token] }));
  }
}

function isIoRedis(client: NodeRedisClient | IoRedisClient): client is IoRedisClient {
  return "call" in client;
}

/** The largest integer that JavaScript writes exactly. Redis takes more, but "for ever" must not become an error. */
function toMilliseconds(seconds: number): number {
  return Math.min(seconds * 1000, Number.MAX_SAFE_INTEGER - Date.now());
}

function createToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function toKey(id: string): string {
  return KEY_PREFIX + storeKey(id);
}

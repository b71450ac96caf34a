import { type Claim, type DedupStore, storeKey } from "../api/index.js";
import { DONE, KEY_PREFIX, RELEASE_SCRIPT } from "./generated.js";

/**
 * The members that the store uses of a client of `redis` (node-redis 4 and later): a client, a pool, a cluster or a
 * sentinel.
 */
export interface NodeRedisClient {
  sendCommand(...command: never[]): unknown;
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

/** The members that the store uses of a client of `@upstash/redis`, which sends commands with HTTP. */
export interface UpstashClient {
  createScript(...script: never[]): unknown;
  set(key: string, value: string, options: { px: number }): Promise<unknown>;
  set(key: string, value: string, options: { px: number; nx: true; get: true }): Promise<unknown>;
  eval(script: string, keys: string[], args: string[]): Promise<unknown>;
}

/** The members that the store uses of Bun's own client. */
export interface BunRedisClient {
  send(command: string, parameters: string[]): Promise<unknown>;
}

/** A client that {@link RedisStore} takes. */
export type RedisClient = NodeRedisClient | IoRedisClient | UpstashClient | BunRedisClient;

/** The store's three commands, for every client. */
interface Commands {
  set(key: string, value: string, ttl: number): Promise<unknown>;
  /** Sets a value unless there is one. Returns the value that was there. */
  setIfNew(key: string, value: string, ttl: number): Promise<unknown>;
  release(key: string, token: string): Promise<unknown>;
}

/**
 * A store in Redis 7 or later, for any number of processes in any language of this SDK: all use the same keys. It takes
 * a connected client of `redis`, `ioredis`, `@upstash/redis` or Bun, and never closes it.
 *
 * @example
 * const client = await createClient({ url: process.env.REDIS_URL }).connect(); // or new Redis(process.env.REDIS_URL)
 * const receive = webhook.receiver(handlers, { dedup: new RedisStore(client) });
 */
export class RedisStore implements DedupStore {
  readonly #commands: Commands;

  constructor(client: RedisClient) {
    this.#commands = toCommands(client);
  }

  async claim(id: string, ttl: number): Promise<Claim> {
    const token = createToken();
    const before = await this.#commands.setIfNew(toKey(id), token, toMilliseconds(ttl));
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
    await this.#commands.set(toKey(id), DONE, toMilliseconds(ttl));
  }

  async release(id: string, token: string): Promise<void> {
    await this.#commands.release(toKey(id), token);
  }
}

/** Returns the commands of a client, which one of its members identifies. */
function toCommands(client: unknown): Commands {
  const { call, createScript, eval: evaluate, execAsPipeline, isPipeline, send, sendCommand, set } = Object(client) as {
    readonly [name: string]: unknown;
  };
  const collects = isPipeline === true || execAsPipeline !== undefined;
  const canRun = typeof set === "function" && typeof evaluate === "function" && !collects;
  if (canRun && typeof createScript === "function") {
    const upstash = client as UpstashClient;
    return {
      set: (key, value, px) => upstash.set(key, value, { px }),
      setIfNew: (key, value, px) => upstash.set(key, value, { px, nx: true, get: true }),
      release: (key, token) => upstash.eval(RELEASE_SCRIPT, [key], [token]),
    };
  }
  if (canRun && typeof sendCommand === "function" && typeof call !== "function") {
    const redis = client as NodeRedisClient;
    return {
      set: (key, value, PX) => redis.set(key, value, { PX }),
      setIfNew: (key, value, PX) => redis.set(key, value, { PX, NX: true, GET: true }),
      release: (key, token) => redis.eval(RELEASE_SCRIPT, { keys: [key], arguments: [token] }),
    };
  }
  if (canRun && typeof call === "function") {
    const redis = client as IoRedisClient;
    return {
      set: (key, value, px) => redis.set(key, value, "PX", px),
      setIfNew: (key, value, px) => redis.set(key, value, "PX", px, "NX", "GET"),
      release: (key, token) => redis.eval(RELEASE_SCRIPT, 1, key, token),
    };
  }
  if (typeof set === "function" && typeof send === "function") {
    const bun = client as BunRedisClient;
    return {
      set: (key, value, px) => bun.send("SET", [key, value, "PX", String(px)]),
      setIfNew: (key, value, px) => bun.send("SET", [key, value, "PX", String(px), "NX", "GET"]),
      release: (key, token) => bun.send("EVAL", [RELEASE_SCRIPT, "1", key, token]),
    };
  }
  throw new TypeError(
    "client must be a client of redis, ioredis, @upstash/redis or Bun, and not a pipeline; implement DedupStore for another one",
  );
}

/** The largest integer that JavaScript writes exactly. Redis takes more, but "for ever" must not become an error. */
function toMilliseconds(seconds: number): number {
  return Math.min(seconds * 1000, Number.MAX_SAFE_INTEGER - Date.now());
}

/** Returns a random token. Its first letter keeps clients that parse values as JSON from reading a number. */
function createToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `t${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function toKey(id: string): string {
  return KEY_PREFIX + storeKey(id);
}

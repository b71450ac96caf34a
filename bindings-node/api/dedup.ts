import { DONE, FULL, IN_PROGRESS } from "./abi.generated.js";
import { backend } from "./backend.js";
import { STORE_EVICTED, STORE_FULL } from "./generated.js";
import { type Clock, integerOption, pickOptions, toClock } from "./options.js";
import { setClassName } from "./runtime-types.js";

/** The result of a claim: a token if the event is new, or the state of the event. */
export type Claim = { readonly token: string } | "in_progress" | "done";

/** A store of handled events. Every method may be async, and throws if the store is unavailable. */
export interface DedupStore {
  /** Claims an event for `ttl` seconds, atomically: of two calls at once, only one gets a token. */
  claim(id: string, ttl: number): Claim | Promise<Claim>;
  /** Marks an event as handled for `ttl` seconds, even if another token holds the claim by now. */
  complete(id: string, token: string, ttl: number): unknown;
  /** Releases a claim, if the token still holds it. */
  release(id: string, token: string): unknown;
}

/** A store with its times. */
export interface DedupOptions {
  readonly store: DedupStore;
  /**
   * The seconds until a claim expires, after a crash for example. 50 by default. It must be longer than a handler
   * takes.
   */
  readonly claimTtl?: number | undefined;
  /**
   * The seconds that the store remembers a handled event. A day by default, or until `maxEventAge` refuses the event if
   * that is longer.
   */
  readonly doneTtl?: number | undefined;
  /**
   * The subscription, if webhooks of several subscriptions share the store: a text of your own without a colon, such as
   * the subscription's id. One subscription's events then never count as another's.
   */
  readonly subscription?: string | undefined;
}

/** Options of a {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** The largest number of ids. 100,000 by default. */
  readonly capacity?: number | undefined;
  /** A function that returns the time in Unix seconds. The system's clock by default. */
  readonly clock?: Clock | undefined;
}

/**
 * A store in memory, for one process. A full store forgets the oldest handled event, and never a claim. Once, it warns of
 * that on the console.
 *
 * @example
 * const receive = webhook.receiver(handlers, { dedup: new MemoryStore() });
 */
export class MemoryStore implements DedupStore {
  static {
    setClassName(this, "MemoryStore");
  }

  readonly #store: object;
  readonly #now: () => number;
  #warned = false;

  constructor(options?: MemoryStoreOptions) {
    const { capacity, clock } = pickOptions(options, "capacity", "clock");
    this.#store = backend.openStore(integerOption(capacity, "capacity", NaN, "of ids", 1));
    this.#now = toClock(clock);
  }

  claim(id: string, ttl: number): Claim {
    const claim = this.#checkRoom(backend.claim(this.#store, id, this.#now() * 1000, ttl * 1000));
    return claim === IN_PROGRESS ? "in_progress" : claim === DONE ? "done" : { token: String(claim) };
  }

  complete(id: string, _token: string, ttl: number): void {
    this.#checkRoom(backend.complete(this.#store, id, this.#now() * 1000, ttl * 1000));
  }

  release(id: string, token: string): void {
    backend.release(this.#store, id, Number(token));
  }

  /** Throws if the store is full of claims. Warns once if the store has forgotten an event that it should know. */
  #checkRoom(result: number): number {
    if (result === FULL) {
      throw new Error(STORE_FULL);
    }
    if (!this.#warned && backend.takeEvicted(this.#store)) {
      this.#warned = true;
      console.warn(`clarife-webhooks: ${STORE_EVICTED}`);
    }
    return result;
  }
}

/** Returns the key of an event in your own store: the id, or the SHA-256 in hex of an id longer than 1,024 bytes. */
export function storeKey(id: string): string {
  return backend.storeKey(id);
}

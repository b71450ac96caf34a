import { DONE, FULL, IN_PROGRESS } from "./abi.generated.js";
import { backend } from "./backend.js";
import { STORE_FULL } from "./generated.js";
import { clockOf, given, whole, type Clock } from "./options.js";
import { named } from "./runtime-types.js";

/** What a claim comes to: one's own to handle, with a token; being handled by another; or handled before. */
export type Claim = { readonly token: string } | "in_progress" | "done";

/** Remembers which events were handled. Every call may be async, and throws where the store cannot answer. */
export interface DedupStore {
  /** Claims an event for `ttl` seconds, as one step: of two calls at once, one is told that another has it. */
  claim(id: string, ttl: number): Claim | Promise<Claim>;
  /** Remembers for `ttl` seconds that an event was handled, whoever holds the claim by now. */
  complete(id: string, token: string, ttl: number): unknown;
  /** Gives the claim up, if the token's holder still has it. */
  release(id: string, token: string): unknown;
}

/** A store and how long it remembers. */
export interface DedupOptions {
  readonly store: DedupStore;
  /** How long a claim lasts after its process has crashed, in seconds; 50 unless given. It must be longer than the handler may take. */
  readonly claimTtl?: number | undefined;
  /** How long it is known that an event was handled, in seconds; a day unless given, and at least for as long as `maxEventAge` lets the event be accepted. */
  readonly doneTtl?: number | undefined;
}

/** Options of a {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** How many ids it keeps at most; 100,000 unless given. */
  readonly capacity?: number | undefined;
  /** What tells the time, in Unix seconds, instead of the system's clock. */
  readonly clock?: Clock | undefined;
}

/**
 * Remembers in memory what was handled: for one process. Where it is full, the mark that would end first goes; claims never do.
 *
 * @example
 * const receive = webhook.receiver(handlers, { dedup: new MemoryStore() });
 */
export class MemoryStore implements DedupStore {
  static {
    named(this, "MemoryStore");
  }

  readonly #store: object;
  readonly #now: () => number;

  constructor(options?: MemoryStoreOptions) {
    const { capacity, clock } = given(options, "capacity", "clock");
    this.#store = backend.openStore(whole(capacity, "capacity", NaN, "of ids", 1));
    this.#now = clockOf(clock);
  }

  claim(id: string, ttl: number): Claim {
    const claim = this.#roomFor(backend.claim(this.#store, id, this.#now() * 1000, ttl * 1000));
    return claim === IN_PROGRESS ? "in_progress" : claim === DONE ? "done" : { token: String(claim) };
  }

  complete(id: string, _token: string, ttl: number): void {
    this.#roomFor(backend.complete(this.#store, id, this.#now() * 1000, ttl * 1000));
  }

  release(id: string, token: string): void {
    backend.release(this.#store, id, Number(token));
  }

  #roomFor(result: number): number {
    if (result === FULL) {
      throw new Error(STORE_FULL);
    }
    return result;
  }
}

/** The key for an event in a store of your own: the id, or of one that is longer than 1,024 bytes its SHA-256 in hex. */
export function storeKey(id: string): string {
  return backend.storeKey(id);
}

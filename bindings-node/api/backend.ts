/** Verifies and signs: the native addon or the WebAssembly module. Both give the same numbers and texts. */
export interface Backend {
  readonly name: "native" | "wasm";
  /** The last call's verdict and places. Read before the next call. */
  readonly out: Float64Array;
  /** A webhook, or an error's message. NaN is an option that was not given; `standard` makes it verify by `verifyStandard` alone. */
  open(secrets: readonly string[], tolerance: number, maxEventAge: number, standard: boolean): object | string;
  /** Drops a webhook now, where the engine can; otherwise it goes when it is collected. */
  close?(webhook: object): void;
  /** The text of a verified body that came as bytes, or an error's message. */
  verify(webhook: object, body: string | Uint8Array, signature: string | undefined, now: number): string;
  /** The same by the headers of Standard Webhooks; an empty one is missing. */
  verifyStandard(webhook: object, body: string | Uint8Array, id: string, timestamp: string, signature: string, now: number): string;
  /** The text of an event that came as bytes, or an error's message: nothing is verified. */
  parse(body: string | Uint8Array): string;
  /** The signature header, or an error's message. */
  sign(webhook: object, body: string | Uint8Array, timestamp: number): string;
  /** The headers of Standard Webhooks, each in a line, in the order of `STANDARD_HEADERS`, or an error's message. */
  signStandard(webhook: object, body: string | Uint8Array, id: string, timestamp: number): string;
  /** A store of handled events in memory; NaN is a capacity that was not given. */
  openStore(capacity: number): object;
  /** Claims an event's id: a token from 1, or `IN_PROGRESS`, `DONE` or `FULL`. Times are in milliseconds. */
  claim(store: object, id: string, now: number, ttl: number): number;
  /** Marks an event's id as done: 0, or `FULL`. */
  complete(store: object, id: string, now: number, ttl: number): number;
  /** Gives up a claim, unless it is no longer this token's. */
  release(store: object, id: string, token: number): void;
  /** The key under which stores that several processes share keep an event's id. */
  storeKey(id: string): string;
  /** An error's message without particulars, and its hint in a second line; 1 is the first of `ERROR_CODES`. */
  describe(code: number): string;
}

/** The build in use: the native addon, or WebAssembly. */
export let engine: Backend["name"];
export let backend: Backend;

/** Every entry of the package calls this once, before anything else. */
export function setBackend(next: Backend): void {
  backend = next;
  engine = next.name;
}

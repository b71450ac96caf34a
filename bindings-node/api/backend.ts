/**
 * The cryptography behind the API: the native addon or the WebAssembly module. Both return the same numbers and texts.
 */
export interface Backend {
  readonly name: "native" | "wasm";
  /** The numbers of the last call, in the slots of `abi.generated.ts`. Read them before the next call. */
  readonly out: Float64Array;
  /**
   * Creates a webhook, or returns an error's message. The options are the numbers of `WEBHOOK_OPTIONS`, or none. A
   * webhook of Standard Webhooks verifies with {@link verifyStandard} only.
   */
  open(secrets: readonly string[], options: readonly number[]): object | string;
  /** Drops a webhook now, if the backend can. Otherwise the garbage collector drops it. */
  close?(webhook: object): void;
  /** Verifies a delivery. Returns the text of a body that came as bytes, or an error's message. */
  verify(webhook: object, body: string | Uint8Array, signature: string | undefined, now: number): string;
  /** Verifies a delivery with the headers of Standard Webhooks. An empty header is missing. */
  verifyStandard(
    webhook: object,
    body: string | Uint8Array,
    id: string,
    timestamp: string,
    signature: string,
    now: number,
  ): string;
  /** Reads an event without verifying it. Returns the text of a body that came as bytes, or an error's message. */
  parse(body: string | Uint8Array): string;
  /** Returns the signature header, or an error's message. */
  sign(webhook: object, body: string | Uint8Array, timestamp: number): string;
  /** Returns the values of `STANDARD_HEADERS`, one in each line, or an error's message. */
  signStandard(webhook: object, body: string | Uint8Array, id: string, timestamp: number): string;
  /** Creates a store of handled events in memory. NaN is a capacity that was not given. */
  openStore(capacity: number): object;
  /** Claims an event's id. Returns a token from 1, `IN_PROGRESS`, `DONE` or `FULL`. Times are in milliseconds. */
  claim(store: object, id: string, now: number, ttl: number): number;
  /** Marks an event's id as handled. Returns 0 or `FULL`. */
  complete(store: object, id: string, now: number, ttl: number): number;
  /** Releases a claim, unless another token holds it by now. */
  release(store: object, id: string, token: number): void;
  /** Tells whether a full store has removed a handled event that it should still know, since the last call. */
  takeEvicted(store: object): boolean;
  /** Returns the key of an event's id in stores that several processes share. */
  storeKey(id: string): string;
  /** Returns an error code's message and, in a second line, its hint. 1 is the first of `ERROR_CODES`. */
  describe(code: number): string;
}

/** The build in use: the native addon, or WebAssembly. */
export let engine: Backend["name"];
/** The backend of this copy of the API. */
export let backend: Backend;

/** Sets the backend. Every entry of the package calls this once, before anything else. */
export function setBackend(next: Backend): void {
  backend = next;
  engine = next.name;
}

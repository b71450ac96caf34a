/** Verifies and signs: the native addon or the WebAssembly module. Both give the same numbers and texts. */
export interface Engine {
  readonly name: "native" | "wasm";
  /** The last call's verdict and places; see src/numbers.rs. Read before the next call. */
  readonly out: Float64Array;
  /** A webhook, or an error's message. NaN is an option that was not given. */
  open(secrets: readonly string[], tolerance: number, maxEventAge: number): object | string;
  /** The text of a verified body that came as bytes, or an error's message. */
  verify(webhook: object, body: string | Uint8Array, signature: string | undefined, now: number): string;
  /** The signature header, or an error's message. */
  sign(webhook: object, body: string | Uint8Array, timestamp: number): string;
}

/** Where things are in `Engine.out`. */
export const VERDICT = 0;
export const TYPE = 1;
export const ID_TOKEN = 2;
export const TYPE_TOKEN = 4;
export const CREATED_AT = 6;
export const DATA = 7;

import { WebhookError } from "./error.js";
import { MESSAGES } from "./generated.js";

/** The raw body: text, or bytes in any of JavaScript's containers. */
export type Body = string | ArrayBuffer | ArrayBufferView;

const BODY = "body must be a string, an ArrayBuffer or a view of one such as Uint8Array or Buffer, not ";

/** The body as an engine takes it. `instanceof` does not do here: Jest, for one, has a realm of its own. */
export function rawBody(body: unknown): string | Uint8Array {
  if (typeof body === "string") {
    // Otherwise the text that was verified and the text that is read could differ in a lone surrogate.
    return body.toWellFormed?.() ?? body;
  }
  if (ArrayBuffer.isView(body)) {
    const bytes = body instanceof Uint8Array ? body : new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    // Another thread could change shared memory between the verdict and the reading.
    return isShared(bytes.buffer) ? new Uint8Array(bytes) : bytes;
  }
  if (hasSlot(ArrayBuffer, body)) {
    return new Uint8Array(body as ArrayBuffer);
  }
  if (typeof SharedArrayBuffer === "function" && hasSlot(SharedArrayBuffer, body)) {
    return new Uint8Array(new Uint8Array(body as SharedArrayBuffer));
  }
  if (typeof body !== "object" || body === null) {
    throw new TypeError(BODY + kind(body));
  }
  if (typeof (body as { then?: unknown }).then === "function") {
    throw new TypeError(`${BODY}a promise: await it first`);
  }
  throw notRaw();
}

/** What a parsed object, or a request whose body was read, gets in place of a verdict. */
export function notRaw(): WebhookError {
  return new WebhookError("body_not_raw", MESSAGES.body_not_raw);
}

/** What a value is, for a message. */
export function kind(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : typeof value;
}

function isShared(buffer: ArrayBufferLike): boolean {
  return buffer[Symbol.toStringTag] === "SharedArrayBuffer";
}

/** Whether a value is a buffer of that kind, whatever its realm and its prototype say. */
function hasSlot(type: typeof ArrayBuffer | typeof SharedArrayBuffer, value: unknown): boolean {
  try {
    Reflect.get(type.prototype, "byteLength", value);
    return true;
  } catch {
    return false;
  }
}

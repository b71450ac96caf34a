import { WebhookError } from "./error.js";
import { isPromise, member, tag, wrongType } from "./runtime-types.js";

/** The raw body: text, or bytes in any of JavaScript's containers. */
export type Body = string | ArrayBuffer | ArrayBufferView;

/** The longest string of V8: an event keeps its text, and a longer body would have none. */
const MOST = 0x1fff_ffe8;
/** What the prototypes of all typed arrays inherit from. */
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;

// What a built-in type's own getter says of an object, whatever the object's class and its own members say. Looked up once: that takes
// longer than the call.
const typedArrayName = getter<string | undefined>(TYPED_ARRAY, Symbol.toStringTag);
const bufferLength = getter<number>(ArrayBuffer.prototype, "byteLength");
const typedArrayView = viewOf(TYPED_ARRAY);
const dataView = viewOf(DataView.prototype);

function getter<Value>(type: object, name: PropertyKey): (object: object) => Value {
  return Function.prototype.call.bind(Object.getOwnPropertyDescriptor(type, name)!.get!);
}

function viewOf(type: object): (view: object) => Uint8Array {
  const buffer = getter<ArrayBuffer>(type, "buffer");
  const offset = getter<number>(type, "byteOffset");
  const length = getter<number>(type, "byteLength");
  return (view) => new Uint8Array(buffer(view), offset(view), length(view));
}

/** The body as an engine takes it: text without lone surrogates, or a plain view that nothing else changes meanwhile. */
export function rawBody(body: unknown, name: string): string | Uint8Array {
  const raw = typeof body === "string" ? body : bytesOf(body, name);
  if (raw.length > MOST) {
    throw new RangeError(`${name} must be of ${MOST} bytes at most`);
  }
  // Otherwise the text that was verified and the text that is read could differ in a lone surrogate.
  return typeof raw === "string" ? (raw.toWellFormed?.() ?? raw) : isFixed(raw.buffer) ? raw : new Uint8Array(raw);
}

/** A view of a container's bytes. */
function bytesOf(body: unknown, name: string): Uint8Array {
  try {
    return plainView(ArrayBuffer.isView(body) ? body : new DataView(body as ArrayBuffer));
  } catch {
    // Neither a buffer, shared or not, nor a view, or one whose memory is gone.
  }
  if (typeof body === "object" && body !== null) {
    if (isPromise(body)) {
      throw new TypeError(`${name} must be awaited first: it is a promise`);
    }
    // What a parser made, or a framework's request.
    if (tag(body) === "Object" || Array.isArray(body) || member(body, "headers") !== undefined) {
      throw new WebhookError("body_not_raw");
    }
  }
  throw wrongType(name, "a string, or an ArrayBuffer or view (Uint8Array, Buffer) that is not detached", body);
}

/**
 * The same bytes without a class of their own. It goes by what the view is, not by its prototype, which another realm (Jest
 * has one) or a subclass brings, nor by the length that a subclass says it has.
 */
function plainView(view: ArrayBufferView): Uint8Array {
  return (typedArrayName(view) === undefined ? dataView : typedArrayView)(view);
}

/** Another thread could change shared memory between the verdict and the reading; and not every decoder takes what can shrink. */
function isFixed(buffer: ArrayBufferLike): boolean {
  try {
    bufferLength(buffer); // throws where memory is shared
    return !(buffer as ArrayBuffer).resizable;
  } catch {
    return false;
  }
}

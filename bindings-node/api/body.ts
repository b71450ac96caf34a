import { WebhookError } from "./error.js";
import { SIGNATURE_HEADER } from "./generated.js";
import { findHeader } from "./headers.js";
import { isPromise, readMember, typeTag, wrongType } from "./runtime-types.js";

/** The raw body: text, or bytes in any container of JavaScript. */
export type Body = string | ArrayBuffer | ArrayBufferView;

/** The length of V8's longest string. An event keeps its text, so a longer body could not become an event. */
const MAX_LENGTH = 0x1fff_ffe8;
/** The prototype that the prototypes of all typed arrays inherit from. */
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;

// The getters of the built-in types, which work on every object of the type, whatever its class and its own members
// say. A look-up takes longer than the call, so it happens once.
const typedArrayName = intrinsicGetter<string | undefined>(TYPED_ARRAY, Symbol.toStringTag);
const bufferLength = intrinsicGetter<number>(ArrayBuffer.prototype, "byteLength");
const viewTypedArray = intrinsicView(TYPED_ARRAY);
const viewDataView = intrinsicView(DataView.prototype);

function intrinsicGetter<Value>(type: object, name: PropertyKey): (object: object) => Value {
  return Function.prototype.call.bind(Object.getOwnPropertyDescriptor(type, name)!.get!);
}

function intrinsicView(type: object): (view: object) => Uint8Array {
  const buffer = intrinsicGetter<ArrayBuffer>(type, "buffer");
  const offset = intrinsicGetter<number>(type, "byteOffset");
  const length = intrinsicGetter<number>(type, "byteLength");
  return (view) => new Uint8Array(buffer(view), offset(view), length(view));
}

/** Converts a body to what a backend takes: text without lone surrogates, or a plain view that nothing else changes. */
export function toRawBody(body: unknown, name: string): string | Uint8Array {
  const raw = typeof body === "string" ? body : toBytes(body, name);
  if (raw.length > MAX_LENGTH) {
    throw new RangeError(`${name} must be at most ${MAX_LENGTH} bytes long`);
  }
  // The verified text and the text of the event must not differ in a lone surrogate.
  return typeof raw === "string" ? (raw.toWellFormed?.() ?? raw) : isFixed(raw.buffer) ? raw : new Uint8Array(raw);
}

/** Returns a view of a container's bytes. */
function toBytes(body: unknown, name: string): Uint8Array {
  try {
    return plainView(ArrayBuffer.isView(body) ? body : new DataView(body as ArrayBuffer));
  } catch {
    // Not a buffer (shared or not) and not a view, or its memory is detached.
  }
  // Express without a parser leaves the body undefined.
  if (body === undefined || body === null) {
    throw new WebhookError("body_not_raw");
  }
  if (typeof body === "object") {
    if (isPromise(body)) {
      throw new TypeError(`${name} must be awaited first: it is a promise`);
    }
    if (hasSignature(body)) {
      throw new TypeError(`${name} must be the raw body, not the headers: the body is the first argument`);
    }
    // The result of a parser, or a framework's request.
    if (typeTag(body) === "Object" || Array.isArray(body) || readMember(body, "headers") !== undefined) {
      throw new WebhookError("body_not_raw");
    }
  }
  throw wrongType(name, "a string, or an ArrayBuffer or view (Uint8Array, Buffer) that is not detached", body);
}

/** Tells whether a value is headers with a signature: the arguments of `verify` are swapped. */
function hasSignature(value: object): boolean {
  // A list of texts is parsed JSON. Headers are a list of pairs, or another container.
  const isHeaders = !Array.isArray(value) || Array.isArray(value[0]);
  try {
    return isHeaders && findHeader(value, SIGNATURE_HEADER) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Returns a view of the same bytes without a class of its own. The view's own kind decides. Its prototype may come from
 * another realm (as in Jest) or a subclass, and a subclass may report another length.
 */
function plainView(view: ArrayBufferView): Uint8Array {
  return (typedArrayName(view) === undefined ? viewDataView : viewTypedArray)(view);
}

/** Tells whether memory keeps its content and its size: another thread can change shared memory after the verdict. */
function isFixed(buffer: ArrayBufferLike): boolean {
  try {
    bufferLength(buffer); // throws for shared memory
    return !(buffer as ArrayBuffer).resizable;
  } catch {
    return false;
  }
}

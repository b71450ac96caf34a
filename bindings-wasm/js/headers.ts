import { kind } from "./body.js";
import { SIGNATURE_HEADER } from "./generated.js";

/** Values of headers by name, in any case. */
export type HeaderRecord = { readonly [name: string]: string | readonly string[] | null | undefined };

/** Headers that can be asked: `Headers`, `Map` and others. */
export interface HeaderContainer {
  get(name: string): string | readonly string[] | null | undefined;
  entries?(): Iterable<readonly [string, string | readonly string[] | null | undefined]>;
}

/** The signature header's value or values, or all headers of the request in whatever the framework keeps them. */
export type SignatureSource = string | readonly string[] | HeaderContainer | HeaderRecord | null | undefined;

/** The signature header, if there is one; several are joined as HTTP does it (RFC 9110, section 5.3). */
export function signatureHeader(source: unknown): string | undefined {
  if (typeof source === "string") {
    return source;
  }
  if (source === null || source === undefined) {
    return undefined;
  }
  if (typeof source !== "object") {
    throw wrong(source);
  }
  if (Array.isArray(source)) {
    return join(undefined, source);
  }
  const { get, entries } = source as Partial<Record<"get" | "entries", unknown>>;
  // A Map tells upper from lower case, so it is searched; anything else that answers to `get` is taken at its word.
  if (typeof get === "function" && (source as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] !== "Map") {
    const found = join(undefined, get.call(source, SIGNATURE_HEADER));
    if (found !== undefined) {
      return found;
    }
  }
  let found: string | undefined;
  if (typeof get === "function" && typeof entries === "function") {
    for (const [name, value] of entries.call(source)) {
      if (isSignature(name)) {
        found = join(found, value);
      }
    }
  } else {
    for (const name in source) {
      if (isSignature(name)) {
        found = join(found, (source as HeaderRecord)[name]);
      }
    }
  }
  return found;
}

function isSignature(name: unknown): boolean {
  return typeof name === "string" && name.length === SIGNATURE_HEADER.length && name.toLowerCase() === SIGNATURE_HEADER;
}

/** What was found so far and one more header, its value or list of values. */
function join(found: string | undefined, value: unknown): string | undefined {
  if (value === null || value === undefined) {
    return found;
  }
  if (Array.isArray(value)) {
    return value.reduce((joined, item) => {
      if (typeof item !== "string") {
        throw wrong(item);
      }
      return join(joined, item);
    }, found);
  }
  if (typeof value !== "string") {
    throw wrong(value);
  }
  return found === undefined ? value : `${found}, ${value}`;
}

function wrong(value: unknown): TypeError {
  return new TypeError(`signature must be the header's value, or the request's headers, not ${kind(value)}`);
}

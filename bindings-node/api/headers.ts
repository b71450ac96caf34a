import { MAX_HEADER_BYTES, SIGNATURE_HEADER } from "./generated.js";
import { isPromise, member, tag, wrongType } from "./runtime-types.js";

/** Values of headers by name, in any case. */
export type HeaderRecord = { readonly [name: string]: string | readonly string[] | null | undefined };

/** Headers that can be asked: `Headers`, `Map` and others. */
export interface HeaderContainer {
  get(name: string): string | readonly string[] | null | undefined;
  entries?(): Iterable<readonly [string, string | readonly string[] | null | undefined]>;
}

/** Names and values, in a list. */
export type HeaderPairs = readonly (readonly [name: string, value: string | readonly string[] | null | undefined])[];

/** The signature header's value or values, or all headers of the request in whatever the framework keeps them. */
export type SignatureSource = string | readonly string[] | HeaderPairs | HeaderContainer | HeaderRecord | null | undefined;

/**
 * A header that says something of the signature, if there is one; several are joined as HTTP does it (RFC 9110, section 5.3). A longer
 * one than may be is malformed, unless it is blank: nothing more has to be carried further, however long a hostile one is.
 *
 * @param wanted its name, in lower case
 */
export function header(source: unknown, wanted: string): string | undefined {
  const header = find(source, wanted);
  return header !== undefined && header.length > MAX_HEADER_BYTES
    ? header.slice(0, MAX_HEADER_BYTES) + (/[^\t ]/.test(header) ? "," : "")
    : header;
}

function find(source: unknown, wanted: string): string | undefined {
  if (typeof source === "string") {
    return value(source, wanted);
  }
  if (source === null || source === undefined) {
    return undefined;
  }
  if (typeof source !== "object") {
    throw wrong(source);
  }
  if (isPromise(source)) {
    throw new TypeError("signature must be awaited first: it is a promise");
  }
  if (Array.isArray(source)) {
    return source.some(Array.isArray) ? among(source, wanted) : value(join(undefined, source), wanted);
  }
  const get = member(source, "get");
  if (typeof get === "function") {
    // A Map tells upper from lower case, so it is searched; anything else that answers to `get` is taken at its word.
    const found = tag(source) === "Map" ? undefined : join(undefined, get.call(source, wanted));
    const entries = member(source, "entries");
    return found === undefined && typeof entries === "function" ? among(entries.call(source), wanted) : found;
  }
  const headers = member(source, "headers");
  if (Object(headers) === headers && !Array.isArray(headers)) {
    throw new TypeError("signature must not be the request: pass request.headers");
  }
  if (tag(source) !== "Object" || Symbol.iterator in source) {
    throw wrong(source);
  }
  let found: string | undefined;
  for (const name in source) {
    if (is(wanted, name) && Object.hasOwn(source, name)) {
      found = join(found, (source as HeaderRecord)[name]);
    }
  }
  return found;
}

/** The header among pairs of names and values. */
function among(pairs: Iterable<unknown>, wanted: string): string | undefined {
  let found: string | undefined;
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw wrong(pair);
    }
    if (is(wanted, pair[0])) {
      found = join(found, pair[1]);
    }
  }
  return found;
}

/** A value without a name is that of clarife's own header. */
function value(header: string | undefined, wanted: string): string | undefined {
  return wanted === SIGNATURE_HEADER ? header : undefined;
}

function is(wanted: string, name: unknown): boolean {
  return typeof name === "string" && name.length === wanted.length && name.toLowerCase() === wanted;
}

/** What was found so far and one more header, its value or list of values. */
function join(found: string | undefined, value: unknown): string | undefined {
  if (value === null || value === undefined) {
    return found;
  }
  let joined = found;
  for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (typeof item !== "string") {
      throw wrong(item);
    }
    joined = joined === undefined ? item : `${joined.slice(0, MAX_HEADER_BYTES)}, ${item.slice(0, MAX_HEADER_BYTES)}`;
  }
  return joined;
}

function wrong(value: unknown): TypeError {
  return wrongType("signature", "the header's value or the request's headers", value);
}

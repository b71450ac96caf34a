import { MAX_HEADER_BYTES, SIGNATURE_HEADER } from "./generated.js";
import { isPromise, readMember, typeTag, wrongType } from "./runtime-types.js";

/** Values of headers by name, in any case. */
export type HeaderRecord = { readonly [name: string]: string | readonly string[] | null | undefined };

/** Containers of headers with a `get` method: `Headers`, `Map` and others. */
export interface HeaderContainer {
  get(name: string): string | readonly string[] | null | undefined;
  entries?(): Iterable<readonly [string, string | readonly string[] | null | undefined]>;
}

/** A list of names and values. */
export type HeaderPairs = readonly (readonly [name: string, value: string | readonly string[] | null | undefined])[];

/** The value or values of the signature header, or all headers of the request in any container. */
export type SignatureSource =
  | string
  | readonly string[]
  | HeaderPairs
  | HeaderContainer
  | HeaderRecord
  | null
  | undefined;

/**
 * Finds a header, if the request has it. Several values are joined as in HTTP (RFC 9110, section 5.3). A header above
 * the limit is malformed unless it is blank, so this function cuts it: a backend never sees more of a hostile header.
 *
 * @param wanted the name, in lower case
 */
export function findHeader(source: unknown, wanted: string): string | undefined {
  const header = find(source, wanted);
  return header !== undefined && header.length > MAX_HEADER_BYTES
    ? header.slice(0, MAX_HEADER_BYTES) + (/[^\t ]/.test(header) ? "," : "")
    : header;
}

function find(source: unknown, wanted: string): string | undefined {
  if (typeof source === "string") {
    return bareValue(source, wanted);
  }
  if (source === null || source === undefined) {
    return undefined;
  }
  if (typeof source !== "object") {
    throw wrongSource(source);
  }
  if (isPromise(source)) {
    throw new TypeError("signature must be awaited first: it is a promise");
  }
  if (Array.isArray(source)) {
    return source.some(Array.isArray) ? findInPairs(source, wanted) : bareValue(joinValues(undefined, source), wanted);
  }
  const get = readMember(source, "get");
  if (typeof get === "function") {
    // The names of a Map are case-sensitive, so this searches its entries. Other containers ignore case.
    const found = typeTag(source) === "Map" ? undefined : joinValues(undefined, get.call(source, wanted));
    const entries = readMember(source, "entries");
    return found === undefined && typeof entries === "function" ? findInPairs(entries.call(source), wanted) : found;
  }
  const headers = readMember(source, "headers");
  if (Object(headers) === headers && !Array.isArray(headers)) {
    throw new TypeError("signature must not be the request: pass request.headers");
  }
  if (typeTag(source) !== "Object" || Symbol.iterator in source) {
    throw wrongSource(source);
  }
  let found: string | undefined;
  for (const name in source) {
    if (sameHeader(wanted, name) && Object.hasOwn(source, name)) {
      found = joinValues(found, (source as HeaderRecord)[name]);
    }
  }
  return found;
}

/** Finds a header in pairs of names and values. */
function findInPairs(pairs: Iterable<unknown>, wanted: string): string | undefined {
  let found: string | undefined;
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw wrongSource(pair);
    }
    if (sameHeader(wanted, pair[0])) {
      found = joinValues(found, pair[1]);
    }
  }
  return found;
}

/** Returns a value without a name, which belongs to clarife's own header. */
function bareValue(header: string | undefined, wanted: string): string | undefined {
  return wanted === SIGNATURE_HEADER ? header : undefined;
}

function sameHeader(wanted: string, name: unknown): boolean {
  return typeof name === "string" && name.length === wanted.length && name.toLowerCase() === wanted;
}

/** Appends the value or the values of one more header to the value so far. */
function joinValues(found: string | undefined, value: unknown): string | undefined {
  if (value === null || value === undefined) {
    return found;
  }
  let joined = found;
  for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (typeof item !== "string") {
      throw wrongSource(item);
    }
    joined = joined === undefined ? item : `${joined.slice(0, MAX_HEADER_BYTES)}, ${item.slice(0, MAX_HEADER_BYTES)}`;
  }
  return joined;
}

function wrongSource(value: unknown): TypeError {
  return wrongType("signature", "the header's value or the request's headers", value);
}

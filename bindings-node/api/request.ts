import type { Body } from "./body.js";
import { WebhookError } from "./error.js";
import { DEFAULT_MAX_BODY_BYTES } from "./generated.js";
import type { SignatureSource } from "./headers.js";
import { member, wrongType } from "./runtime-types.js";

/** What is needed of a Fetch API request. */
export interface RequestLike {
  readonly method?: string;
  readonly headers: SignatureSource;
  readonly bodyUsed: boolean;
  readonly body?: unknown;
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface Reader {
  read(): Promise<{ readonly value?: Uint8Array }>;
  cancel(): Promise<unknown>;
}

/** How much of a body that is too large is thrown away before the connection is given up. */
const MOST_THROWN_AWAY = DEFAULT_MAX_BODY_BYTES;

/** Throws where an argument is no request. */
export function checkRequest(request: RequestLike): void {
  const { arrayBuffer, headers } = Object(request) as Partial<RequestLike>;
  if (typeof arrayBuffer !== "function" || headers === undefined) {
    throw wrongType("request", "a Request of the Fetch API", request);
  }
}

/** Reads the body of a request, as far as it may go. */
export async function readRequest(request: RequestLike, maxBodyBytes: number): Promise<Body> {
  const { headers, bodyUsed } = request;
  const body = request.body as { readonly locked: boolean; getReader?(): Reader } | null | undefined;
  if (bodyUsed || body?.locked) {
    throw new WebhookError("body_not_raw");
  }
  const get = member(headers as object, "get");
  const declared = typeof get === "function" ? Number(get.call(headers, "content-length")) : 0;
  const reader = body?.getReader?.();
  let bytes = new Uint8Array();
  let length = declared > maxBodyBytes ? declared : 0;
  for (let value; length <= maxBodyBytes && (value = (await reader?.read())?.value) !== undefined; ) {
    bytes = appended(bytes, length, value);
    length += value.length;
  }
  if (length > maxBodyBytes) {
    void throwAway(reader).catch(() => {}); // the answer does not wait for it
    throw new WebhookError("body_too_large");
  }
  if (reader === undefined) {
    return request.arrayBuffer();
  }
  return bytes.subarray(0, length);
}

/**
 * The first `length` bytes and a piece after them, in the same memory where there is room. A list of the pieces would be simpler, and a
 * million pieces of one byte, which anyone may send, would take a hundred times the room.
 */
function appended(bytes: Uint8Array<ArrayBuffer>, length: number, piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const end = length + piece.length;
  let room = bytes;
  if (end > bytes.length) {
    room = new Uint8Array(length === 0 ? end : end * 2);
    room.set(bytes.subarray(0, length));
  }
  room.set(piece, length);
  return room;
}

/** Reads on and forgets: most servers in front of this end the connection, and the answer with it, when a body is left unread. */
async function throwAway(reader: Reader | undefined): Promise<void> {
  let length = 0;
  for (let value; (value = (await reader?.read())?.value) !== undefined; ) {
    length += value.length;
    if (length > MOST_THROWN_AWAY) {
      return void (await reader?.cancel());
    }
  }
}

/** What counts as the body where reading it failed: the connection broke, and no signature fits. */
export function unread(error: unknown): Body {
  if (error instanceof WebhookError) {
    throw error;
  }
  return "";
}

import { append } from "./append.js";
import type { Body } from "./body.js";
import { WebhookError } from "./error.js";
import { DEFAULT_MAX_BODY_BYTES } from "./generated.js";
import type { SignatureSource } from "./headers.js";
import { readMember, wrongType } from "./runtime-types.js";

/** The members of a Fetch API request that the API uses. */
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

/** The number of bytes of a body above the limit that {@link drain} reads before it cancels. */
const MAX_DRAINED_BYTES = DEFAULT_MAX_BODY_BYTES;

/** Throws unless an argument is a request. */
export function checkRequest(request: RequestLike): void {
  const { arrayBuffer, headers } = Object(request) as Partial<RequestLike>;
  if (headers !== undefined && "socket" in Object(request)) {
    throw new TypeError(
      "request must be a Request of the Fetch API, not a request of Node.js: use the receiver of clarife-webhooks/node, /express, /fastify or /koa",
    );
  }
  if (typeof arrayBuffer !== "function" || headers === undefined) {
    throw wrongType("request", "a Request of the Fetch API", request);
  }
}

/** Reads the body of a request, up to the limit. */
export async function readRequest(request: RequestLike, maxBodyBytes: number): Promise<Body> {
  try {
    return await readBody(request, maxBodyBytes);
  } catch (error) {
    // The connection broke, or a middleware has ended the stream with an error.
    throw error instanceof WebhookError ? error : Object.assign(new WebhookError("body_incomplete"), { cause: error });
  }
}

async function readBody(request: RequestLike, maxBodyBytes: number): Promise<Body> {
  const { headers, bodyUsed } = request;
  const body = request.body as { readonly locked: boolean; getReader?(): Reader } | null | undefined;
  if (bodyUsed || body?.locked) {
    throw new WebhookError("body_not_raw");
  }
  const get = readMember(headers as object, "get");
  const declared = typeof get === "function" ? Number(get.call(headers, "content-length")) : 0;
  const reader = body?.getReader?.();
  let bytes = new Uint8Array();
  let length = declared > maxBodyBytes ? declared : 0;
  for (let value; length <= maxBodyBytes && (value = (await reader?.read())?.value) !== undefined;) {
    bytes = append(bytes, length, value);
    length += value.length;
  }
  if (length > maxBodyBytes) {
    void drain(reader).catch(() => {}); // the response does not wait for the rest
    throw new WebhookError("body_too_large");
  }
  if (reader === undefined) {
    return request.arrayBuffer();
  }
  return bytes.subarray(0, length);
}

/**
 * Reads the rest of a body and drops it. Most servers close the connection, and lose the response, if a body stays
 * unread.
 */
async function drain(reader: Reader | undefined): Promise<void> {
  let length = 0;
  for (let value; (value = (await reader?.read())?.value) !== undefined;) {
    length += value.length;
    if (length > MAX_DRAINED_BYTES) {
      return void (await reader?.cancel());
    }
  }
}

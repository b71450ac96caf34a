import type { Body } from "./body.js";
import { WebhookError } from "./error.js";
import type { SignatureSource } from "./headers.js";
import { member, wrongType } from "./value.js";

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
  if (declared > maxBodyBytes) {
    throw new WebhookError("body_too_large");
  }
  if (typeof body?.getReader !== "function") {
    return request.arrayBuffer();
  }
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let value; (value = (await reader.read()).value) !== undefined; ) {
    chunks.push(value);
    length += value.length;
    if (length > maxBodyBytes) {
      reader.cancel().catch(() => {}); // the answer does not wait for it
      throw new WebhookError("body_too_large");
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** What counts as the body where reading it failed: the connection broke, and no signature fits. */
export function unread(error: unknown): Body {
  if (error instanceof WebhookError) {
    throw error;
  }
  return "";
}

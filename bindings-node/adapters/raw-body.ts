import { append } from "../api/append.js";
import { type Body, type HeaderRecord, WebhookError } from "../api/index.js";

/** The members of a request of `node:http` that adapters use. */
export interface NodeRequest extends NodeStream {
  readonly method?: string | undefined;
  readonly headers: HeaderRecord;
}

/** The members in which frameworks and parsers keep a body that they have read. */
interface Kept {
  /** The raw bytes, from NestJS, some platforms and some parsers. */
  readonly rawBody?: unknown;
  /** The result of a parser, which is raw bytes for parsers such as `express.raw()`. */
  readonly body?: unknown;
}

/** The members of a stream of Node that adapters use. */
export interface NodeStream {
  readonly readableDidRead?: boolean | undefined;
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
  resume(): unknown;
}

type Listener = (...values: any[]) => void;

/** The members of a response of `node:http` that adapters use. */
export interface NodeResponse {
  readonly headersSent: boolean;
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
}

/**
 * Returns the raw body of a request: read from an unread request, and otherwise as a parser has kept it, in the request
 * or in the framework's object beside it.
 */
export function rawBody(request: NodeRequest, kept: object, maxBodyBytes: number, hint: string): Body | Promise<Body> {
  const { rawBody } = kept as Kept;
  if (isRaw(rawBody)) {
    return rawBody;
  }
  // Before `body`: a parser may set it without reading anything, or parse it at the first access.
  if (!request.readableDidRead) {
    return readStream(request, request.headers, maxBodyBytes);
  }
  const { body } = kept as Kept;
  if (isRaw(body)) {
    return body;
  }
  throw new WebhookError("body_not_raw", undefined, hint);
}

/** Tells whether a value is a raw body, and not the result of a parser. */
export function isRaw(value: unknown): value is Body {
  return typeof value === "string" || ArrayBuffer.isView(value);
}

/**
 * Reads a stream to its end, or up to the limit. The stream drops the rest of a body above the limit, so the connection
 * stays open. A body of a broken connection is incomplete, and no signature matches it.
 */
export function readStream(stream: NodeStream, headers: HeaderRecord, maxBodyBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let bytes = new Uint8Array();
    let length = 0;
    const onData = (chunk: string | Uint8Array): void => {
      const piece = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
      bytes = append(bytes, length, piece);
      length += piece.length;
      if (length > maxBodyBytes) {
        rejectBody();
      }
    };
    const onEnd = (): void => {
      removeListeners();
      resolve(bytes.subarray(0, length));
    };
    const rejectBody = (): void => {
      removeListeners();
      stream.resume();
      reject(new WebhookError("body_too_large"));
    };
    const removeListeners = (): void => {
      stream.off("data", onData);
      stream.off("end", onEnd);
      stream.off("close", onEnd);
    };
    // Never removed: an error without a listener ends the process.
    stream.on("error", onEnd);
    if (Number(headers["content-length"]) > maxBodyBytes) {
      rejectBody();
    } else {
      stream.on("data", onData);
      stream.on("end", onEnd);
      stream.on("close", onEnd);
    }
  });
}

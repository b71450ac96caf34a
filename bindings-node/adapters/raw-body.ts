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
  /** True if the client has cut the stream, in `node:http2` even after an `end`. */
  readonly aborted?: boolean | undefined;
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

/** Throws unless the arguments are a request and a response of `node:http`: no handler must run without a response. */
export function checkNode(request: NodeRequest, response: NodeResponse): void {
  const { on, headers } = Object(request) as Partial<NodeRequest>;
  if (typeof on !== "function" || headers === undefined) {
    throw new TypeError(
      "request must be a request of node:http: use webhook.receiver for a Request of the Fetch API, and clarife-webhooks/fastify, /koa or /nestjs for their requests",
    );
  }
  const { writeHead, end } = Object(response) as Partial<NodeResponse>;
  if (typeof writeHead !== "function" || typeof end !== "function") {
    throw new TypeError(
      "response must be a response of node:http: use clarife-webhooks/fastify, /koa or /nestjs for their responses",
    );
  }
}

/**
 * Returns the raw body of a request: as a parser or a platform has kept it, in the request or in the framework's object
 * beside it, and otherwise read from an unread request.
 */
export function rawBody(request: NodeRequest, kept: object, maxBodyBytes: number, hint: string): Body | Promise<Body> {
  const rawBody = [kept, request].map((place) => (place as Kept).rawBody).find(isRaw);
  if (rawBody !== undefined) {
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
 * stays open.
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
        refuse("body_too_large");
      }
    };
    const onEnd = (): void => {
      if (stream.aborted) {
        return onBreak();
      }
      removeListeners();
      resolve(bytes.subarray(0, length));
    };
    const onBreak = (): void => refuse("body_incomplete");
    const refuse = (code: "body_too_large" | "body_incomplete"): void => {
      removeListeners();
      stream.resume();
      reject(new WebhookError(code));
    };
    const removeListeners = (): void => {
      stream.off("data", onData);
      stream.off("end", onEnd);
      stream.off("close", onBreak);
    };
    // Never removed: an error without a listener ends the process.
    stream.on("error", onBreak);
    if (Number(headers["content-length"]) > maxBodyBytes) {
      refuse("body_too_large");
    } else {
      stream.on("data", onData);
      stream.on("end", onEnd);
      stream.on("close", onBreak);
    }
  });
}

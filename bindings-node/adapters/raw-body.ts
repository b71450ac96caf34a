import { WebhookError, type Body, type HeaderRecord } from "../api/index.js";

/** What an adapter needs of a request of `node:http`. */
export interface NodeRequest extends NodeStream {
  readonly method?: string | undefined;
  readonly headers: HeaderRecord;
}

/** What may have been kept of a body by whoever has read it. */
interface Kept {
  /** Where NestJS, some platforms and some parsers keep the bytes before they parse them. */
  readonly rawBody?: unknown;
  /** Where parsers leave what they made. */
  readonly body?: unknown;
}

/** What an adapter needs of a stream of Node. */
export interface NodeStream {
  readonly readableDidRead?: boolean | undefined;
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
  resume(): unknown;
}

type Listener = (...values: any[]) => void;

/** What an adapter needs of a response of `node:http`. */
export interface NodeResponse {
  readonly headersSent: boolean;
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
}

/**
 * The body of a request as it was received: read from the request if nothing has read it, and otherwise what whoever did has
 * kept of it, in the request or in what a framework has put beside it.
 */
export function rawBody(request: NodeRequest, kept: object, maxBodyBytes: number, hint: string): Body | Promise<Body> {
  const { rawBody } = kept as Kept;
  if (isRaw(rawBody)) {
    return rawBody;
  }
  // Asked first: a body may also be what a parser has put there without reading anything, or be parsed when it is looked at.
  if (!request.readableDidRead) {
    return readStream(request, request.headers, maxBodyBytes);
  }
  const { body } = kept as Kept;
  if (isRaw(body)) {
    return body;
  }
  throw new WebhookError("body_not_raw", undefined, hint);
}

/** Whether a value is a body, and not what a parser made of one. */
export function isRaw(value: unknown): value is Body {
  return typeof value === "string" || ArrayBuffer.isView(value);
}

/**
 * Reads a stream to its end, or until it is longer than it may be: then the rest is thrown away, and the connection lives on. A body
 * that is cut off is given as far as it came: no signature fits it.
 */
export function readStream(stream: NodeStream, headers: HeaderRecord, maxBodyBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let bytes: Uint8Array = new Uint8Array();
    let length = 0;
    const data = (chunk: string | Uint8Array): void => {
      const piece = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
      bytes = appended(bytes, length, piece);
      length += piece.length;
      if (length > maxBodyBytes) {
        tooLarge();
      }
    };
    const whole = (): void => {
      stop();
      resolve(bytes.subarray(0, length));
    };
    const tooLarge = (): void => {
      stop();
      stream.resume();
      reject(new WebhookError("body_too_large"));
    };
    const stop = (): void => {
      stream.off("data", data);
      stream.off("end", whole);
      stream.off("close", whole);
    };
    // Stays: an error that nobody listens to ends the process.
    stream.on("error", whole);
    if (Number(headers["content-length"]) > maxBodyBytes) {
      tooLarge();
    } else {
      stream.on("data", data);
      stream.on("end", whole);
      stream.on("close", whole);
    }
  });
}

/**
 * The first `length` bytes and a piece after them, in the same memory where there is room. A list of the pieces would be simpler, and a
 * million pieces of one byte, which anyone may send, would take a hundred times the room.
 */
function appended(bytes: Uint8Array, length: number, piece: Uint8Array): Uint8Array {
  const end = length + piece.length;
  let room = bytes;
  if (end > bytes.length) {
    room = new Uint8Array(length === 0 ? end : end * 2);
    room.set(bytes.subarray(0, length));
  }
  room.set(piece, length);
  return room;
}

import { WebhookError, type Body, type HeaderRecord } from "clarife-webhooks";

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
 * Reads a stream to its end, or until it is longer than it may be: then the rest runs dry unread, and the connection lives on. A body
 * that is cut off is given as far as it came: no signature fits it.
 */
export function readStream(stream: NodeStream, headers: HeaderRecord, maxBodyBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (Number(headers["content-length"]) > maxBodyBytes) {
      throw new WebhookError("body_too_large");
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    const listeners: Record<string, Listener> = {
      data(chunk: string | Uint8Array) {
        const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
        length += bytes.length;
        if (length > maxBodyBytes) {
          done();
          stream.resume();
          reject(new WebhookError("body_too_large"));
        } else {
          chunks.push(bytes);
        }
      },
      end: whole,
      close: whole,
      error() {
        stream.on("error", () => {}); // a second one must not end the process
        whole();
      },
    };
    function whole(): void {
      done();
      resolve(joined(chunks, length));
    }
    const done = (): void => {
      for (const [event, listener] of Object.entries(listeners)) {
        stream.off(event, listener);
      }
    };
    for (const [event, listener] of Object.entries(listeners)) {
      stream.on(event, listener);
    }
  });
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

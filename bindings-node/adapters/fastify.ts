import {
  type Handler,
  type HeaderRecord,
  type ReceiveOptions,
  type ReceiverLog,
  type Webhook,
  WebhookError,
} from "../api/index.js";
import { FASTIFY_HINT } from "./generated.js";
import { type NodeStream, readStream } from "./raw-body.js";

/** The members of a Fastify request that the receiver uses. */
export interface FastifyRequestLike {
  readonly method: string;
  readonly headers: HeaderRecord;
  readonly body: unknown;
  /** The request's logger. Without a level, as with `logger: false`, it drops every line. */
  readonly log: {
    readonly level?: unknown;
    warn(line: string): unknown;
    error(members: object, line: string): unknown;
  };
}

/** The members of a Fastify reply that the receiver uses. */
export interface FastifyReplyLike {
  code(status: number): unknown;
  headers(headers: Record<string, string>): unknown;
}

/** The members of a Fastify instance that the receiver uses. */
export interface FastifyLike {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(type: string, parser: (request: any, payload: any) => Promise<any>): unknown;
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<string>): unknown;
}

/** A Fastify plugin. */
export type FastifyPlugin = (instance: FastifyLike, options: object, done: () => void) => void;

/**
 * Creates a plugin for Fastify 5. Its bodies stay raw, and Fastify's parsers read the bodies of other routes. The limit
 * is `maxBodyBytes`, and not Fastify's own `bodyLimit`.
 *
 * @example
 * app.register(receiver(webhook, (event) => console.log(event.type)), { prefix: "/webhooks/clarife" });
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): FastifyPlugin {
  const receive = webhook.rawReceiver(handler, options);
  return (instance, _options, done) => {
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser("*", async (_request, payload: NodeStream) => payload);
    instance.all("/", async (request, reply) => {
      const { status, headers, body } = await receive(
        (limit) => readBody(request, limit),
        request.headers,
        request.method,
        requestLog(request),
      );
      reply.code(status);
      reply.headers(headers);
      return body;
    });
    done();
  };
}

/** Returns the log of a request, or `undefined` if Fastify logs nothing. */
export function requestLog({ log }: FastifyRequestLike): ReceiverLog | undefined {
  return typeof log.level !== "string" ? undefined : {
    warn: (line) => log.warn(line),
    error: (line, error) => log.error(error === undefined ? {} : { err: error }, line),
  };
}

/** Reads the stream of the plugin's parser. A request without a body has no stream. */
function readBody({ body, headers }: FastifyRequestLike, maxBodyBytes: number): string | Promise<Uint8Array> {
  const stream = body as NodeStream | null | undefined;
  if (stream?.readableDidRead) {
    throw new WebhookError("body_not_raw", undefined, FASTIFY_HINT);
  }
  return stream ? readStream(stream, headers, maxBodyBytes) : "";
}

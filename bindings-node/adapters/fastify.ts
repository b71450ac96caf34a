import { WebhookError, type Handler, type HeaderRecord, type ReceiveOptions, type Webhook } from "../api/index.js";
import { FASTIFY_HINT } from "./generated.js";
import { readStream, type NodeStream } from "./raw-body.js";

/** What the receiver needs of a request of Fastify. */
export interface FastifyRequestLike {
  readonly method: string;
  readonly headers: HeaderRecord;
  readonly body: unknown;
}

/** What the receiver needs of a reply of Fastify. */
export interface FastifyReplyLike {
  code(status: number): unknown;
  headers(headers: Record<string, string>): unknown;
}

/** What the receiver needs of an instance of Fastify. */
export interface FastifyLike {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(type: string, parser: (request: any, payload: any) => Promise<any>): unknown;
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<string>): unknown;
}

/** A plugin of Fastify. */
export type FastifyPlugin = (instance: FastifyLike, options: object, done: () => void) => void;

/**
 * Receives deliveries in Fastify 5, as a plugin, which keeps its bodies raw and leaves those of other routes to Fastify's parsers. The
 * limit of Fastify's own (`bodyLimit`) does not apply to it; `maxBodyBytes` does.
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
      const { status, headers, body } = await receive((most) => bodyOf(request, most), request.headers, request.method);
      reply.code(status);
      reply.headers(headers);
      return body;
    });
    done();
  };
}

/** Reads what the parser above has passed on; a request without a body has none. */
function bodyOf({ body, headers }: FastifyRequestLike, maxBodyBytes: number): string | Promise<Uint8Array> {
  const stream = body as NodeStream | null | undefined;
  if (stream?.readableDidRead) {
    throw new WebhookError("body_not_raw", undefined, FASTIFY_HINT);
  }
  return stream ? readStream(stream, headers, maxBodyBytes) : "";
}

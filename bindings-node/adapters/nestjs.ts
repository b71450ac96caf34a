import type { Handler, ReceiveOptions, Webhook } from "../api/index.js";
import { type FastifyReplyLike, type FastifyRequestLike, requestLog } from "./fastify.js";
import { NESTJS_HINT } from "./generated.js";
import { createListener, type NodeListener } from "./node.js";
import { type NodeRequest, type NodeResponse, rawBody } from "./raw-body.js";

/** A request of Nest on Fastify. */
export interface NestFastifyRequest extends FastifyRequestLike {
  readonly raw: NodeRequest;
}

/** A reply of Nest on Fastify. */
export interface NestFastifyReply extends FastifyReplyLike {
  send(body: string): unknown;
}

/** A function of Nest's request and response, on Express or on Fastify. */
export type NestReceiver = (
  request: NodeRequest | NestFastifyRequest,
  response: NodeResponse | NestFastifyReply,
) => Promise<void>;

/**
 * Creates a function of a request and a response for NestJS, on Express or on Fastify. Nest parses a body before the
 * controller, so create the application with `NestFactory.create(AppModule, { rawBody: true })`. Nest's own limit is
 * 100 kB on Express, and `app.useBodyParser("json", { limit: "10mb" })` raises it. On Fastify, `bodyLimit` of the
 * `FastifyAdapter` raises its limit of 1 MiB.
 *
 * @example
 * @Controller("webhooks/clarife")
 * export class WebhookController {
 *   readonly #receive: NestReceiver;
 *   constructor(documents: DocumentService) {
 *     const handlers = new Handlers().on("document.updated", (event) => documents.update(event.data));
 *     this.#receive = receiver(webhook, handlers);
 *   }
 *   @All()
 *   receive(@Req() request: Request, @Res() response: Response) {
 *     return this.#receive(request, response);
 *   }
 * }
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): NestReceiver {
  const onExpress: NodeListener = createListener(webhook, handler, options, NESTJS_HINT);
  const receive = webhook.rawReceiver(handler, options);
  return async (request, response) => {
    if (!isFastify(request) || !isReply(response)) {
      return onExpress(request as NodeRequest, response as NodeResponse);
    }
    const { status, headers, body } = await receive(
      (limit) => rawBody(request.raw, request, limit, NESTJS_HINT),
      request.headers,
      request.method,
      requestLog(request),
    );
    response.code(status);
    response.headers(headers);
    response.send(body);
  };
}

function isFastify(request: NodeRequest | NestFastifyRequest): request is NestFastifyRequest {
  return typeof Object((request as Partial<NestFastifyRequest> | undefined)?.raw).on === "function";
}

function isReply(response: NodeResponse | NestFastifyReply): response is NestFastifyReply {
  const { code, send } = Object(response) as Partial<NestFastifyReply>;
  return typeof code === "function" && typeof send === "function";
}

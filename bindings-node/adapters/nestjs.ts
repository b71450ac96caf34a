import type { Handler, ReceiveOptions, Webhook } from "../api/index.js";
import { NESTJS_HINT } from "./generated.js";
import { createListener, type NodeListener } from "./node.js";

export type { NodeListener };

/**
 * Creates a function of a request and a response for NestJS on Express. Nest parses a body before the controller, so
 * create the application with `NestFactory.create(AppModule, { rawBody: true })`. Nest's own limit is 100 kB, and
 * `app.useBodyParser("json", { limit: "10mb" })` raises it.
 *
 * @example
 * @Controller("webhooks/clarife")
 * export class WebhookController {
 *   readonly #receive: NodeListener;
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
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): NodeListener {
  return createListener(webhook, handler, options, NESTJS_HINT);
}

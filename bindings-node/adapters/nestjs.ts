import type { Handler, ReceiveOptions, Webhook } from "../api/index.js";
import { NESTJS_HINT } from "./generated.js";
import { listener, type NodeListener } from "./node.js";

export type { NodeListener };

/**
 * Receives deliveries in NestJS on its Express platform. Nest parses bodies before a controller sees them, so the application has to
 * be made with `NestFactory.create(AppModule, { rawBody: true })`. Its own limit is 100 kB:
 * `app.useBodyParser("json", { limit: "10mb" })` raises it.
 *
 * @example
 * @Controller("webhooks/clarife")
 * export class WebhookController {
 *   readonly #receive: NodeListener;
 *   constructor(documents: DocumentService) {
 *     this.#receive = receiver(webhook, new Handlers().on("document.updated", (event) => documents.update(event.data)));
 *   }
 *   @All()
 *   receive(@Req() request: Request, @Res() response: Response) {
 *     return this.#receive(request, response);
 *   }
 * }
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): NodeListener {
  return listener(webhook, handler, options, NESTJS_HINT);
}

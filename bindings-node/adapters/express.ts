import type { Handler, ReceiveOptions, Webhook } from "../api/index.js";
import { EXPRESS_HINT } from "./generated.js";
import { listener, type NodeListener } from "./node.js";

export type { NodeListener };

/**
 * Receives deliveries in Express 4 and 5. It needs the raw body: put it before `express.json()`, or behind `express.raw()`.
 *
 * @example
 * app.all("/webhooks/clarife", receiver(webhook, (event) => console.log(event.type)));
 * app.use(express.json()); // for everything else, and after it
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): NodeListener {
  return listener(webhook, handler, options, EXPRESS_HINT);
}

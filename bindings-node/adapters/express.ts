import type { Handler, ReceiveOptions, Webhook } from "../api/index.js";
import { EXPRESS_HINT } from "./generated.js";
import { createListener, type NodeListener } from "./node.js";

export type { NodeListener };

/**
 * Creates a route's handler for Express 4 and 5. It needs the raw body: put it before `express.json()`, or behind
 * `express.raw()`.
 *
 * @example
 * app.all("/webhooks/clarife", receiver(webhook, (event) => console.log(event.type)));
 * app.use(express.json()); // for everything else, and after the receiver
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): NodeListener {
  return createListener(webhook, handler, options, EXPRESS_HINT);
}

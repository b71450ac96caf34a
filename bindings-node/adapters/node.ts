import type { Handler, ReceiveOptions, Webhook } from "../api/index.js";
import { NODE_HINT } from "./generated.js";
import { rawBody, type NodeRequest, type NodeResponse } from "./raw-body.js";

export type { NodeRequest, NodeResponse };

/** A listener of `node:http`, and of `node:http2` in its compatible form. */
export type NodeListener = (request: NodeRequest, response: NodeResponse) => Promise<void>;

/**
 * Receives deliveries in a server of `node:http`: reads the body, verifies it, calls the handler and answers.
 *
 * @example
 * createServer(receiver(webhook, (event) => console.log(event.type))).listen(3000);
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): NodeListener {
  return listener(webhook, handler, options, NODE_HINT);
}

/** For every framework whose requests and responses are those of `node:http`. */
export function listener(webhook: Webhook, handler: Handler, options: ReceiveOptions | undefined, hint: string): NodeListener {
  const receive = webhook.rawReceiver(handler, options);
  return async (request, response) => {
    const { status, headers, body } = await receive((most) => rawBody(request, request, most, hint), request.headers, request.method);
    // A time-out of the server's own may have answered before.
    if (!response.headersSent) {
      response.writeHead(status, headers);
      response.end(body);
    }
  };
}

import type { Handler, ReceiveOptions, Webhook } from "../api/index.js";
import { NODE_HINT } from "./generated.js";
import { checkNode, type NodeRequest, type NodeResponse, rawBody } from "./raw-body.js";

export type { NodeRequest, NodeResponse };

/** A listener of `node:http`, and of the compatibility API of `node:http2`. */
export type NodeListener = (request: NodeRequest, response: NodeResponse) => Promise<void>;

/**
 * Creates a listener for `node:http`: it reads the body, verifies it, calls the handler and responds.
 *
 * @example
 * createServer(receiver(webhook, (event) => console.log(event.type))).listen(3000);
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): NodeListener {
  return createListener(webhook, handler, options, NODE_HINT);
}

/** Creates a listener for a framework with the requests and responses of `node:http`. */
export function createListener(
  webhook: Webhook,
  handler: Handler,
  options: ReceiveOptions | undefined,
  hint: string,
): NodeListener {
  const receive = webhook.rawReceiver(handler, options);
  return async (request, response) => {
    checkNode(request, response);
    const { status, headers, body } = await receive(
      (limit) => rawBody(request, request, limit, hint),
      request.headers,
      request.method,
    );
    // The server's own timeout may have responded before.
    if (!response.headersSent) {
      response.writeHead(status, headers);
      response.end(body);
    }
  };
}

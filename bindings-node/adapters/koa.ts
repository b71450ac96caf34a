import type { Handler, ReceiveOptions, Webhook } from "../api/index.js";
import { KOA_HINT } from "./generated.js";
import { type NodeRequest, rawBody } from "./raw-body.js";

/** The members of a Koa context that the receiver uses. */
export interface KoaContext {
  readonly req: NodeRequest;
  /** The object in which body parsers keep the raw and the parsed body. */
  readonly request: object;
  status: number;
  body: unknown;
  set(headers: { [name: string]: string }): unknown;
}

/** A Koa middleware that responds and calls no other middleware. */
export type KoaMiddleware = (context: KoaContext) => Promise<void>;

/**
 * Creates a middleware for Koa. It needs the raw body: put it before the body parser, or use a parser that keeps
 * `ctx.request.rawBody`.
 *
 * @example
 * router.all("/webhooks/clarife", receiver(webhook, (event) => console.log(event.type)));
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): KoaMiddleware {
  const receive = webhook.rawReceiver(handler, options);
  return async (context) => {
    const { req, request } = context;
    const response = await receive((limit) => rawBody(req, request, limit, KOA_HINT), req.headers, req.method);
    context.status = response.status;
    context.set(response.headers);
    context.body = response.body;
  };
}

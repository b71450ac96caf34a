import type { Handler, ReceiveOptions, Webhook } from "../api/index.js";
import { KOA_HINT } from "./generated.js";
import { rawBody, type NodeRequest } from "./raw-body.js";

/** What the receiver needs of a context of Koa. */
export interface KoaContext {
  readonly req: NodeRequest;
  /** Body parsers keep what they read and what they made here. */
  readonly request: object;
  status: number;
  body: unknown;
  set(headers: { [name: string]: string }): unknown;
}

/** A middleware of Koa that answers and calls no other. */
export type KoaMiddleware = (context: KoaContext) => Promise<void>;

/**
 * Receives deliveries in Koa. It needs the raw body: put it before the body parser, or use one that keeps `ctx.request.rawBody`.
 *
 * @example
 * router.all("/webhooks/clarife", receiver(webhook, (event) => console.log(event.type)));
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): KoaMiddleware {
  const receive = webhook.rawReceiver(handler, options);
  return async (context) => {
    const { req, request } = context;
    const response = await receive((most) => rawBody(req, request, most, KOA_HINT), req.headers, req.method);
    context.status = response.status;
    context.set(response.headers);
    context.body = response.body;
  };
}

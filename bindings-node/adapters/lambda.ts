import {
  type Body,
  type Handler,
  type HeaderPairs,
  type ReceiveOptions,
  type Webhook,
  WebhookError,
} from "../api/index.js";
import { LAMBDA_HINT } from "./generated.js";

/**
 * The members that the receiver uses of an event of API Gateway (REST and HTTP APIs), a function URL or a load
 * balancer.
 */
export interface LambdaEvent {
  readonly headers?: { readonly [name: string]: string | undefined } | null | undefined;
  /** Every value of repeated headers, from REST APIs and load balancers. */
  readonly multiValueHeaders?: { readonly [name: string]: readonly string[] | undefined } | null | undefined;
  readonly body?: string | null | undefined;
  readonly isBase64Encoded?: boolean | undefined;
  readonly httpMethod?: string | undefined;
  readonly requestContext?: object | undefined;
}

/** The response, in the form that each of these services accepts. */
export interface LambdaResult {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

/** A handler of AWS Lambda. */
export type LambdaHandler = (event: LambdaEvent) => Promise<LambdaResult>;

/**
 * Creates a handler for AWS Lambda, behind API Gateway with proxy integration, a function URL or a load balancer.
 * Lambda's own limit of a request is 6 MB, and 1 MB behind a load balancer.
 *
 * @example
 * export const handler = receiver(webhook, (event) => console.log(event.type));
 */
export function receiver(webhook: Webhook, handler: Handler, options?: ReceiveOptions): LambdaHandler {
  const receive = webhook.rawReceiver(handler, options);
  return async (event) => {
    const { status, headers, body } = await receive(
      (limit) => readBody(event, limit),
      pickHeaders(event),
      pickMethod(event),
    );
    return { statusCode: status, headers, body };
  };
}

function readBody({ body, isBase64Encoded, headers }: LambdaEvent, maxBodyBytes: number): Body {
  if (body === null || (body === undefined && headers)) {
    return "";
  }
  if (typeof body !== "string") {
    throw new WebhookError("body_not_raw", undefined, LAMBDA_HINT);
  }
  if (!isBase64Encoded) {
    return body;
  }
  if ((body.length / 4) * 3 > maxBodyBytes + 2) {
    throw new WebhookError("body_too_large");
  }
  return Buffer.from(body, "base64");
}

/**
 * Returns the headers. Each one is in `multiValueHeaders` with all its values, if the service fills this member, and then
 * `headers` has its last value again.
 */
function pickHeaders({ headers, multiValueHeaders }: LambdaEvent): HeaderPairs {
  const several = Object.entries(multiValueHeaders ?? {}).filter(([, values]) => values?.length);
  const names = new Set(several.map(([name]) => name.toLowerCase()));
  return [...several, ...Object.entries(headers ?? {}).filter(([name]) => !names.has(name.toLowerCase()))];
}

/** Returns the method. An event that is not a request has none, and its missing body is the clearer error. */
function pickMethod({ httpMethod, requestContext }: LambdaEvent): string | undefined {
  return httpMethod ?? (requestContext as { http?: { method?: string } } | undefined)?.http?.method;
}

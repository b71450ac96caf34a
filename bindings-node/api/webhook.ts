import { rawBody, type Body } from "./body.js";
import { VERDICT } from "./abi.generated.js";
import { backend } from "./backend.js";
import { WebhookError } from "./error.js";
import { VerifiedEvent } from "./event.js";
import { ERROR_CODES, EVENT_TYPES, SIGNATURE_HEADER, STANDARD_HEADERS, type KnownEventType, type WebhookEvent } from "./generated.js";
import type { Handler } from "./handlers.js";
import { header, type SignatureSource } from "./headers.js";
import { clockOf, flag, given, seconds, whole, type Clock } from "./options.js";
import { checkSize, maximum, rawReceiver, type BodySource, type FetchReceiver, type RawReceiver, type ReceiveOptions, type WebhookResponse } from "./receive.js";
import { checkRequest, readRequest, unread, type RequestLike } from "./request.js";
import { named, wrongType } from "./runtime-types.js";

/** Options of a {@link Webhook}; times are in seconds. */
export interface WebhookOptions {
  /** How far a delivery's timestamp may be from the clock, either way. 300 unless given. */
  readonly tolerance?: number | undefined;
  /** Refuses events whose signed `created_at` is longer ago. Off unless given; 900 leaves room for every retry. */
  readonly maxEventAge?: number | undefined;
  /**
   * Whether deliveries are verified by the headers of Standard Webhooks, which authenticate the time too, and not by clarife's own. The
   * secret must be `whsec_` and base64.
   */
  readonly standardWebhooks?: boolean | undefined;
  /** What tells the time, in Unix seconds, instead of the system's clock. */
  readonly clock?: Clock | undefined;
}

/** Options of {@link Webhook.verify}. */
export interface VerifyOptions {
  /** The time to verify at, in Unix seconds, instead of the clock: for tests and stored deliveries. */
  readonly now?: number | Date | undefined;
}

/** Options of {@link Webhook.sign}. */
export interface SignOptions {
  /** The time of signing, in Unix seconds, instead of the clock. */
  readonly timestamp?: number | Date | undefined;
}

/** Options of {@link Webhook.verifyRequest}. */
export interface VerifyRequestOptions extends VerifyOptions {
  /** The largest body, in bytes; 10 MiB unless given. A larger one is refused before it is read whole. */
  readonly maxBodyBytes?: number | undefined;
}

/** What {@link Webhook.signStandard} signs beside the body. */
export interface SignStandardOptions extends SignOptions {
  /** The event's id. */
  readonly id: string;
}

/** The headers of Standard Webhooks. */
export interface StandardHeaders {
  "webhook-id": string;
  "webhook-timestamp": string;
  "webhook-signature": string;
}

/**
 * Verifies deliveries of one subscription, and signs bodies as clarife does. Make it once and keep it.
 *
 * @example
 * const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET);
 * const event = webhook.verify(body, request.headers);
 * if (event.type === "document.updated") console.log(event.data.title);
 */
export class Webhook {
  static {
    named(this, "Webhook");
  }

  readonly #handle: object;
  readonly #isStandard: boolean;
  readonly #now: () => number;

  /**
   * @param secrets the subscription's signing secret as clarife shows it, or several, newest first, while one is rotated
   * @throws {WebhookError} `invalid_secret`
   */
  constructor(secrets: string | readonly string[], options?: WebhookOptions) {
    const texts = secretTexts(secrets, "secrets");
    const { tolerance, maxEventAge, standardWebhooks, clock } = given(options, "tolerance", "maxEventAge", "standardWebhooks", "clock");
    this.#isStandard = flag(standardWebhooks, "standardWebhooks");
    this.#now = clockOf(clock);
    this.#handle = open(texts, whole(tolerance, "tolerance"), whole(maxEventAge, "maxEventAge"), this.#isStandard);
  }

  /**
   * Verifies a delivery: the raw body, byte for byte as received, and the signature header or all headers of the request.
   *
   * @throws {WebhookError} with the code of the first check that fails
   */
  verify(body: Body, signature: SignatureSource, options?: VerifyOptions): WebhookEvent {
    const raw = rawBody(body, "body");
    const result = this.#result(raw, signature, this.#time(given(options, "now").now, "now"));
    const error = failure(result); // not in `checked`: the stack shows few calls, and this leaves room for the caller's
    if (error !== undefined) {
      throw error;
    }
    return event(raw, result);
  }

  /** Verifies a Fetch API request, whose body it reads. */
  async verifyRequest(request: RequestLike, options?: VerifyRequestOptions): Promise<WebhookEvent> {
    checkRequest(request);
    const { now, maxBodyBytes } = given(options, "now", "maxBodyBytes");
    const most = maximum(maxBodyBytes);
    const raw = rawBody(await readRequest(request, most), "body");
    checkSize(raw, most);
    return this.#verified(raw, request.headers, this.#time(now, "now"));
  }

  /**
   * Receives deliveries with the Fetch API: reads the body, verifies it, calls the handler and answers.
   *
   * @example
   * export default { fetch: webhook.receiver((event) => console.log(event.type)) };
   */
  receiver(handler: Handler, options?: ReceiveOptions): FetchReceiver {
    const receive = this.rawReceiver(handler, options);
    return async (request) => {
      checkRequest(request);
      const { status, headers, body } = await receive((most) => readRequest(request, most).catch(unread), request.headers, request.method);
      return new Response(body, { status, headers });
    };
  }

  /**
   * What every adapter is made of: from a delivery to the answer that it gets. For frameworks that have no adapter.
   *
   * @example
   * const receive = webhook.rawReceiver(handlers, { dedup: new MemoryStore() });
   * const { status, headers, body } = await receive(rawBody, request.headers, request.method);
   */
  rawReceiver(handler: Handler, options?: ReceiveOptions): RawReceiver {
    return rawReceiver((raw, headers) => this.#verified(raw, headers, this.#time(undefined, "now")), handler, options);
  }

  /** The same for one delivery. */
  async receive(body: BodySource, headers: SignatureSource, handler: Handler, options?: ReceiveOptions): Promise<WebhookResponse> {
    return this.rawReceiver(handler, options)(body, headers);
  }

  /** Signs a body with every secret, as clarife would: the value of the `X-Clarife-Signature` header. */
  sign(body: Body, options?: SignOptions): string {
    const raw = rawBody(body, "body");
    const { timestamp } = given(options, "timestamp");
    return checked(backend.sign(this.#handle, raw, this.#time(timestamp, "timestamp")));
  }

  /**
   * Signs a body with every secret as Standard Webhooks say: the three headers.
   *
   * @throws {WebhookError} `invalid_secret` where a secret is not `whsec_` and base64
   */
  signStandard(body: Body, options: SignStandardOptions): StandardHeaders {
    const raw = rawBody(body, "body");
    const { id, timestamp } = given(options, "id", "timestamp");
    if (typeof id !== "string") {
      throw wrongType("id", "a string", id);
    }
    const values = checked(backend.signStandard(this.#handle, raw, id, this.#time(timestamp, "timestamp"))).split("\n");
    return Object.fromEntries(values.map((value, place) => [STANDARD_HEADERS[place]!, value])) as unknown as StandardHeaders;
  }

  #verified(body: string | Uint8Array, source: SignatureSource, now: number): WebhookEvent {
    return event(body, checked(this.#result(body, source, now)));
  }

  /** The engine's result for a delivery. */
  #result(body: string | Uint8Array, source: SignatureSource, now: number): string {
    if (!this.#isStandard) {
      return backend.verify(this.#handle, body, header(source, SIGNATURE_HEADER), now);
    }
    const [id, timestamp, signature] = STANDARD_HEADERS.map((name) => header(source, name) ?? "") as [string, string, string];
    return backend.verifyStandard(this.#handle, body, id, timestamp, signature, now);
  }

  /** Unix seconds as the engines take them; the clock's where none are given. */
  #time(value: unknown, name: string): number {
    return Math.floor(value === undefined ? this.#now() : seconds(value, name));
  }
}

/**
 * Reads an event that was verified before, for example one that a handler put into its own queue. It checks the envelope and
 * **no signature**: never give it what came over the network.
 *
 * @throws {WebhookError} `malformed_payload`, or `body_not_raw` for a parsed body
 */
export function parseTrusted(raw: Body): WebhookEvent {
  const body = rawBody(raw, "raw");
  return event(body, checked(backend.parse(body)));
}

/** Whether this version knows an event's type. */
export function isKnownEventType(type: string): type is KnownEventType {
  if (typeof type !== "string") {
    throw wrongType("type", "a string", type);
  }
  return (EVENT_TYPES as readonly string[]).includes(type);
}

/**
 * In place of the function of that name in clarife's documentation: whether the raw body is authentic and an event.
 *
 * @throws {WebhookError} `body_not_raw` for a parsed body, `invalid_secret`
 */
export function verifyWebhookSignature(payload: Body, signature: SignatureSource, secret: string | readonly string[]): boolean {
  const webhook = open(secretTexts(secret, "secret"), NaN, NaN, false);
  try {
    const body = rawBody(payload, "payload");
    return failure(backend.verify(webhook, body, header(signature, SIGNATURE_HEADER), Math.floor(Date.now() / 1000))) === undefined;
  } finally {
    backend.close?.(webhook);
  }
}

function secretTexts(secrets: unknown, name: string): string[] {
  const texts: unknown[] = Array.isArray(secrets) ? [...secrets] : [secrets];
  for (const secret of texts) {
    if (typeof secret !== "string") {
      throw wrongType(name, "a string or an array of strings", secret);
    }
    // A lone surrogate has no bytes to make a key of.
    if (/\p{Cs}/u.test(secret)) {
      throw new WebhookError("invalid_secret");
    }
  }
  return texts as string[];
}

/** The engine's webhook. */
function open(secrets: string[], tolerance: number, maxEventAge: number, isStandard: boolean): object {
  return checked(backend.open(secrets, tolerance, maxEventAge, isStandard)) as object;
}

/** The event of the engine's last call. */
function event(body: string | Uint8Array, result: string): WebhookEvent {
  return new VerifiedEvent(typeof body === "string" ? body : result, backend.out) as unknown as WebhookEvent;
}

/** What the engine's last call gave, unless that is an error's message. */
function checked<Result>(result: Result): Result {
  const error = failure(result);
  if (error !== undefined) {
    throw error;
  }
  return result;
}

/** The error that the engine's last call gave the message of, if it did. */
function failure(result: unknown): Error | undefined {
  const verdict = backend.out[VERDICT]!;
  const message = result as string;
  return verdict === 0 ? undefined : verdict < 0 ? new TypeError(message) : new WebhookError(ERROR_CODES[verdict - 1]!, message);
}

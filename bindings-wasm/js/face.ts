import { rawBody, type Body } from "./body.js";
import { current, VERDICT } from "./engine.js";
import { plainError, WebhookError } from "./error.js";
import { VerifiedEvent } from "./event.js";
import { ERROR_CODES, EVENT_TYPES, type KnownEventType, type WebhookEvent } from "./generated.js";
import { signatureHeader, type SignatureSource } from "./headers.js";
import { kind, tag, wrongType } from "./value.js";

/** Options of a {@link Webhook}, in seconds. */
export interface WebhookOptions {
  /** How far a delivery's timestamp may be from the clock, either way. 300 unless given. */
  readonly tolerance?: number | undefined;
  /** Refuses events whose signed `created_at` is longer ago. Off unless given; 900 leaves room for every retry. */
  readonly maxEventAge?: number | undefined;
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

/** What {@link Webhook.verifyRequest} needs of a Fetch API request. */
export interface RequestLike {
  readonly headers: SignatureSource;
  readonly bodyUsed: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
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
  readonly #handle: object;

  /**
   * @param secrets the subscription's signing secret as clarife shows it, or several, newest first, while one is rotated
   * @throws {WebhookError} `invalid_secret`
   */
  constructor(secrets: string | readonly string[], options?: WebhookOptions) {
    const texts = secretTexts(secrets, "secrets");
    const { tolerance, maxEventAge } = given(options, "tolerance", "maxEventAge");
    this.#handle = open(texts, whole(tolerance, "tolerance"), whole(maxEventAge, "maxEventAge"));
  }

  /**
   * Verifies a delivery: the raw body, byte for byte as received, and the signature header or all headers of the request.
   *
   * @throws {WebhookError} with the code of the first check that fails
   */
  verify(body: Body, signature: SignatureSource, options?: VerifyOptions): WebhookEvent {
    return verified(this.#handle, rawBody(body, "body"), signature, options);
  }

  /** Verifies a Fetch API request, whose body it reads. */
  async verifyRequest(request: RequestLike, options?: VerifyOptions): Promise<WebhookEvent> {
    const { arrayBuffer, headers, bodyUsed, body } = Object(request) as Partial<RequestLike> & { body?: ReadableStream | null };
    if (typeof arrayBuffer !== "function" || headers === undefined) {
      throw wrongType("request", "a Request of the Fetch API", request);
    }
    if (bodyUsed || body?.locked) {
      throw plainError("body_not_raw");
    }
    return this.verify(await request.arrayBuffer(), headers, options);
  }

  /** Signs a body with every secret, as clarife would: the value of the `X-Clarife-Signature` header. */
  sign(body: Body, options?: SignOptions): string {
    const raw = rawBody(body, "body");
    const { timestamp } = given(options, "timestamp");
    return checked(current.sign(this.#handle, raw, seconds(timestamp, "timestamp")));
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
  return event(body, current.parse(body));
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
  const webhook = open(secretTexts(secret, "secret"), NaN, NaN);
  try {
    verified(webhook, rawBody(payload, "payload"), signature);
    return true;
  } catch (error) {
    if (error instanceof WebhookError && error.code !== "body_not_raw") {
      return false;
    }
    throw error;
  } finally {
    current.close?.(webhook);
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
      throw plainError("invalid_secret");
    }
  }
  return texts as string[];
}

/** The engine's webhook. */
function open(secrets: string[], tolerance: number, maxEventAge: number): object {
  return checked(current.open(secrets, tolerance, maxEventAge, false)) as object;
}

function verified(webhook: object, body: string | Uint8Array, signature: unknown, options?: unknown): WebhookEvent {
  const header = signatureHeader(signature);
  return event(body, current.verify(webhook, body, header, seconds(given(options, "now").now, "now")));
}

/** The event of the engine's last call. */
function event(body: string | Uint8Array, answer: string): WebhookEvent {
  const text = checked(answer);
  return new VerifiedEvent(typeof body === "string" ? body : text, current.out) as unknown as WebhookEvent;
}

/** What the engine's last call gave, unless that is an error's message. */
function checked<Result>(result: Result): Result {
  const verdict = current.out[VERDICT]!;
  if (verdict !== 0) {
    const message = result as string;
    throw verdict < 0 ? new TypeError(message) : new WebhookError(ERROR_CODES[verdict - 1]!, message);
  }
  return result;
}

/** The options that the caller has set, and not those that somebody has put on every object there is. */
function given<Name extends string>(options: unknown, ...names: Name[]): Given<Name> {
  if (options === undefined || options === null) {
    return NONE as Given<Name>;
  }
  if (typeof options !== "object" || tag(options) !== "Object") {
    throw wrongType("options", "an object", options);
  }
  const own = { __proto__: null, ...options };
  const others = Object.keys(own).filter((name) => !names.includes(name as Name));
  if (others.length > 0) {
    throw new TypeError(`options must hold ${names.join(" and ")} only, not ${others.join(", ")}`);
  }
  return own as Given<Name>;
}

type Given<Name extends string> = { readonly [_ in Name]?: unknown };

const NONE: object = { __proto__: null };

/** Unix seconds; the clock's where none are given. */
function seconds(value: unknown = Date.now() / 1000, name: string): number {
  const time = kind(value) === "Date" ? Number(value) / 1000 : value;
  if (typeof time !== "number" || !Number.isFinite(time)) {
    throw new TypeError(`${name} must be Unix seconds or a valid Date`);
  }
  return Math.floor(time);
}

/** An option in whole seconds; NaN where it is not given. */
function whole(value: unknown, name: string): number {
  if (value === undefined) {
    return NaN;
  }
  if (!Number.isInteger(value) || (value as number) < 0) {
    throw new TypeError(`${name} must be a whole number of seconds, 0 or more`);
  }
  return value as number;
}

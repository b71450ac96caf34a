import { kind, notRaw, rawBody, type Body } from "./body.js";
import { VERDICT, type Engine } from "./engine.js";
import { WebhookError } from "./error.js";
import { VerifiedEvent } from "./event.js";
import { ERROR_CODES, EVENT_TYPES, type KnownEventType, type WebhookEvent } from "./generated.js";
import { signatureHeader, type SignatureSource } from "./headers.js";

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

/** Which build is in use: the native addon, or WebAssembly. */
export let engine: Engine["name"];
let current: Engine;

/** Every entry of the package calls this once, before anything else. */
export function use(next: Engine): void {
  current = next;
  engine = next.name;
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
    const list: readonly unknown[] = Array.isArray(secrets) ? [...secrets] : [secrets];
    for (const secret of list) {
      if (typeof secret !== "string") {
        throw new TypeError(`secrets must be a string or an array of strings, not ${kind(secret)}`);
      }
    }
    const { tolerance, maxEventAge } = given(options) as WebhookOptions;
    const opened = current.open(list as string[], whole(tolerance, "tolerance"), whole(maxEventAge, "maxEventAge"));
    if (typeof opened === "string") {
      throw failure(opened);
    }
    this.#handle = opened;
  }

  /**
   * Verifies a delivery: the raw body, byte for byte as received, and the signature header or all headers of the request.
   *
   * @throws {WebhookError} with the code of the first check that fails
   */
  verify(body: Body, signature: SignatureSource, options?: VerifyOptions): WebhookEvent {
    const raw = rawBody(body);
    const text = current.verify(this.#handle, raw, signatureHeader(signature), seconds(given(options).now, "now"));
    const { out } = current;
    if (out[VERDICT] !== 0) {
      throw failure(text);
    }
    return new VerifiedEvent(typeof raw === "string" ? raw : text, out) as unknown as WebhookEvent;
  }

  /** Verifies a Fetch API request, whose body it reads. */
  async verifyRequest(request: RequestLike, options?: VerifyOptions): Promise<WebhookEvent> {
    if (typeof (request as Partial<RequestLike> | null | undefined)?.arrayBuffer !== "function") {
      throw new TypeError(`request must be a Request of the Fetch API, not ${kind(request)}`);
    }
    if (request.bodyUsed || (request as { body?: ReadableStream | null }).body?.locked) {
      throw notRaw();
    }
    return this.verify(await request.arrayBuffer(), request.headers, options);
  }

  /** Signs a body with every secret, as clarife would: the value of the `X-Clarife-Signature` header. */
  sign(body: Body, options?: SignOptions): string {
    const text = current.sign(this.#handle, rawBody(body), seconds(given(options).timestamp, "timestamp"));
    if (current.out[VERDICT] !== 0) {
      throw failure(text);
    }
    return text;
  }
}

/** The webhook of the last call of {@link verifyWebhookSignature}: mostly, the next call has the same secret. */
let last: { readonly secret: unknown; readonly webhook: Webhook } | undefined;

/** Whether this version knows an event's type. */
export function isKnownEventType(type: string): type is KnownEventType {
  return (EVENT_TYPES as readonly string[]).includes(type);
}

/**
 * In place of the function of that name in clarife's documentation: whether the raw body is authentic and an event.
 *
 * @throws {WebhookError} `body_not_raw` for a parsed body, `invalid_secret`
 */
export function verifyWebhookSignature(payload: Body, signature: SignatureSource, secret: string | readonly string[]): boolean {
  if (typeof secret !== "string" || secret !== last?.secret) {
    last = { secret, webhook: new Webhook(secret) };
  }
  try {
    last.webhook.verify(payload, signature);
    return true;
  } catch (error) {
    if (error instanceof WebhookError && error.code !== "body_not_raw") {
      return false;
    }
    throw error;
  }
}

function failure(message: string): Error {
  const verdict = current.out[VERDICT]!;
  return verdict < 0 ? new TypeError(message) : new WebhookError(ERROR_CODES[verdict - 1]!, message);
}

function given(options: unknown): { readonly now?: unknown; readonly timestamp?: unknown } {
  if (options === undefined || options === null) {
    return {};
  }
  if (typeof options !== "object") {
    throw new TypeError(`options must be an object, not ${kind(options)}`);
  }
  return options;
}

/** Unix seconds; the clock's where none are given. */
function seconds(value: unknown, name: string): number {
  let time = value;
  if (time === undefined) {
    time = Date.now() / 1000;
  } else if (typeof time === "object") {
    time = dateSeconds(time);
  }
  if (typeof time !== "number" || !Number.isFinite(time)) {
    throw new TypeError(`${name} must be Unix seconds or a valid Date`);
  }
  return Math.floor(time);
}

function dateSeconds(value: object | null): unknown {
  try {
    return Date.prototype.getTime.call(value) / 1000;
  } catch {
    return value;
  }
}

/** An option in whole seconds; NaN where it is not given. */
function whole(value: unknown, name: string): number {
  if (value === undefined) {
    return NaN;
  }
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new TypeError(`${name} must be a whole number of seconds, 0 or more`);
  }
  return value as number;
}

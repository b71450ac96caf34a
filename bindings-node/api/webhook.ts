import { VERDICT } from "./abi.generated.js";
import { backend } from "./backend.js";
import { type Body, toRawBody } from "./body.js";
import { WebhookError } from "./error.js";
import { VerifiedEvent } from "./event.js";
import {
  ERROR_CODES,
  EVENT_TYPES,
  type KnownEvent,
  type KnownEventType,
  OTHER_SENDER,
  OTHER_SIGNATURE_HEADERS,
  SIGNATURE_HEADER,
  STANDARD_HEADERS,
  type WebhookEvent,
} from "./generated.js";
import type { Handler } from "./handlers.js";
import { findHeader, type SignatureSource } from "./headers.js";
import { booleanOption, integerOption, pickOptions, toClock, toleranceOption, toSeconds } from "./options.js";
import {
  type BodySource,
  checkSize,
  createReceiver,
  type FetchReceiver,
  maxBodyBytesOption,
  type RawReceiver,
  type ReceiveOptions,
  RefusalLog,
  type WebhookResponse,
} from "./receive.js";
import { checkRequest, readRequest, type RequestLike } from "./request.js";
import { setClassName, wrongType } from "./runtime-types.js";
import { WEBHOOK_OPTIONS, type WebhookOptions } from "./webhook-options.generated.js";

/** Options of {@link Webhook.verify}. */
export interface VerifyOptions {
  /** The time of verification, in Unix seconds, in place of the clock: for tests and stored deliveries. */
  readonly now?: number | Date | undefined;
}

/** Options of {@link Webhook.sign}. */
export interface SignOptions {
  /** The time of signing, in Unix seconds, in place of the clock. */
  readonly timestamp?: number | Date | undefined;
}

/** Options of {@link Webhook.verifyRequest}. */
export interface VerifyRequestOptions extends VerifyOptions {
  /** The limit of the body, in bytes. 10 MiB by default. A larger body is refused before it is read completely. */
  readonly maxBodyBytes?: number | undefined;
}

/** Options of {@link Webhook.signStandard}. */
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
 * A subscription's webhook: verifies deliveries, and signs bodies as clarife does. Create it once and keep it.
 *
 * @example
 * const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET);
 * const event = webhook.verify(body, request.headers);
 * if (event.type === "document.updated") console.log(event.data.title);
 */
export class Webhook {
  static {
    setClassName(this, "Webhook");
  }

  readonly #handle: object;
  readonly #isStandard: boolean;
  readonly #now: () => number;
  readonly #refusals = new RefusalLog();

  /**
   * @param secrets the subscription's signing secret as clarife shows it, or several during a rotation, newest first.
   *   `undefined`, as an environment variable that is not set, is an error that names the variable.
   * @throws {WebhookError} `invalid_secret`
   */
  constructor(secrets: string | readonly string[] | null | undefined, options?: WebhookOptions) {
    const texts = checkSecrets(secrets, "secrets");
    const names = WEBHOOK_OPTIONS.map(({ name }) => name);
    const picked = pickOptions(options, ...names, "clock");
    const numbers = WEBHOOK_OPTIONS.map(({ name, kind }) =>
      kind === "switch"
        ? Number(booleanOption(picked[name], name))
        : (name === "tolerance" ? toleranceOption : integerOption)(picked[name], name)
    );
    this.#isStandard = picked.standardWebhooks === true;
    this.#now = toClock(picked.clock);
    this.#handle = openHandle(texts, numbers);
  }

  /**
   * Verifies a delivery: the raw body, byte for byte as received, with the signature header or all headers of the
   * request.
   *
   * @throws {WebhookError} with the code of the first check that fails
   */
  verify(body: Body, signature: SignatureSource, options?: VerifyOptions): WebhookEvent {
    const raw = toRawBody(body, "body");
    const result = this.#callBackend(raw, signature, this.#toTime(pickOptions(options, "now").now, "now"));
    // Without `throwLastError`, whose call would take the place of one of the caller's in the short stack.
    const error = lastError(result);
    if (error !== undefined) {
      throw explain(error, signature);
    }
    return lastEvent(raw, result);
  }

  /** Verifies a Fetch API request and reads its body. */
  async verifyRequest(request: RequestLike, options?: VerifyRequestOptions): Promise<WebhookEvent> {
    checkRequest(request);
    const { now, maxBodyBytes } = pickOptions(options, "now", "maxBodyBytes");
    const limit = maxBodyBytesOption(maxBodyBytes);
    const raw = toRawBody(await readRequest(request, limit), "body");
    checkSize(raw, limit);
    return this.#verifyRaw(raw, request.headers, this.#toTime(now, "now"));
  }

  /**
   * Creates a receiver for the Fetch API: it reads the body, verifies it, calls the handler and returns the response.
   *
   * @example
   * export default { fetch: webhook.receiver((event) => console.log(event.type)) };
   */
  receiver(handler: Handler, options?: ReceiveOptions): FetchReceiver {
    const receive = this.rawReceiver(handler, options);
    return async (request) => {
      checkRequest(request);
      const { status, headers, body } = await receive(
        (limit) => readRequest(request, limit),
        request.headers,
        request.method,
      );
      return new Response(body, { status, headers });
    };
  }

  /**
   * Creates the receiver behind every adapter, for frameworks without an adapter. It takes the parts of a request and
   * returns the parts of the response.
   *
   * @example
   * const receive = webhook.rawReceiver(handlers, { dedup: new MemoryStore() });
   * const { status, headers, body } = await receive(rawBody, request.headers, request.method);
   */
  rawReceiver(handler: Handler, options?: ReceiveOptions): RawReceiver {
    return createReceiver(
      (raw, headers) => this.#verifyRaw(raw, headers, this.#toTime(undefined, "now")),
      handler,
      options,
      this.#refusals,
    );
  }

  /** Receives one delivery, as a receiver of {@link Webhook.rawReceiver} does. */
  async receive(
    body: BodySource,
    headers: SignatureSource,
    handler: Handler,
    options?: ReceiveOptions,
  ): Promise<WebhookResponse> {
    return this.rawReceiver(handler, options)(body, headers);
  }

  /** Signs a body with every secret, as clarife does. Returns the value of the `X-Clarife-Signature` header. */
  sign(body: Body, options?: SignOptions): string {
    const raw = toRawBody(body, "body");
    const { timestamp } = pickOptions(options, "timestamp");
    return throwLastError(backend.sign(this.#handle, raw, this.#toTime(timestamp, "timestamp")));
  }

  /**
   * Signs a body with every secret, as in Standard Webhooks. Returns the three headers.
   *
   * @throws {WebhookError} `invalid_secret` if a secret is not `whsec_` and base64
   */
  signStandard(body: Body, options: SignStandardOptions): StandardHeaders {
    const raw = toRawBody(body, "body");
    const { id, timestamp } = pickOptions(options, "id", "timestamp");
    if (typeof id !== "string") {
      throw wrongType("id", "a string", id);
    }
    const values = throwLastError(backend.signStandard(this.#handle, raw, id, this.#toTime(timestamp, "timestamp")))
      .split("\n");
    return Object.fromEntries(
      values.map((value, index) => [STANDARD_HEADERS[index]!, value]),
    ) as unknown as StandardHeaders;
  }

  #verifyRaw(body: string | Uint8Array, source: SignatureSource, now: number): WebhookEvent {
    const result = this.#callBackend(body, source, now);
    const error = lastError(result);
    if (error !== undefined) {
      throw explain(error, source);
    }
    return lastEvent(body, result);
  }

  /** Verifies a delivery with the backend and returns its text. */
  #callBackend(body: string | Uint8Array, source: SignatureSource, now: number): string {
    if (!this.#isStandard) {
      return backend.verify(this.#handle, body, findHeader(source, SIGNATURE_HEADER), now);
    }
    const [id, timestamp, signature] = STANDARD_HEADERS.map((name) => findHeader(source, name) ?? "") as [
      string,
      string,
      string,
    ];
    return backend.verifyStandard(this.#handle, body, id, timestamp, signature, now);
  }

  /** Returns whole Unix seconds; the clock's by default. */
  #toTime(value: unknown, name: string): number {
    return Math.floor(value === undefined ? this.#now() : toSeconds(value, name));
  }
}

/**
 * Reads an event that you verified before, for example from your own queue. It checks the envelope and **no
 * signature**: never pass it data from the network.
 *
 * @throws {WebhookError} `malformed_payload`, or `body_not_raw` for a parsed body
 */
export function parseTrusted(raw: Body): WebhookEvent {
  const body = toRawBody(raw, "raw");
  return lastEvent(body, throwLastError(backend.parse(body)));
}

/** Tells whether this version knows a type of event. */
export function isKnownEventType(type: string): type is KnownEventType {
  if (typeof type !== "string") {
    throw wrongType("type", "a string", type);
  }
  return (EVENT_TYPES as readonly string[]).includes(type);
}

/** Tells whether this version knows the type of an event, whose `data` then has a type too. */
export function isKnownEvent(event: WebhookEvent): event is KnownEvent {
  const { type } = Object(event) as Partial<WebhookEvent>;
  if (typeof type !== "string") {
    throw wrongType("event", "an event", event);
  }
  return isKnownEventType(type);
}

/**
 * Receives an event that you verified before, for example from your own queue: as {@link Webhook.receive}, with the same
 * handlers and the same store, and **without a signature**. Never pass it data from the network.
 *
 * @example
 * for (const message of batch) await receiveTrusted(message.body, handlers, { dedup });
 */
export async function receiveTrusted(raw: Body, handler: Handler, options?: ReceiveOptions): Promise<WebhookResponse> {
  return createReceiver(parseTrusted, handler, options, trustedRefusals)(raw, {});
}

const trustedRefusals = new RefusalLog();

/**
 * Tells whether a raw body is authentic and an event. Replaces the function of the same name in clarife's
 * documentation.
 *
 * @throws {WebhookError} `body_not_raw` for a parsed body, `invalid_secret`
 */
export function verifyWebhookSignature(
  payload: Body,
  signature: SignatureSource,
  secret: string | readonly string[],
): boolean {
  const handle = openHandle(checkSecrets(secret, "secret"), []);
  try {
    const body = toRawBody(payload, "payload");
    return lastError(
      backend.verify(handle, body, findHeader(signature, SIGNATURE_HEADER), Math.floor(Date.now() / 1000)),
    ) === undefined;
  } finally {
    backend.close?.(handle);
  }
}

function checkSecrets(secrets: unknown, name: string): string[] {
  const texts: unknown[] = Array.isArray(secrets) ? [...secrets] : secrets === undefined || secrets === null ? [] : [secrets];
  for (const secret of texts) {
    if (typeof secret !== "string") {
      throw wrongType(name, "a string or an array of strings", secret);
    }
    // A lone surrogate has no UTF-8, so it cannot be part of a key.
    if (/\p{Cs}/u.test(secret)) {
      throw new WebhookError("invalid_secret");
    }
  }
  return texts as string[];
}

/** Creates the backend's webhook with the numbers of its options. */
function openHandle(secrets: string[], options: readonly number[]): object {
  return throwLastError(backend.open(secrets, options)) as object;
}

/** Creates the event of the backend's last call. */
function lastEvent(body: string | Uint8Array, result: string): WebhookEvent {
  return new VerifiedEvent(typeof body === "string" ? body : result, backend.out) as unknown as WebhookEvent;
}

/** Returns the error of a request, with another hint if the request has the signature of another sender. */
function explain(error: Error, source: SignatureSource): Error {
  if ((error as WebhookError).code !== "missing_signature" || typeof source === "string") {
    return error;
  }
  const found = OTHER_SIGNATURE_HEADERS.find((name) => findHeader(source, name) !== undefined);
  return found === undefined ? error : new WebhookError("missing_signature", error.message, found + OTHER_SENDER);
}

/** Returns the result of the backend's last call, or throws the error of which it is the message. */
function throwLastError<Result>(result: Result): Result {
  const error = lastError(result);
  if (error !== undefined) {
    throw error;
  }
  return result;
}

/** Creates the error of the backend's last call, if that call failed and returned a message. */
function lastError(result: unknown): Error | undefined {
  const verdict = backend.out[VERDICT]!;
  if (verdict === 0) {
    return undefined;
  }
  const text = result as string;
  if (verdict < 0) {
    return new TypeError(text);
  }
  // The second line is a closer hint than that of the code.
  const end = text.indexOf("\n");
  const code = ERROR_CODES[verdict - 1]!;
  return end < 0 ? new WebhookError(code, text) : new WebhookError(code, text.slice(0, end), text.slice(end + 1));
}

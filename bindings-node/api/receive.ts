import { type Body, toRawBody } from "./body.js";
import { WebhookError } from "./error.js";
import { VerifiedEvent } from "./event.js";
import {
  DEFAULT_CLAIM_TTL,
  DEFAULT_DONE_TTL,
  DEFAULT_MAX_BODY_BYTES,
  ERROR_CODES,
  ERROR_STATUSES,
  type ErrorCode,
  LOGGED_CODES,
  RESPONSE_HEADERS,
  type ResponseCode,
  RESPONSES,
  STORE_LATE,
  STORE_TIMEOUT,
  type WebhookEvent,
} from "./generated.js";
import { type Handler, toEventHandler } from "./handlers.js";
import type { SignatureSource } from "./headers.js";
import type { Claim, DedupOptions, DedupStore } from "./dedup.js";
import { integerOption, pickOptions } from "./options.js";
import type { RequestLike } from "./request.js";
import { wrongType } from "./runtime-types.js";

/** The response to a delivery. A status of 2xx ends the delivery, and clarife retries after every other status. */
export interface WebhookResponse {
  readonly status: number;
  /** The outcome: an error's code, or for example `handled`. */
  readonly code: ResponseCode;
  /** The headers, with names in lower case. */
  readonly headers: Record<string, string>;
  /** JSON with the code and, for an error, its message. */
  readonly body: string;
}

/** The second argument of {@link ReceiveOptions.onError}. */
export interface ErrorContext {
  /** The code of the response. */
  readonly code: ResponseCode;
  /** The event, if the delivery was verified. */
  readonly event?: WebhookEvent;
}

/** Options of a receiver. */
export interface ReceiveOptions {
  /** A store, or a store with its times, so that no event is handled twice. */
  readonly dedup?: DedupStore | DedupOptions | undefined;
  /** The limit of the body, in bytes. 10 MiB by default. A larger body is refused before it is read completely. */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Receives refused deliveries and the errors of the handler and the store. By default, `console.error` receives the
   * errors that the server's operator must fix, but no refused delivery of a stranger.
   */
  readonly onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
}

/** A body, or a function that reads a body of at most so many bytes. */
export type BodySource = Body | ((maxBodyBytes: number) => Body | Promise<Body>);

/**
 * Receives a delivery: from the body to the response. Rejects only if an argument is wrong. The method, if given, must
 * be POST.
 */
export type RawReceiver = (body: BodySource, headers: SignatureSource, method?: string) => Promise<WebhookResponse>;

/** Receives a delivery with the Fetch API: from the request to the response. */
export type FetchReceiver = (request: RequestLike) => Promise<Response>;

/** Creates the receiver behind every adapter. */
export function createReceiver(
  verify: (body: string | Uint8Array, headers: SignatureSource) => WebhookEvent,
  handler: Handler,
  options: ReceiveOptions | undefined,
): RawReceiver {
  const handle = toEventHandler(handler);
  const set = pickOptions(options, "dedup", "maxBodyBytes", "onError");
  const maxBodyBytes = maxBodyBytesOption(set.maxBodyBytes);
  const dedup = set.dedup === undefined ? undefined : dedupOption(set.dedup);
  const onError = (set.onError ?? logServerError) as typeof logServerError;
  if (typeof onError !== "function") {
    throw wrongType("onError", "a function", onError);
  }

  function report(error: unknown, context: ErrorContext): void {
    // An error of `onError` does not change the response.
    void callAsync(() => onError(error, context)).catch(() => {});
  }

  async function handleEvent(event: WebhookEvent): Promise<WebhookResponse> {
    try {
      await handle(event);
    } catch (error) {
      report(error, { code: "handler_failed", event });
      return response("handler_failed");
    }
    return response("handled");
  }

  async function handleOnce(event: WebhookEvent, { store, claimTtl, doneTtl }: DedupTimes): Promise<WebhookResponse> {
    const { id } = event;
    const reportStore = (error: unknown): void => report(error, { code: "store_unavailable", event });
    let claim: Claim;
    try {
      claim = checkClaim(
        await withTimeout(
          () => store.claim(id, claimTtl),
          (late) => typeof late === "object" && store.release(id, late.token),
        ),
      );
    } catch (error) {
      reportStore(error);
      return response("store_unavailable");
    }
    if (typeof claim === "string") {
      return response(claim === "done" ? "duplicate" : claim);
    }
    const { token } = claim;
    // The store must remember an event for as long as its signature is accepted.
    const ttl = Math.max(doneTtl, VerifiedEvent.replayWindow(event as unknown as VerifiedEvent));
    const result = await handleEvent(event);
    // The outcome is final: an error of the store does not change the response, and the claim expires.
    await withTimeout(() => (result.code === "handled" ? store.complete(id, token, ttl) : store.release(id, token)))
      .catch(reportStore);
    return result;
  }

  return async (body, headers, method) => {
    if (method !== undefined && method !== "POST") {
      return response("method_not_allowed");
    }
    let event: WebhookEvent;
    try {
      const raw = toRawBody(typeof body === "function" ? await body(maxBodyBytes) : body, "body");
      checkSize(raw, maxBodyBytes);
      event = verify(raw, headers);
    } catch (error) {
      if (error instanceof WebhookError) {
        const { code, message } = error;
        report(error, { code });
        return {
          status: statusOf(code),
          code,
          headers: { ...RESPONSE_HEADERS },
          body: JSON.stringify({ code, error: message }),
        };
      }
      throw error;
    }
    return dedup === undefined ? handleEvent(event) : handleOnce(event, dedup);
  };
}

/** Creates the response of a code. */
function response(code: keyof typeof RESPONSES): WebhookResponse {
  const { status, headers, body } = RESPONSES[code];
  return { status, code, headers: { ...headers }, body };
}

function statusOf(code: ErrorCode): number {
  return ERROR_STATUSES[ERROR_CODES.indexOf(code)]!;
}

/** Returns the limit of the body, in bytes. */
export function maxBodyBytesOption(maxBodyBytes: unknown): number {
  return integerOption(maxBodyBytes, "maxBodyBytes", DEFAULT_MAX_BODY_BYTES, "of bytes");
}

/** Throws if a body exceeds the limit. Counts the bytes of a text only if the text could exceed it. */
export function checkSize(raw: string | Uint8Array, maxBodyBytes: number): void {
  const size = typeof raw === "string" && raw.length * 3 > maxBodyBytes
    ? new TextEncoder().encode(raw).length
    : raw.length;
  if (size > maxBodyBytes) {
    throw new WebhookError("body_too_large");
  }
}

type DedupTimes = Required<{ [Name in keyof DedupOptions]: NonNullable<DedupOptions[Name]> }>;

function dedupOption(dedup: unknown): DedupTimes {
  const set = isStore(dedup) ? { store: dedup } : pickOptions(dedup, "store", "claimTtl", "doneTtl");
  const { store, claimTtl, doneTtl } = set as { readonly [_ in keyof DedupTimes]?: unknown };
  if (!isStore(store)) {
    throw wrongType("dedup", "a store with claim, complete and release, or options with one", dedup);
  }
  return {
    store,
    claimTtl: integerOption(claimTtl, "claimTtl", DEFAULT_CLAIM_TTL, "of seconds", 1),
    doneTtl: integerOption(doneTtl, "doneTtl", DEFAULT_DONE_TTL, "of seconds", 1),
  };
}

function isStore(value: unknown): value is DedupStore {
  const { claim, complete, release } = Object(value) as Partial<DedupStore>;
  return [claim, complete, release].every((step) => typeof step === "function");
}

/** Returns a store's result, and throws if the result is not a claim. */
function checkClaim(claim: Claim): Claim {
  if (claim !== "done" && claim !== "in_progress" && typeof claim?.token !== "string") {
    throw new TypeError("claim must return in_progress, done or a token");
  }
  return claim;
}

/** Calls a function, and returns a promise even if the function throws. */
async function callAsync<Result>(call: () => Result | Promise<Result>): Promise<Result> {
  return call();
}

/** A store's answer, or an error where it takes too long; `late` is pickOptions what comes after that. */
async function withTimeout<Result>(
  call: () => Result | Promise<Result>,
  late?: (result: Result) => unknown,
): Promise<Result> {
  const result = callAsync(call);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      void result.then(late).catch(() => {});
      reject(new Error(STORE_LATE));
    }, STORE_TIMEOUT * 1000);
  });
  return Promise.race([result, end]).finally(() => clearTimeout(timer));
}

/** Logs an error that the server's operator must fix. Refused deliveries of strangers are not logged. */
function logServerError(error: unknown, { code }: ErrorContext): void {
  if (LOGGED_CODES.includes(code)) {
    if (error instanceof WebhookError && error.code === code) {
      console.error(`clarife-webhooks: ${code}: ${error.message}; ${error.hint}`);
    } else {
      console.error(`clarife-webhooks: ${code}:`, error);
    }
  }
}

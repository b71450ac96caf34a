import { rawBody, type Body } from "./body.js";
import { WebhookError } from "./error.js";
import { VerifiedEvent } from "./event.js";
import { DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL, DEFAULT_MAX_BODY_BYTES, ERROR_CODES, ERROR_STATUSES, LOGGED_CODES, RESPONSE_HEADERS, RESPONSES, STORE_LATE, STORE_TIMEOUT, type ErrorCode, type ResponseCode, type WebhookEvent } from "./generated.js";
import { handlerOf, type Handler } from "./handlers.js";
import type { SignatureSource } from "./headers.js";
import type { Claim, DedupOptions, DedupStore } from "./dedup.js";
import { given, whole } from "./options.js";
import type { RequestLike } from "./request.js";
import { wrongType } from "./runtime-types.js";

/** What to answer a delivery with: a status of 2xx ends it, and after every other clarife tries again. */
export interface WebhookResponse {
  readonly status: number;
  /** What has become of it: an error's code, or for example `handled`. */
  readonly code: ResponseCode;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
  /** JSON: the code, and what is wrong. */
  readonly body: string;
}

/** What {@link ReceiveOptions.onError} is told beside the error. */
export interface ErrorContext {
  /** The answer's code. */
  readonly code: ResponseCode;
  /** The event, if the delivery was verified. */
  readonly event?: WebhookEvent;
}

/** How deliveries are received. */
export interface ReceiveOptions {
  /** Remembers what was handled, so that no event is handled twice: a store, or one with how long it remembers. */
  readonly dedup?: DedupStore | DedupOptions | undefined;
  /** The largest body, in bytes; 10 MiB unless given. A larger one is refused before it is read whole. */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Is told of refused deliveries, and of what a handler or a store throws. Unless given, what the server itself has to mend is
   * written to `console.error`, and what strangers send is not.
   */
  readonly onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
}

/** A body, or what reads one that may have so many bytes. */
export type BodySource = Body | ((maxBodyBytes: number) => Body | Promise<Body>);

/**
 * Takes a delivery from its body to its answer. It rejects where it is called wrongly, and for nothing else. A method, where it is
 * given, has to be POST.
 */
export type RawReceiver = (body: BodySource, headers: SignatureSource, method?: string) => Promise<WebhookResponse>;

/** Takes a delivery with the Fetch API: from its request to its response. */
export type FetchReceiver = (request: RequestLike) => Promise<Response>;

/** The logic of every adapter. */
export function rawReceiver(
  verify: (body: string | Uint8Array, headers: SignatureSource) => WebhookEvent,
  handler: Handler,
  options: ReceiveOptions | undefined,
): RawReceiver {
  const handle = handlerOf(handler);
  const set = given(options, "dedup", "maxBodyBytes", "onError");
  const maxBodyBytes = maximum(set.maxBodyBytes);
  const dedup = set.dedup === undefined ? undefined : dedupOptions(set.dedup);
  const onError = (set.onError ?? log) as typeof log;
  if (typeof onError !== "function") {
    throw wrongType("onError", "a function", onError);
  }

  function report(error: unknown, context: ErrorContext): void {
    // What reporting throws changes no answer.
    void attempt(() => onError(error, context)).catch(() => {});
  }

  async function run(event: WebhookEvent): Promise<WebhookResponse> {
    try {
      await handle(event);
    } catch (error) {
      report(error, { code: "handler_failed", event });
      return response("handler_failed");
    }
    return response("handled");
  }

  async function runDeduplicated(event: WebhookEvent, { store, claimTtl, doneTtl }: DedupTimes): Promise<WebhookResponse> {
    const { id } = event;
    const told = (error: unknown): void => report(error, { code: "store_unavailable", event });
    let claim: Claim;
    try {
      claim = checkClaim(await inTime(() => store.claim(id, claimTtl), (late) => typeof late === "object" && store.release(id, late.token)));
    } catch (error) {
      told(error);
      return response("store_unavailable");
    }
    if (typeof claim === "string") {
      return response(claim === "done" ? "duplicate" : claim);
    }
    const { token } = claim;
    // An event that can still be accepted must not be forgotten.
    const ttl = Math.max(doneTtl, VerifiedEvent.replayWindow(event as unknown as VerifiedEvent));
    const result = await run(event);
    // The event is handled, or will be sent again: a store that fails now changes nothing, and the claim ends by itself.
    await inTime(() => (result.code === "handled" ? store.complete(id, token, ttl) : store.release(id, token))).catch(told);
    return result;
  }

  return async (body, headers, method) => {
    if (method !== undefined && method !== "POST") {
      return response("method_not_allowed");
    }
    let event: WebhookEvent;
    try {
      const raw = rawBody(typeof body === "function" ? await body(maxBodyBytes) : body, "body");
      checkSize(raw, maxBodyBytes);
      event = verify(raw, headers);
    } catch (error) {
      if (error instanceof WebhookError) {
        const { code, message } = error;
        report(error, { code });
        return { status: statusOf(code), code, headers: { ...RESPONSE_HEADERS }, body: JSON.stringify({ code, error: message }) };
      }
      throw error;
    }
    return dedup === undefined ? run(event) : runDeduplicated(event, dedup);
  };
}

/** The response of a code. */
function response(code: keyof typeof RESPONSES): WebhookResponse {
  const { status, headers, body } = RESPONSES[code];
  return { status, code, headers: { ...headers }, body };
}

function statusOf(code: ErrorCode): number {
  return ERROR_STATUSES[ERROR_CODES.indexOf(code)]!;
}

/** The largest body, in bytes. */
export function maximum(maxBodyBytes: unknown): number {
  return whole(maxBodyBytes, "maxBodyBytes", DEFAULT_MAX_BODY_BYTES, "of bytes");
}

/** Throws where a body is larger than it may be; a text's bytes are counted only where that decides. */
export function checkSize(raw: string | Uint8Array, maxBodyBytes: number): void {
  const size = typeof raw === "string" && raw.length * 3 > maxBodyBytes ? new TextEncoder().encode(raw).length : raw.length;
  if (size > maxBodyBytes) {
    throw new WebhookError("body_too_large");
  }
}

type DedupTimes = Required<{ [Name in keyof DedupOptions]: NonNullable<DedupOptions[Name]> }>;

function dedupOptions(dedup: unknown): DedupTimes {
  const set = isStore(dedup) ? { store: dedup } : given(dedup, "store", "claimTtl", "doneTtl");
  const { store, claimTtl, doneTtl } = set as { readonly [_ in keyof DedupTimes]?: unknown };
  if (!isStore(store)) {
    throw wrongType("dedup", "a store with claim, complete and release, or options with one", dedup);
  }
  return {
    store,
    claimTtl: whole(claimTtl, "claimTtl", DEFAULT_CLAIM_TTL, "of seconds", 1),
    doneTtl: whole(doneTtl, "doneTtl", DEFAULT_DONE_TTL, "of seconds", 1),
  };
}

function isStore(value: unknown): value is DedupStore {
  const { claim, complete, release } = Object(value) as Partial<DedupStore>;
  return [claim, complete, release].every((step) => typeof step === "function");
}

/** What a store gave, if it is what one gives: nothing is handled on a guess. */
function checkClaim(claim: Claim): Claim {
  if (claim !== "done" && claim !== "in_progress" && typeof claim?.token !== "string") {
    throw new TypeError("claim must give in_progress, done or a token");
  }
  return claim;
}

/** A call as a promise, whatever it gives or throws. */
async function attempt<Result>(call: () => Result | Promise<Result>): Promise<Result> {
  return call();
}

/** A store's answer, or an error where it takes too long; `late` is given what comes after that. */
async function inTime<Result>(call: () => Result | Promise<Result>, late?: (result: Result) => unknown): Promise<Result> {
  const result = attempt(call);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      void result.then(late).catch(() => {});
      reject(new Error(STORE_LATE));
    }, STORE_TIMEOUT * 1000);
  });
  return Promise.race([result, end]).finally(() => clearTimeout(timer));
}

/** What a server's owner has to know of: not what strangers send. */
function log(error: unknown, { code }: ErrorContext): void {
  if (LOGGED_CODES.includes(code)) {
    if (error instanceof WebhookError && error.code === code) {
      console.error(`clarife-webhooks: ${code}: ${error.message}; ${error.hint}`);
    } else {
      console.error(`clarife-webhooks: ${code}:`, error);
    }
  }
}

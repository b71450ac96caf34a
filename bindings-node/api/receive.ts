import { type Body, toRawBody } from "./body.js";
import type { DedupOptions, DedupStore } from "./dedup.js";
import { WebhookError } from "./error.js";
import { VerifiedEvent } from "./event.js";
import { FLOW, FLOW_START, type FlowOutcome, type FlowStep, type FlowTransition } from "./flow.generated.js";
import {
  DEFAULT_CLAIM_TTL,
  DEFAULT_DONE_TTL,
  DEFAULT_MAX_BODY_BYTES,
  ERROR_CODES,
  ERROR_STATUSES,
  type ErrorCode,
  REFUSAL_LOG_INTERVAL,
  REFUSALS_NOT_LOGGED,
  RESPONSE_HEADERS,
  type ResponseCode,
  RESPONSES,
  RETURNED_RESPONSE,
  SERVER_ERRORS,
  STORE_LATE,
  STORE_TIMEOUT,
  type WebhookEvent,
} from "./generated.js";
import { type EventHandler, type Handler, toEventHandler } from "./handlers.js";
import type { SignatureSource } from "./headers.js";
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
   * Receives refused deliveries and the errors of the handler and the store, and replaces the log. By default,
   * `console.error` receives the errors that the server's operator must fix, and `console.warn` the other refused
   * deliveries: the first one of each code, and then at most one a minute for each code.
   */
  readonly onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
}

type OnError = (error: unknown, context: ErrorContext) => unknown;

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
  refusals: RefusalLog,
): RawReceiver {
  const handle = toEventHandler(handler);
  const picked = pickOptions(options, "dedup", "maxBodyBytes", "onError");
  const maxBodyBytes = maxBodyBytesOption(picked.maxBodyBytes);
  const dedup = picked.dedup === undefined ? undefined : dedupOption(picked.dedup);
  const onError = (picked.onError ?? ((error, context) => logError(error, context, refusals))) as OnError;
  if (typeof onError !== "function") {
    throw wrongType("onError", "a function", onError);
  }

  /** Calls `onError`, whose own errors do not change the response. */
  function report(error: unknown, context: ErrorContext): void {
    void callAsync(() => onError(error, context)).catch(() => {});
  }

  /** Takes the steps of the flow, which the core defines, and returns its response. */
  async function receiveEvent(event: WebhookEvent): Promise<WebhookResponse> {
    const steps = createSteps(event, handle, dedup);
    let response: WebhookResponse;
    let step: FlowStep | undefined = dedup === undefined ? FLOW_START.withoutStore : FLOW_START.withStore;
    do {
      let outcome: FlowOutcome;
      let error: unknown;
      try {
        outcome = await steps[step]();
        error = outcome === "late" ? new Error(STORE_LATE) : undefined;
      } catch (thrown) {
        outcome = "failed";
        error = thrown;
      }
      const transition: FlowTransition = FLOW[step][outcome]!;
      if (transition.report !== undefined) {
        report(error, { code: transition.report, event });
      }
      if (transition.response !== undefined) {
        response = createResponse(transition.response);
      }
      step = transition.next;
    } while (step !== undefined);
    return response!;
  }

  return async (body, headers, method) => {
    if (method !== undefined && method !== "POST") {
      return createResponse("method_not_allowed");
    }
    let event: WebhookEvent;
    try {
      const raw = toRawBody(typeof body === "function" ? await body(maxBodyBytes) : body, "body");
      checkSize(raw, maxBodyBytes);
      event = verify(raw, headers);
    } catch (error) {
      if (error instanceof WebhookError) {
        report(error, { code: error.code });
        return refuse(error);
      }
      throw error;
    }
    return receiveEvent(event);
  };
}

/** Creates the steps of the flow for an event. A step returns its outcome, or throws if it fails. */
function createSteps(
  event: WebhookEvent,
  handler: EventHandler,
  dedup: DedupTimes | undefined,
): { readonly [_ in FlowStep]: () => Promise<FlowOutcome> } {
  const { store, claimTtl, doneTtl } = dedup ?? ({} as DedupTimes);
  const { id } = event;
  let token = "";
  async function handle(): Promise<FlowOutcome> {
    const status = responseStatus(await handler(event));
    if (status !== undefined && (status < 200 || status > 299)) {
      throw new Error(RETURNED_RESPONSE);
    }
    return "returned";
  }
  return {
    handle,
    handle_claimed: handle,
    async claim() {
      const claim = await callStore(
        () => store.claim(id, claimTtl),
        (late) => typeof late === "object" && store.release(id, late.token),
      );
      if (claim === LATE) {
        return "late";
      }
      if (claim === "in_progress" || claim === "done") {
        return claim;
      }
      if (typeof claim?.token !== "string") {
        throw new TypeError('claim must return { token }, "in_progress" or "done"');
      }
      token = claim.token;
      return "new";
    },
    async complete() {
      const ttl = Math.max(doneTtl, VerifiedEvent.replayWindow(event as unknown as VerifiedEvent));
      return (await callStore(() => store.complete(id, token, ttl))) === LATE ? "late" : "written";
    },
    async release() {
      return (await callStore(() => store.release(id, token))) === LATE ? "late" : "written";
    },
  };
}

/**
 * Returns the status of a value that is a response: of the Fetch API or a similar library, or of AWS Lambda. Returns
 * `undefined` for every other value.
 */
function responseStatus(value: unknown): number | undefined {
  const { status, statusCode, headers } = Object(value) as Record<"status" | "statusCode" | "headers", unknown>;
  const found = statusCode ?? (typeof headers === "object" ? status : undefined);
  return typeof found === "number" ? found : undefined;
}

/** Creates the response of a code. */
function createResponse(code: keyof typeof RESPONSES): WebhookResponse {
  const { status, headers, body } = RESPONSES[code];
  return { status, code, headers: { ...headers }, body };
}

/** Creates the response to a refused delivery. */
function refuse({ code, message }: WebhookError): WebhookResponse {
  const status = ERROR_STATUSES[ERROR_CODES.indexOf(code)]!;
  return { status, code, headers: { ...RESPONSE_HEADERS }, body: JSON.stringify({ code, error: message }) };
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

/** Returns a store with its times. */
function dedupOption(dedup: unknown): DedupTimes {
  const picked = isStore(dedup) ? { store: dedup } : pickOptions(dedup, "store", "claimTtl", "doneTtl");
  const { store, claimTtl, doneTtl } = picked as { readonly [_ in keyof DedupTimes]?: unknown };
  if (!isStore(store)) {
    throw wrongType("dedup", "a store with claim, complete and release, or options with a store", dedup);
  }
  return {
    store,
    claimTtl: integerOption(claimTtl, "claimTtl", DEFAULT_CLAIM_TTL, "of seconds", 1),
    doneTtl: integerOption(doneTtl, "doneTtl", DEFAULT_DONE_TTL, "of seconds", 1),
  };
}

function isStore(value: unknown): value is DedupStore {
  const { claim, complete, release } = Object(value) as Partial<DedupStore>;
  return [claim, complete, release].every((method) => typeof method === "function");
}

/** Calls a function, and returns a promise even if the function throws. */
async function callAsync<Result>(call: () => Result | Promise<Result>): Promise<Result> {
  return call();
}

/** The result of a store that takes too long. */
const LATE = Symbol("late");

/** Calls a store, and returns {@link LATE} if the store takes too long. `onLate` receives a result after that. */
async function callStore<Result>(
  call: () => Result | Promise<Result>,
  onLate?: (result: Result) => unknown,
): Promise<Result | typeof LATE> {
  const result = callAsync(call);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => {
      void result.then(onLate).catch(() => {});
      resolve(LATE);
    }, STORE_TIMEOUT * 1000);
  });
  return Promise.race([result, late]).finally(() => clearTimeout(timer));
}

/** The counters of the refusals of a webhook's receivers, one for each code. They limit the lines in the log. */
export class RefusalLog {
  readonly #counters = new Map<ErrorCode, { loggedAt: number; notLogged: number }>();

  /** Counts a refusal. Returns the end of its line in the log, or `undefined` if it is not logged. */
  count(code: ErrorCode): string | undefined {
    const now = performance.now();
    const counter = this.#counters.get(code);
    // A clock that a test sets back must not silence the log.
    if (counter !== undefined && Math.abs(now - counter.loggedAt) < REFUSAL_LOG_INTERVAL * 1000) {
      counter.notLogged += 1;
      return undefined;
    }
    this.#counters.set(code, { loggedAt: now, notLogged: 0 });
    return counter === undefined || counter.notLogged === 0 ? "" : `${REFUSALS_NOT_LOGGED}${counter.notLogged}`;
  }
}

/** Logs an error. `refusals` limits the lines of refused deliveries, which strangers can cause at any rate. */
function logError(error: unknown, { code }: ErrorContext, refusals: RefusalLog): void {
  if (!(error instanceof WebhookError && error.code === code)) {
    console.error(`clarife-webhooks: ${code}:`, error);
    return;
  }
  const end = refusals.count(error.code);
  if (end !== undefined) {
    const line = `clarife-webhooks: ${code}: ${error.message}; ${error.hint}${end}`;
    if (SERVER_ERRORS.includes(code)) {
      console.error(line);
    } else {
      console.warn(line);
    }
  }
}

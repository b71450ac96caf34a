import { type Body, toRawBody } from "./body.js";
import type { DedupOptions, DedupStore } from "./dedup.js";
import { WebhookError } from "./error.js";
import { VerifiedEvent } from "./event.js";
import { FLOW, FLOW_START, type FlowOutcome, type FlowStep, type FlowTransition } from "./flow.generated.js";
import {
  BODY_TIMEOUT,
  DEFAULT_CLAIM_TTL,
  DEFAULT_DONE_TTL,
  DEFAULT_MAX_BODY_BYTES,
  ERROR_CODES,
  ERROR_STATUSES,
  type ErrorCode,
  REFUSAL_LOG_INTERVAL,
  REFUSALS_NOT_LOGGED,
  RESPONSE_HEADERS,
  RESPONSE_TIMEOUT,
  type ResponseCode,
  RESPONSES,
  RETURNED_RESPONSE,
  SERVER_ERRORS,
  SLOW_HANDLER,
  STORE_LATE,
  STORE_TIMEOUT,
  type WebhookEvent,
} from "./generated.js";
import { type EventHandler, type Handler, toEventHandler } from "./handlers.js";
import type { SignatureSource } from "./headers.js";
import { integerOption, pickOptions } from "./options.js";
import type { RequestLike } from "./request.js";
import { isPromise, wrongType } from "./runtime-types.js";

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
   * Receives refused deliveries and the errors of the handler and the store, and replaces the log. By default, the log
   * is the framework's own in Fastify, and elsewhere the console: `console.error` receives the errors that the server's operator must fix, and `console.warn` the other refused
   * deliveries: the first one of each code, and then at most one a minute for each code.
   */
  readonly onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
}

type OnError = (error: unknown, context: ErrorContext) => unknown;

/** The log of a host, such as the `console`. */
export interface ReceiverLog {
  warn(line: string): unknown;
  error(line: string, error?: unknown): unknown;
}

/** A body, or a function that reads a body of at most so many bytes. */
export type BodySource = Body | ((maxBodyBytes: number) => Body | Promise<Body>);

/**
 * Receives a delivery: from the body to the response. Rejects only for a wrong argument, and never if it reads the body
 * with a function, as adapters do. The method, if given, must be POST. The log is the console by default.
 */
export type RawReceiver = (
  body: BodySource,
  headers: SignatureSource,
  method?: string,
  log?: ReceiverLog,
) => Promise<WebhookResponse>;

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
  const onError = picked.onError as OnError | undefined;
  if (onError !== undefined && typeof onError !== "function") {
    throw wrongType("onError", "a function", onError);
  }
  const withHint = isDevelopment();

  /** Calls `onError`, or else logs the error. An error of either does not change the response. */
  function report(error: unknown, context: ErrorContext, log: ReceiverLog): void {
    void callAsync(() => (onError ? onError(error, context) : logError(error, context, refusals, log))).catch(() => {});
  }

  /** Takes the steps of the flow, which the core defines, and returns its response. */
  async function receiveEvent(event: WebhookEvent, log: ReceiverLog): Promise<WebhookResponse> {
    const steps = createSteps(event, handle, dedup, (took) => refusals.warnOfSlowHandler(took, log));
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
        report(error, { code: transition.report, event }, log);
      }
      if (transition.response !== undefined) {
        response = createResponse(transition.response);
      }
      step = transition.next;
    } while (step !== undefined);
    return response!;
  }

  return async (body, headers, method, log = console) => {
    if (method !== undefined && method !== "POST") {
      return createResponse("method_not_allowed");
    }
    let event: WebhookEvent;
    try {
      const raw = toRawBody(typeof body === "function" ? await readBody(body, maxBodyBytes) : body, "body");
      checkSize(raw, maxBodyBytes);
      event = verify(raw, headers);
    } catch (error) {
      if (error instanceof WebhookError) {
        report(error, { code: error.code }, log);
        return refuse(error, withHint);
      }
      if (typeof body !== "function") {
        throw error;
      }
      report(error, { code: "receiver_failed" }, log);
      return createResponse("receiver_failed");
    }
    return receiveEvent(event, log);
  };
}

/** Reads a body, unless that takes too long. */
async function readBody(read: (maxBodyBytes: number) => Body | Promise<Body>, maxBodyBytes: number): Promise<Body> {
  const body = read(maxBodyBytes);
  const inTime = typeof body === "object" && isPromise(body) ? await orLate(Promise.resolve(body), BODY_TIMEOUT) : body;
  if (inTime === LATE) {
    throw new WebhookError("body_incomplete");
  }
  return inTime;
}

/** Creates the steps of the flow for an event. A step returns its outcome, or throws if it fails. */
function createSteps(
  event: WebhookEvent,
  handler: EventHandler,
  dedup: DedupTimes | undefined,
  onHandled: (took: number) => void,
): { readonly [_ in FlowStep]: () => Promise<FlowOutcome> } {
  const { store, claimTtl, doneTtl } = dedup ?? ({} as DedupTimes);
  const id = dedup?.subscription ? `${dedup.subscription}:${event.id}` : event.id;
  let token = "";
  async function handle(): Promise<FlowOutcome> {
    const start = performance.now();
    const status = responseStatus(await handler(event));
    onHandled((performance.now() - start) / 1000);
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
function refuse({ code, message, hint }: WebhookError, withHint: boolean): WebhookResponse {
  const status = ERROR_STATUSES[ERROR_CODES.indexOf(code)]!;
  const body = JSON.stringify({ code, error: message, ...(withHint && { hint }) });
  return { status, code, headers: { ...RESPONSE_HEADERS }, body };
}

/**
 * Tells whether the program runs in development: `NODE_ENV` is not `production`. Runtimes without environment variables
 * count as production, and Deno too, which asks its user before it reads a variable.
 */
function isDevelopment(): boolean {
  const { Deno, process } = globalThis as { Deno?: unknown; process?: { env?: Record<string, string | undefined> } };
  const env = Deno === undefined ? process?.env : undefined;
  return env !== undefined && env["NODE_ENV"] !== "production";
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

type DedupTimes =
  & Required<{ [Name in Exclude<keyof DedupOptions, "subscription">]: NonNullable<DedupOptions[Name]> }>
  & Pick<DedupOptions, "subscription">;

/** Returns a store with its times. */
function dedupOption(dedup: unknown): DedupTimes {
  const picked = isStore(dedup) ? { store: dedup } : pickOptions(dedup, "store", "claimTtl", "doneTtl", "subscription");
  const { store, claimTtl, doneTtl, subscription } = picked as { readonly [_ in keyof DedupTimes]?: unknown };
  if (!isStore(store)) {
    throw wrongType("dedup", "a store with claim, complete and release, or options with a store", dedup);
  }
  // Without a colon, the id of an event cannot reach into another subscription.
  if (subscription !== undefined && !(typeof subscription === "string" && /^[^:]+$/.test(subscription))) {
    throw wrongType("subscription", "a text without a colon, such as the subscription's id", subscription);
  }
  return {
    store,
    subscription,
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

/** The result of a step that takes too long. */
const LATE = Symbol("late");

/** Calls a store, and returns {@link LATE} if the store takes too long. `onLate` receives a result after that. */
async function callStore<Result>(
  call: () => Result | Promise<Result>,
  onLate?: (result: Result) => unknown,
): Promise<Result | typeof LATE> {
  const result = callAsync(call);
  const inTime = await orLate(result, STORE_TIMEOUT);
  if (inTime === LATE) {
    void result.then(onLate).catch(() => {});
  }
  return inTime;
}

/** Returns the result of a promise, or {@link LATE} after so many seconds. */
async function orLate<Result>(result: Promise<Result>, seconds: number): Promise<Result | typeof LATE> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), seconds * 1000);
  });
  return Promise.race([result, late]).finally(() => clearTimeout(timer));
}

/** The counters of the refusals of a webhook's receivers, one for each code. They limit the lines in the log. */
export class RefusalLog {
  readonly #counters = new Map<ErrorCode, { loggedAt: number; notLogged: number }>();
  #warned = false;

  /** Logs a warning after the first handler that took longer than clarife waits. */
  warnOfSlowHandler(took: number, log: ReceiverLog): void {
    if (took > RESPONSE_TIMEOUT && !this.#warned) {
      this.#warned = true;
      void callAsync(() => log.warn(`clarife-webhooks: ${SLOW_HANDLER}`)).catch(() => {});
    }
  }

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
function logError(error: unknown, { code }: ErrorContext, refusals: RefusalLog, log: ReceiverLog): void {
  if (!(error instanceof WebhookError && error.code === code)) {
    log.error(`clarife-webhooks: ${code}:`, error);
    return;
  }
  const end = refusals.count(error.code);
  if (end !== undefined) {
    const line = `clarife-webhooks: ${code}: ${error.message}; ${error.hint}${end}`;
    if (SERVER_ERRORS.includes(code)) {
      log.error(line);
    } else {
      log.warn(line);
    }
  }
}

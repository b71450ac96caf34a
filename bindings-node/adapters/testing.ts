import { type EventFor, type KnownEvent, type KnownEventType, parseTrusted, Webhook } from "../api/index.js";
import { SAMPLES } from "./samples.generated.js";

/** An event with the documented members, as clarife would send it. */
export interface SampleEvent<Type extends KnownEventType = KnownEventType> {
  id: string;
  type: Type;
  created_at: string;
  data: DataOf<Type>;
}

type DataOf<Type extends KnownEventType> = Extract<KnownEvent, { readonly type: Type }>["data"];

/** Members that replace those of a sample. */
export interface SampleOverrides<Type extends KnownEventType> {
  readonly id?: string;
  readonly created_at?: string | Date;
  /** Members of `data`, added to the sample's. */
  readonly data?: Partial<DataOf<Type>>;
}

/**
 * Creates an event of a type with a realistic resource, as in clarife's test events. Each call creates a new `id`, and
 * `created_at` is the current time.
 *
 * @example
 * const event = sampleEvent("document.updated", { data: { title: "Getting started" } });
 */
export function sampleEvent<Type extends KnownEventType>(
  type: Type,
  overrides: SampleOverrides<Type> = {},
): SampleEvent<Type> {
  if (!Object.hasOwn(SAMPLES, type)) {
    throw new TypeError(`type must be a known type of event, not ${String(type)}`);
  }
  const { id = `evt_${crypto.randomUUID()}`, created_at = new Date() } = overrides;
  return {
    id,
    type,
    created_at: typeof created_at === "string" ? created_at : created_at.toISOString(),
    // A copy without structuredClone, which jsdom in Jest lacks.
    data: { ...JSON.parse(JSON.stringify(SAMPLES[type].data)), ...overrides.data } as DataOf<Type>,
  };
}

/**
 * Creates the event of a sample, as a handler receives it.
 *
 * @example
 * await handle(testEvent("document.updated", { data: { title: "Getting started" } }));
 */
export function testEvent<Type extends KnownEventType>(
  type: Type,
  overrides?: SampleOverrides<Type>,
): EventFor<Type> {
  return parseTrusted(JSON.stringify(sampleEvent(type, overrides))) as EventFor<Type>;
}

/** Options of {@link signedRequest}. */
export interface SignedRequestOptions {
  /** The secret of the webhook under test, or several during a rotation. */
  readonly secret: string | readonly string[];
  /** The address of the request. */
  readonly url?: string;
  /** The time of signing, in Unix seconds. The current time by default. */
  readonly now?: number | Date;
  /** Adds the headers of Standard Webhooks. */
  readonly standardWebhooks?: boolean;
}

/** A signed delivery, as the parts of a request. */
export interface SignedRequest {
  readonly url: string;
  readonly method: "POST";
  readonly headers: Record<string, string>;
  readonly body: string;
  /** Creates a new request of the Fetch API. */
  toRequest(): Request;
}

/**
 * Creates the delivery of an event, signed as clarife does.
 *
 * @example
 * const delivery = signedRequest(sampleEvent("share.created"), { secret: "whsec_c2VjcmV0" });
 * const response = await handle(delivery.toRequest());
 * await request(app).post("/webhooks/clarife").set(delivery.headers).send(delivery.body); // supertest
 */
export function signedRequest(
  event: SampleEvent | { readonly id: string },
  options: SignedRequestOptions,
): SignedRequest {
  const {
    secret,
    url = "https://example.com/webhooks/clarife",
    now: timestamp = new Date(),
    standardWebhooks = false,
  } = options;
  const webhook = new Webhook(secret);
  const body = JSON.stringify(event);
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-clarife-signature": webhook.sign(body, { timestamp }),
    ...(standardWebhooks && webhook.signStandard(body, { id: event.id, timestamp })),
  };
  return { url, method: "POST", headers, body, toRequest: () => new Request(url, { method: "POST", headers, body }) };
}

/**
 * A clock that moves only when a test moves it.
 *
 * @example
 * const clock = new Clock();
 * const webhook = new Webhook(secret, { clock: clock.now });
 * const dedup = new MemoryStore({ clock: clock.now });
 * clock.advance(301);
 */
export class Clock {
  #seconds: number;

  /** @param start Unix seconds or a date; the current time by default */
  constructor(start: number | Date = Date.now() / 1000) {
    this.#seconds = toSeconds(start);
  }

  /** Returns the time in Unix seconds. The function is bound to the clock. */
  readonly now = (): number => this.#seconds;

  /** Moves the clock, backwards too. */
  advance(seconds: number): void {
    this.#seconds += toSeconds(seconds);
  }

  /** Sets the time. */
  set(time: number | Date): void {
    this.#seconds = toSeconds(time);
  }

  /** Returns the time as a date. */
  date(): Date {
    return new Date(this.#seconds * 1000);
  }
}

function toSeconds(time: number | Date): number {
  const seconds = typeof time === "number" ? time : time.getTime() / 1000;
  if (!Number.isFinite(seconds)) {
    throw new TypeError("a time must be a number of seconds or a valid Date");
  }
  return seconds;
}

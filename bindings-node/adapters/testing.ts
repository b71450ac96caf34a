import { Webhook, type KnownEvent, type KnownEventType } from "../api/index.js";
import { SAMPLES } from "./samples.generated.js";

/** An event as clarife would send it, before it is written as JSON. */
export interface SampleEvent<Type extends KnownEventType = KnownEventType> {
  id: string;
  type: Type;
  created_at: string;
  data: DataOf<Type>;
}

type DataOf<Type extends KnownEventType> = Extract<KnownEvent, { readonly type: Type }>["data"];

/** What a sample shall have instead. */
export interface SampleOverrides<Type extends KnownEventType> {
  readonly id?: string;
  readonly created_at?: string | Date;
  /** Members of `data`, added to the sample's. */
  readonly data?: Partial<DataOf<Type>>;
}

/**
 * An event of a type, with a realistic resource: what clarife's test event sends. Each call gives a new `id`, and `created_at` is now.
 *
 * @example
 * const event = sampleEvent("document.updated", { data: { title: "Getting started" } });
 */
export function sampleEvent<Type extends KnownEventType>(type: Type, overrides: SampleOverrides<Type> = {}): SampleEvent<Type> {
  if (!Object.hasOwn(SAMPLES, type)) {
    throw new TypeError(`type must be a known type of event, not ${String(type)}`);
  }
  const { id = `evt_${crypto.randomUUID()}`, created_at = new Date() } = overrides;
  return {
    id,
    type,
    created_at: typeof created_at === "string" ? created_at : created_at.toISOString(),
    data: { ...structuredClone(SAMPLES[type].data), ...overrides.data } as DataOf<Type>,
  };
}

/** Options of {@link signedRequest}. */
export interface SignedRequestOptions {
  /** The secret of the webhook under test, or several while one is rotated. */
  readonly secret: string | readonly string[];
  /** Where the request goes. */
  readonly url?: string;
  /** The time of signing, in Unix seconds; the clock's unless given. */
  readonly now?: number | Date;
  /** Whether the headers of Standard Webhooks are there too. */
  readonly standardWebhooks?: boolean;
}

/** A delivery, to be given to whatever the code under test takes. */
export interface SignedRequest {
  readonly url: string;
  readonly method: "POST";
  readonly headers: Record<string, string>;
  readonly body: string;
  /** The delivery as a request of the Fetch API; a new one at each call. */
  toRequest(): Request;
}

/**
 * The delivery of an event, signed as clarife does.
 *
 * @example
 * const delivery = signedRequest(sampleEvent("share.created"), { secret: "whsec_c2VjcmV0" });
 * const response = await handle(delivery.toRequest());
 * await request(app).post("/webhooks/clarife").set(delivery.headers).send(delivery.body); // supertest
 */
export function signedRequest(event: SampleEvent | { readonly id: string }, options: SignedRequestOptions): SignedRequest {
  const { secret, url = "https://example.com/webhooks/clarife", now: timestamp = new Date(), standardWebhooks = false } = options;
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
 * A clock that stands still until it is moved.
 *
 * @example
 * const clock = new Clock();
 * const webhook = new Webhook(secret, { clock: clock.now });
 * const dedup = new MemoryStore({ clock: clock.now });
 * clock.advance(301);
 */
export class Clock {
  #seconds: number;

  /** @param start Unix seconds or a date; the present unless given */
  constructor(start: number | Date = Date.now() / 1000) {
    this.#seconds = secondsOf(start);
  }

  /** The time in Unix seconds; bound, so that it can be handed on as a function. */
  readonly now = (): number => this.#seconds;

  /** Moves it, back too. */
  advance(seconds: number): void {
    this.#seconds += secondsOf(seconds);
  }

  /** Sets it. */
  set(time: number | Date): void {
    this.#seconds = secondsOf(time);
  }

  /** The time as a date. */
  date(): Date {
    return new Date(this.#seconds * 1000);
  }
}

function secondsOf(time: number | Date): number {
  const seconds = typeof time === "number" ? time : time.getTime() / 1000;
  if (!Number.isFinite(seconds)) {
    throw new TypeError("a time must be a number of seconds or a valid Date");
  }
  return seconds;
}

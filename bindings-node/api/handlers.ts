import {
  EVENT_TYPES,
  type EventOf,
  type KnownEvent,
  type KnownEventType,
  type UnknownEventType,
  type WebhookEvent,
} from "./generated.js";
import { setClassName, wrongType } from "./runtime-types.js";

/**
 * Handles an event, and may be async. Throw an error to have clarife send the event again. The receiver ignores the
 * result. Do not return a response: its type is refused, and a status other than 2xx is an error.
 */
export type EventHandler<Event = WebhookEvent> = (event: Event) => HandlerResult;

/** The result of a handler: anything but a response, which the receiver itself creates. */
export type HandlerResult = NoResponse | PromiseLike<NoResponse>;

type NoResponse =
  | void
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | symbol
  | (object & { readonly headers?: never; readonly statusCode?: never; readonly then?: never });

/** A handler of events: a function, or {@link Handlers}. */
export type Handler = EventHandler | { handle(event: WebhookEvent): HandlerResult };

/** All types of events about one kind of resource, for example `document.*`. */
export type EventGroup = KnownEventType extends infer Type
  ? (Type extends `${infer Group}.${string}` ? `${Group}.*` : never)
  : never;

/** The patterns of {@link Handlers.on}. */
export type EventPattern = KnownEventType | EventGroup;

/**
 * The events that match a pattern. A group may match a type that this version does not know, about the same kind of
 * resource.
 */
export type EventFor<Pattern extends EventPattern> = Pattern extends `${infer Group}.*`
  ? GroupEvent<Extract<KnownEvent, { readonly type: `${Group}.${string}` }>>
  : Extract<KnownEvent, { readonly type: Pattern }>;

type GroupEvent<Event extends KnownEvent> = Event | EventOf<UnknownEventType, Event["data"]>;

/** The first dot and everything after it. */
const REST = /\.[^]*/;

/**
 * Handlers by type of event. Exactly one runs: the handler of the event's type, else of its group, else the default. An
 * event without a handler counts as handled.
 *
 * @example
 * const handlers = new Handlers()
 *   .on("document.updated", (event) => index(event.data.title))
 *   .on("share.*", (event) => audit(event.type, event.data.url))
 *   .otherwise((event) => console.log("not handled:", event.type));
 */
export class Handlers {
  static {
    setClassName(this, "Handlers");
  }

  readonly #handlers = new Map<string, EventHandler<never>>();

  /** Sets the handler of a type, such as `document.updated`, or of a group, such as `document.*`. */
  on<Pattern extends EventPattern>(pattern: Pattern, handler: EventHandler<EventFor<Pattern>>): this {
    if (!EVENT_TYPES.some((type) => type === pattern || type.replace(REST, ".*") === pattern)) {
      throw new TypeError('pattern must be a known type of event, or a group such as "document.*"');
    }
    return this.#set(pattern, handler);
  }

  /** Sets the default handler, for all events without another handler, of unknown types too. */
  otherwise(handler: EventHandler): this {
    return this.#set("", handler);
  }

  /**
   * The types with a handler of their own or of their group, to set a subscription up. The default handler's types are
   * not among them.
   */
  get types(): KnownEventType[] {
    return EVENT_TYPES.filter((type) => this.#handlers.has(type) || this.#handlers.has(type.replace(REST, ".*")));
  }

  /** Calls the handler of an event and returns its result. */
  handle(event: WebhookEvent): HandlerResult {
    const handlers = this.#handlers;
    const handler = handlers.get(event.type) ?? handlers.get(event.type.replace(REST, ".*")) ?? handlers.get("");
    return (handler as EventHandler | undefined)?.(event);
  }

  #set(pattern: string, handler: EventHandler<never>): this {
    if (typeof handler !== "function") {
      throw wrongType("handler", "a function", handler);
    }
    if (this.#handlers.has(pattern)) {
      throw new TypeError(`${pattern || "otherwise"} must have only one handler`);
    }
    this.#handlers.set(pattern, handler);
    return this;
  }
}

/** Returns a handler as a function. */
export function toEventHandler(handler: Handler): EventHandler {
  if (typeof handler === "function") {
    return handler;
  }
  if (typeof handler?.handle === "function") {
    return (event) => handler.handle(event);
  }
  throw wrongType("handler", "a function or Handlers", handler);
}

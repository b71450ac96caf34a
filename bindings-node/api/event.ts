import {
  CREATED_AT_END,
  CREATED_AT_START,
  DATA_END,
  DATA_START,
  ID_END,
  ID_START,
  REPLAY_WINDOW,
  TYPE,
  TYPE_END,
  TYPE_START,
} from "./abi.generated.js";
import { EVENT_TYPES } from "./generated.js";

/**
 * A verified event. `id`, `type`, `created_at` and `data` are own enumerable properties in the documented order, so
 * that spread, `JSON.stringify`, `structuredClone` and test matchers see the documented JSON. The first access parses
 * `data`.
 */
export class VerifiedEvent {
  declare readonly id: string;
  declare readonly type: string;
  declare readonly created_at: string;
  declare readonly data: object;
  readonly #raw: string;
  readonly #start: number;
  readonly #end: number;
  readonly #replayWindow: number;
  #data: object | undefined;

  /** Creates the event from the body's text and the positions that a backend found in it. */
  constructor(raw: string, out: Float64Array) {
    const type = out[TYPE]!;
    this.id = jsonString(raw, out[ID_START]!, out[ID_END]!);
    this.type = type < 0 ? jsonString(raw, out[TYPE_START]!, out[TYPE_END]!) : EVENT_TYPES[type]!;
    this.created_at = jsonString(raw, out[CREATED_AT_START]!, out[CREATED_AT_END]!);
    Object.defineProperty(this, "data", DATA);
    this.#raw = raw;
    this.#start = out[DATA_START]!;
    this.#end = out[DATA_END]!;
    this.#replayWindow = out[REPLAY_WINDOW]!;
    Object.freeze(this);
  }

  /** The body as it was signed. */
  get raw(): string {
    return this.#raw;
  }

  /** Returns the seconds after the verification in which the event can be accepted again, or 0. */
  static replayWindow(event: VerifiedEvent): number {
    return event.#replayWindow;
  }

  /** Returns an event's `data`, which the first call parses. */
  static readData(event: VerifiedEvent): object {
    return (event.#data ??= JSON.parse(event.#raw.slice(event.#start, event.#end)) as object);
  }

  /** Returns what `console.log` prints in Node, Deno and Bun: the data in place of `[Getter]`. */
  [Symbol.for("nodejs.util.inspect.custom")](): object {
    return { ...this };
  }
}

/** The property `data`, one descriptor for all events. */
const DATA: PropertyDescriptor & ThisType<VerifiedEvent> = {
  enumerable: true,
  get() {
    return VerifiedEvent.readData(this);
  },
};

/**
 * Reads a JSON string of the body. A slice would be faster, but would keep the whole body in memory as long as the id.
 */
function jsonString(raw: string, start: number, end: number): string {
  return JSON.parse(raw.slice(start, end)) as string;
}

import { CREATED_AT_END, CREATED_AT_START, DATA_END, DATA_START, ID_END, ID_START, REPLAY_WINDOW, TYPE, TYPE_END, TYPE_START } from "./abi.generated.js";
import { EVENT_TYPES } from "./generated.js";

/**
 * A verified event. `id`, `type`, `created_at` and `data` are its own and enumerable, so that spread, `JSON.stringify`,
 * `structuredClone` and test matchers see a plain object; `data` is parsed when it is first read.
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

  /** The body's text, and the places that an engine found in it. */
  constructor(raw: string, out: Float64Array) {
    const type = out[TYPE]!;
    this.id = token(raw, out[ID_START]!, out[ID_END]!);
    this.type = type < 0 ? token(raw, out[TYPE_START]!, out[TYPE_END]!) : EVENT_TYPES[type]!;
    this.created_at = token(raw, out[CREATED_AT_START]!, out[CREATED_AT_END]!);
    defineGetter.call(this, "data", readData);
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

  /** Returns for how many seconds after its verification the event can be accepted once more; 0 without a maximum event age. */
  static replayWindow(event: VerifiedEvent): number {
    return event.#replayWindow;
  }

  static parse(event: VerifiedEvent): object {
    return (event.#data ??= JSON.parse(event.#raw.slice(event.#start, event.#end)) as object);
  }

  /** What `console.log` shows in Node, Deno and Bun: the data, where it would otherwise say `[Getter]`. */
  [Symbol.for("nodejs.util.inspect.custom")](): object {
    return { ...this };
  }
}

/** `Object.defineProperty` takes twice the time, and that was a twentieth of verifying a small body. */
const { __defineGetter__: defineGetter } = Object.prototype as unknown as {
  __defineGetter__(this: object, name: string, getter: (this: VerifiedEvent) => object): void;
};

function readData(this: VerifiedEvent): object {
  return VerifiedEvent.parse(this);
}

/** A JSON string of the body. A slice would be quicker, and keep the whole body in memory for as long as the id is. */
function token(raw: string, start: number, end: number): string {
  return JSON.parse(raw.slice(start, end)) as string;
}

import { CREATED_AT, DATA, ID_TOKEN, TYPE, TYPE_TOKEN } from "./engine.js";
import { EVENT_TYPES } from "./generated.js";

/**
 * A verified event. `id`, `type`, `createdAt` and `data` are its own and enumerable, so that spread, `JSON.stringify`,
 * `structuredClone` and test matchers see a plain object; `data` is parsed when it is first read.
 */
export class VerifiedEvent {
  declare readonly id: string;
  declare readonly type: string;
  declare readonly createdAt: Date;
  declare readonly data: object;
  readonly #raw: string;
  readonly #start: number;
  readonly #end: number;
  #data: object | undefined;

  /** The body's text, and the places that an engine found in it. */
  constructor(raw: string, out: Float64Array) {
    const known = EVENT_TYPES[out[TYPE]!];
    this.id = token(raw, out, ID_TOKEN);
    this.type = known ?? token(raw, out, TYPE_TOKEN);
    this.createdAt = new Date(out[CREATED_AT]!);
    Object.defineProperty(this, "data", PARSED_ON_READING);
    this.#raw = raw;
    this.#start = out[DATA]!;
    this.#end = out[DATA + 1]!;
    Object.freeze(this);
  }

  /** The body as it was signed. */
  get raw(): string {
    return this.#raw;
  }

  static parse(event: VerifiedEvent): object {
    return (event.#data ??= JSON.parse(event.#raw.slice(event.#start, event.#end)) as object);
  }

  /** What `console.log` shows in Node, Deno and Bun: the data, where it would otherwise say `[Getter]`. */
  [Symbol.for("nodejs.util.inspect.custom")](): object {
    return { ...this };
  }
}

const PARSED_ON_READING: PropertyDescriptor = {
  enumerable: true,
  get(this: VerifiedEvent) {
    return VerifiedEvent.parse(this);
  },
};

/** A JSON string of the body. A slice would be quicker, and keep the whole body in memory for as long as the id is. */
function token(raw: string, out: Float64Array, place: number): string {
  return JSON.parse(raw.slice(out[place], out[place + 1])) as string;
}

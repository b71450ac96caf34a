import { LARGEST_LIKELY_TOLERANCE } from "./generated.js";
import { describeType, typeTag, wrongType } from "./runtime-types.js";

/** Returns the caller's options, without those that a polluted `Object.prototype` has. Throws for an unknown option. */
export function pickOptions<Name extends string>(options: unknown, ...names: Name[]): Picked<Name> {
  if (options === undefined || options === null) {
    return NONE as Picked<Name>;
  }
  if (typeof options === "string") {
    throw new TypeError("options must be an object, not string: a secret belongs to new Webhook(secret)");
  }
  if (typeof options !== "object" || typeTag(options) !== "Object") {
    throw wrongType("options", "an object", options);
  }
  const own = { __proto__: null, ...options };
  const unknown = Object.keys(own).filter((name) => !names.includes(name as Name));
  if (unknown.length > 0) {
    throw new TypeError(`options must contain only ${names.join(" and ")}, not ${unknown.join(", ")}`);
  }
  return own as Picked<Name>;
}

type Picked<Name extends string> = { readonly [_ in Name]?: unknown };

const NONE: object = { __proto__: null };

/** Returns Unix seconds, with their fraction. */
export function toSeconds(value: unknown, name: string): number {
  const time = describeType(value) === "Date" ? Number(value) / 1000 : value;
  if (typeof time !== "number" || !Number.isFinite(time)) {
    throw new TypeError(`${name} must be Unix seconds or a valid Date`);
  }
  return time;
}

/** Returns a switch, which is off by default. */
export function booleanOption(value: unknown, name: string): boolean {
  if (value !== undefined && typeof value !== "boolean") {
    throw wrongType(name, "true or false", value);
  }
  return value === true;
}

/** Returns an integer, or the default. */
export function integerOption(
  value: unknown,
  name: string,
  defaultValue = NaN,
  unit = "of seconds",
  minimum = 0,
): number {
  if (value === undefined) {
    return defaultValue;
  }
  if (!Number.isInteger(value) || (value as number) < minimum) {
    throw new TypeError(`${name} must be a whole number ${unit}, ${minimum} or more`);
  }
  return value as number;
}

/** Returns a number of seconds, or NaN if there is none. Throws for a number that looks like milliseconds. */
export function toleranceOption(value: unknown, name: string): number {
  const seconds = integerOption(value, name);
  if (seconds > LARGEST_LIKELY_TOLERANCE && seconds % 1000 === 0) {
    throw new TypeError(`${name} must be a whole number of seconds: ${seconds} looks like milliseconds`);
  }
  return seconds;
}

/** A function that returns the time, in Unix seconds or as a `Date`. */
export type Clock = () => number | Date;

/** Returns a function that returns a clock's time in Unix seconds; the system's clock by default. */
export function toClock(clock: unknown): () => number {
  if (clock === undefined) {
    return () => Date.now() / 1000;
  }
  if (typeof clock !== "function") {
    throw wrongType("clock", "a function", clock);
  }
  return () => toSeconds(clock(), "the clock's result");
}

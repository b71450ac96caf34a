import { kind, tag, wrongType } from "./runtime-types.js";

/** The options that the caller has set, and not those that somebody has put on every object there is. */
export function given<Name extends string>(options: unknown, ...names: Name[]): Given<Name> {
  if (options === undefined || options === null) {
    return NONE as Given<Name>;
  }
  if (typeof options !== "object" || tag(options) !== "Object") {
    throw wrongType("options", "an object", options);
  }
  const own = { __proto__: null, ...options };
  const others = Object.keys(own).filter((name) => !names.includes(name as Name));
  if (others.length > 0) {
    throw new TypeError(`options must hold ${names.join(" and ")} only, not ${others.join(", ")}`);
  }
  return own as Given<Name>;
}

type Given<Name extends string> = { readonly [_ in Name]?: unknown };

const NONE: object = { __proto__: null };

/** Unix seconds, fractions and all. */
export function seconds(value: unknown, name: string): number {
  const time = kind(value) === "Date" ? Number(value) / 1000 : value;
  if (typeof time !== "number" || !Number.isFinite(time)) {
    throw new TypeError(`${name} must be Unix seconds or a valid Date`);
  }
  return time;
}

/** A switch; off where none is given. */
export function flag(value: unknown, name: string): boolean {
  if (value !== undefined && typeof value !== "boolean") {
    throw wrongType(name, "true or false", value);
  }
  return value === true;
}

/** A whole number; what is usual where none is given. */
export function whole(value: unknown, name: string, usual = NaN, what = "of seconds", least = 0): number {
  if (value === undefined) {
    return usual;
  }
  if (!Number.isInteger(value) || (value as number) < least) {
    throw new TypeError(`${name} must be a whole number ${what}, ${least} or more`);
  }
  return value as number;
}

/** What tells the time: a function of the caller's, or the system's clock. */
export type Clock = () => number | Date;

/** A clock's time in Unix seconds. */
export function clockOf(clock: unknown): () => number {
  if (clock === undefined) {
    return () => Date.now() / 1000;
  }
  if (typeof clock !== "function") {
    throw wrongType("clock", "a function", clock);
  }
  return () => seconds(clock(), "what clock gives");
}

/** What a wrong argument gets. */
export function wrongType(name: string, wanted: string, given: unknown): TypeError {
  return new TypeError(`${name} must be ${wanted}, not ${kind(given)}`);
}

/** What a value is, for messages: its type, or an object's tag. */
export function kind(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? tag(value) : typeof value;
}

/** `Object` for plain objects and instances of most classes; what is built in has a name of its own. */
export function tag(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** A member, its own or inherited, but not one that somebody has put on every object there is. */
export function member(object: object, name: string): unknown {
  const value = (object as Members)[name];
  return value === (Object.prototype as Members)[name] ? undefined : value;
}

type Members = { readonly [name: string]: unknown };

/** Whether a value is one to wait for. */
export function isPromise(object: object): boolean {
  return typeof member(object, "then") === "function";
}

/** Sets a class's name, which `console.log` shows: what the bundler makes of it is shorter. */
export function named(type: object, name: string): void {
  Object.defineProperty(type, "name", { value: name, configurable: true });
}

// Checks of arguments at run time: callers may be JavaScript.

/** Creates the error for an argument of a wrong type. */
export function wrongType(name: string, wanted: string, given: unknown): TypeError {
  return new TypeError(`${name} must be ${wanted}, not ${describeType(given)}`);
}

/** Returns a value's type for messages: its `typeof`, or an object's tag. */
export function describeType(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? typeTag(value) : typeof value;
}

/** Returns `Object` for plain objects and instances of most classes, and the name of a built-in type. */
export function typeTag(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Reads an own or inherited member, but not one that a polluted `Object.prototype` has. */
export function readMember(object: object, name: string): unknown {
  const value = (object as Members)[name];
  return value === (Object.prototype as Members)[name] ? undefined : value;
}

type Members = { readonly [name: string]: unknown };

/** Tells whether a value is a promise or another thenable. */
export function isPromise(object: object): boolean {
  return typeof readMember(object, "then") === "function";
}

/** Sets a class's name, which `console.log` prints, so that a bundler that shortens names does not change it. */
export function setClassName(type: object, name: string): void {
  Object.defineProperty(type, "name", { value: name, configurable: true });
}

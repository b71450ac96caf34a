import { backend } from "./backend.js";
import { ERROR_CODES, ERROR_REFERENCE, type ErrorCode } from "./generated.js";
import { setClassName } from "./runtime-types.js";

/** A refused delivery, or an unusable secret. The error contains no part of the secret or the body. */
export class WebhookError extends Error {
  static {
    setClassName(this, "WebhookError");
    setClassName(this.prototype, "WebhookError");
    Object.defineProperty(this.prototype, Symbol.for("nodejs.util.inspect.custom"), { value: inspectWithLink });
  }

  /** The reason, for programs. The codes are the same in every language. */
  declare readonly code: ErrorCode;
  /** The way to fix the problem. */
  declare readonly hint: string;

  /**
   * The message and the hint default to those of the code. The stack has the innermost calls only: strangers can cause
   * refusals, and a walk over all calls of a server takes several times as long as the verification.
   */
  constructor(code: ErrorCode, message?: string, hint?: string) {
    const limit = Error.stackTraceLimit;
    const isCut = limit > MAX_CALLS && Reflect.set(Error, "stackTraceLimit", MAX_CALLS);
    try {
      super(message ?? describe(code)[0]);
    } finally {
      if (isCut) {
        Error.stackTraceLimit = limit;
      }
    }
    this.code = code;
    this.hint = hint ?? describe(code)[1]!;
  }

  /** Returns the name, the message, the hint, and a link to the error's section in the reference. */
  override toString(): string {
    return `${this.name}: ${this.message}; ${this.hint}; see ${ERROR_REFERENCE}${this.code}`;
  }
}

/**
 * Adds the link to the text of an error that Node.js, Bun and Deno log. The hint is in the text already, as a member.
 * Both in the stack would make a refusal 8 % slower: V8 writes the first line of a stack from the message.
 */
function inspectWithLink(
  this: WebhookError,
  _depth: number,
  options: object,
  inspect: (value: unknown, options: object) => string,
): string {
  const text = inspect(this, { ...options, customInspect: false });
  return text.replace(this.message, (message) => `${message}; see ${ERROR_REFERENCE}${this.code}`);
}

/** The number of calls in a stack: those of this package, and four of the caller's. */
const MAX_CALLS = 6;
const descriptions: string[][] = [];

/** Returns a code's message and hint. */
function describe(code: ErrorCode): string[] {
  const number = ERROR_CODES.indexOf(code) + 1;
  return (descriptions[number] ??= backend.describe(number).split("\n"));
}

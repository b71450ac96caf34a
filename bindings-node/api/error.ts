import { backend } from "./backend.js";
import { ERROR_CODES, type ErrorCode } from "./generated.js";
import { named } from "./runtime-types.js";

/** A delivery that was refused, or a secret that cannot be used. Nothing in it comes from the secret or the body. */
export class WebhookError extends Error {
  static {
    named(this, "WebhookError");
    named(this.prototype, "WebhookError");
  }

  /** What is wrong, for programs: the same codes in every language. */
  declare readonly code: ErrorCode;
  /** What to do about it. */
  declare readonly hint: string;

  /**
   * The message and the hint are the code's own where none are given. The stack has the innermost calls only: strangers can
   * cause refusals, and a walk over all of a server's calls takes several times as long as verifying.
   */
  constructor(code: ErrorCode, message?: string, hint?: string) {
    const limit = Error.stackTraceLimit;
    const isCut = limit > CALLS && Reflect.set(Error, "stackTraceLimit", CALLS);
    try {
      super(message ?? described(code)[0]);
    } finally {
      if (isCut) {
        Error.stackTraceLimit = limit;
      }
    }
    this.code = code;
    this.hint = hint ?? described(code)[1]!;
  }
}

/** How many calls a stack shows: ours, and four of the caller's. */
const CALLS = 6;
const descriptions: string[][] = [];

/** A code's message and its hint. */
function described(code: ErrorCode): string[] {
  const place = ERROR_CODES.indexOf(code) + 1;
  return (descriptions[place] ??= backend.describe(place).split("\n"));
}

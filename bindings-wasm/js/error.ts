import { HINTS, type ErrorCode } from "./generated.js";

/** A delivery that was refused, or a secret that cannot be used. Nothing in it comes from the secret or the body. */
export class WebhookError extends Error {
  /** What is wrong, for programs: the same codes in every language. */
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly hint: string;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
    this.hint = HINTS[code];
  }
}
Object.defineProperty(WebhookError.prototype, "name", { value: "WebhookError", configurable: true, writable: true });

// Generated from the core by `cargo xtask codegen`: do not edit.

import type { Clock } from "./options.js";

/** Options of a {@link Webhook}. Times are in seconds. */
export interface WebhookOptions {
  /** The largest difference between a delivery's timestamp and the clock, either way. 300 by default. */
  readonly tolerance?: number | undefined;
  /** The largest age of an event by its signed `created_at`. Off by default. 900 leaves room for every retry. */
  readonly maxEventAge?: number | undefined;
  /** Verifies deliveries with the headers of Standard Webhooks, which authenticate the time too, in place of clarife's own header. The secret must be `whsec_` and base64. */
  readonly standardWebhooks?: boolean | undefined;
  /** A function that returns the time in Unix seconds. The system's clock by default. */
  readonly clock?: Clock | undefined;
}

/** The options that the core knows, in the order of their numbers in `Backend.open`. */
export const WEBHOOK_OPTIONS = [
  { name: "tolerance", kind: "seconds" },
  { name: "maxEventAge", kind: "seconds" },
  { name: "standardWebhooks", kind: "switch" },
] as const;

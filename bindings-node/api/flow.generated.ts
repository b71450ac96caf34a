// Generated from the core by `cargo xtask codegen`: do not edit.

import type { RESPONSES } from "./generated.js";

/** A step of receiving a verified delivery; `handle_claimed` is the handler with a claim on the event. */
export type FlowStep = "claim" | "handle_claimed" | "complete" | "release" | "handle";

/** The outcome of a step. */
export type FlowOutcome = "new" | "in_progress" | "done" | "returned" | "abandoned" | "written" | "failed" | "late";

/** The consequences of an outcome. */
export interface FlowTransition {
  /** The code under which the step's error is reported. */
  readonly report?: "handler_failed" | "store_unavailable";
  /** The response, which no later step changes. */
  readonly response?: keyof typeof RESPONSES;
  /** The next step; without one the flow ends. */
  readonly next?: FlowStep;
}

/** The first step with a store, and without one. */
export const FLOW_START = { withStore: "claim", withoutStore: "handle" } as const;

/** The consequences of every outcome that a step can have (`core/src/receiving/flow.rs`). */
export const FLOW: { readonly [_ in FlowStep]: { readonly [_ in FlowOutcome]?: FlowTransition } } = {
  claim: {
    new: { next: "handle_claimed" },
    in_progress: { response: "in_progress" },
    done: { response: "duplicate" },
    failed: { report: "store_unavailable", response: "store_unavailable" },
    late: { report: "store_unavailable", response: "store_unavailable" },
  },
  handle_claimed: {
    returned: { response: "handled", next: "complete" },
    abandoned: { next: "release" },
    failed: { report: "handler_failed", response: "handler_failed", next: "release" },
  },
  complete: {
    written: {},
    failed: { report: "store_unavailable" },
    late: { report: "store_unavailable" },
  },
  release: {
    written: {},
    failed: { report: "store_unavailable" },
    late: { report: "store_unavailable" },
  },
  handle: {
    returned: { response: "handled" },
    abandoned: {},
    failed: { report: "handler_failed", response: "handler_failed" },
  },
};

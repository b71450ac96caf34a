//! The steps of a verified delivery, and what follows on their outcomes: a state machine without I/O.
//!
//! ```text
//! with a store:     claim ──new──▶ handle ──returned───────────▶ complete ──▶ 200 handled
//!                     │              ├──────failed─────────────▶ release ───▶ 500 handler_failed
//!                     │              └──────abandoned──────────▶ release ───▶ no response
//!                     ├─in progress────────────────────────────────────────▶ 409 in_progress
//!                     ├─done───────────────────────────────────────────────▶ 200 duplicate
//!                     └─failed, late───────────────────────────────────────▶ 503 store_unavailable
//! without a store:  handle ──────────────────────────────────▶ 200 handled, 500 handler_failed, no response
//! ```
//!
//! A driver begins with [`Step::start`]. [`Step::after`] decides what follows on the outcome of each step, and is the whole policy: the
//! driver reports the step's error if the [`Transition`] says so, keeps its response, and takes its next step, until there is none.
//!
//! The rules of a driver:
//!
//! - A step of the store that raises an error has [`Failed`](Outcome::Failed). One that takes longer than
//!   [`STORE_TIMEOUT`](super::limits::STORE_TIMEOUT) is [`Late`](Outcome::Late). If the late call cannot be stopped and returns a claim
//!   later, the driver releases that claim.
//! - A store that returns no valid claim has [`Failed`](Outcome::Failed): no handler runs on a guess.
//! - A handler that is still running is not [`Abandoned`](Outcome::Abandoned), even if the client has hung up: the driver waits for its
//!   outcome, out of reach of the cancellation. A process that is ending takes no further step.
//! - A handler that responds with a status other than 2xx has [`Failed`](Outcome::Failed). If its own response goes out, there is no
//!   error to report. If the receiver writes the response, the error is [`RETURNED_RESPONSE`].
//! - An exception of the callback for errors changes nothing.
//! - An unexpected error before the flow has the response [`ReceiverFailed`](WebhookResponse::ReceiverFailed) where the driver has no caller
//!   that could catch the error.
#![cfg_attr(
    not(feature = "model"),
    allow(dead_code, unreachable_pub, reason = "code generation, which has this feature, reads the names and lists")
)]

use core::time::Duration;

use super::response::WebhookResponse;

/// A step that a driver takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Claims the event's id in the store, for the claim's time to live.
    Claim,
    /// Calls the handler; the receiver holds the claim on the event.
    HandleClaimed,
    /// Marks the event as done in the store, for the time of [`done_ttl`].
    Complete,
    /// Releases the claim in the store.
    Release,
    /// Calls the handler; there is no store.
    Handle,
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The claim is the receiver's.
    New,
    /// Another delivery of the event is being handled.
    InProgress,
    /// The event was handled before.
    Done,
    /// The handler returned, and did not fail.
    Returned,
    /// The handler was cancelled or panicked: it ended without an outcome of its own.
    Abandoned,
    /// The store has written the mark or released the claim.
    Written,
    /// The handler or the store failed.
    Failed,
    /// The store has not responded in time.
    Late,
}

/// An error that a driver reports to the user's `on_error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The error of the handler.
    Handler,
    /// The error of the store.
    Store,
}

/// The consequences of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The error to report: the one of the step that has just ended.
    pub report: Option<Report>,
    /// The response to the delivery, which no later step changes.
    pub response: Option<WebhookResponse>,
    /// The next step; without one the flow ends.
    pub next: Option<Step>,
}

impl Step {
    /// Every step, in the order in which they are taken.
    pub const ALL: [Self; 5] = [Self::Claim, Self::HandleClaimed, Self::Complete, Self::Release, Self::Handle];

    /// Returns the first step after a delivery was verified.
    #[must_use]
    pub const fn start(has_store: bool) -> Self {
        if has_store { Self::Claim } else { Self::Handle }
    }

    /// Returns what follows on an outcome of this step, or `None` if the step cannot have that outcome.
    #[must_use]
    pub fn after(self, outcome: Outcome) -> Option<Transition> {
        Some(match (self, outcome) {
            (Self::Claim, Outcome::New) => END.then(Self::HandleClaimed),
            (Self::Claim, Outcome::InProgress) => END.respond(WebhookResponse::InProgress),
            (Self::Claim, Outcome::Done) => END.respond(WebhookResponse::Duplicate),
            // Nothing is known of the event: better late than twice.
            (Self::Claim, Outcome::Failed | Outcome::Late) => {
                END.report(Report::Store).respond(WebhookResponse::StoreUnavailable)
            }
            (Self::HandleClaimed, Outcome::Returned) => END.respond(WebhookResponse::Handled).then(Self::Complete),
            (Self::HandleClaimed, Outcome::Failed) => {
                END.report(Report::Handler).respond(WebhookResponse::HandlerFailed).then(Self::Release)
            }
            (Self::HandleClaimed, Outcome::Abandoned) => END.then(Self::Release),
            (Self::Complete | Self::Release, Outcome::Written) => END,
            // The event was handled, or will be sent again: the response stays, and the claim expires by itself.
            (Self::Complete | Self::Release, Outcome::Failed | Outcome::Late) => END.report(Report::Store),
            (Self::Handle, Outcome::Returned) => END.respond(WebhookResponse::Handled),
            (Self::Handle, Outcome::Failed) => END.report(Report::Handler).respond(WebhookResponse::HandlerFailed),
            (Self::Handle, Outcome::Abandoned) => END,
            _ => return None,
        })
    }

    /// Returns the step's name in other languages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::HandleClaimed => "handle_claimed",
            Self::Complete => "complete",
            Self::Release => "release",
            Self::Handle => "handle",
        }
    }
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::InProgress,
        Self::Done,
        Self::Returned,
        Self::Abandoned,
        Self::Written,
        Self::Failed,
        Self::Late,
    ];

    /// Returns the outcome's name in other languages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Returned => "returned",
            Self::Abandoned => "abandoned",
            Self::Written => "written",
            Self::Failed => "failed",
            Self::Late => "late",
        }
    }
}

impl Report {
    /// Returns the code under which the error is reported.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Handler => WebhookResponse::HandlerFailed.code(),
            Self::Store => WebhookResponse::StoreUnavailable.code(),
        }
    }
}

const END: Transition = Transition { report: None, response: None, next: None };

impl Transition {
    fn report(self, report: Report) -> Self {
        Self { report: Some(report), ..self }
    }

    fn respond(self, response: WebhookResponse) -> Self {
        Self { response: Some(response), ..self }
    }

    fn then(self, step: Step) -> Self {
        Self { next: Some(step), ..self }
    }
}

/// The error of a handler that returned a response with a status other than 2xx, where the receiver writes the response itself.
///
/// Such a handler has [`Failed`](Outcome::Failed): it wants clarife to retry, although it raised no error.
pub const RETURNED_RESPONSE: &str = "the handler returned an error response, which clarife does not receive; \
                                     end the handler with an error, so that clarife retries";

/// The time that clarife waits for a response. See [protocol, section
/// 6.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-1).
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The warning after a handler that took longer than [`RESPONSE_TIMEOUT`]. A receiver logs it once.
pub const SLOW_HANDLER: &str = "the handler took longer than the 10 s that clarife waits, so clarife sends the event again; \
                                return earlier, and do long work in a queue";

/// Returns the time to live of a done mark: the time that the user has set, or the rest of the event's
/// [replay window](crate::Event::replay_window) where that is longer.
#[must_use]
pub fn done_ttl(set: Duration, replay_window: u64) -> Duration {
    set.max(Duration::from_secs(replay_window))
}

/// Returns whether an error with a response of this status is the server's own, and not the fault of a delivery.
///
/// The adapters log such an error as an error and other refusals as warnings if the user has set no `on_error`.
/// [`refusals`](super::refusals) limits the lines.
#[must_use]
pub const fn is_server_error(status: u16) -> bool {
    status >= 500
}

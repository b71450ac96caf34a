//! The driver of the [flow](crate::receiving::flow): takes its steps with a store, a handler and a timer.

use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use std::any::Any;
use std::boxed::Box;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::string::String;
use std::sync::atomic::Ordering;

use super::error::{BoxError, ReceiveError};
use super::log::log_warning;
use super::receiver::Receiver;
use super::store::{Boxed, Store};
use crate::dedup::{ClaimResult, STORE_TIMEOUT, StoreLate};
use crate::receiving::flow::{Outcome, RESPONSE_TIMEOUT, Report, SLOW_HANDLER, Step, done_ttl};
use crate::{Event, WebhookResponse};

/// The timer of [`Receiver::with_timer`].
pub(super) type Timer = dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// The result of a handler: its value, and where it failed, its error if there is one to report.
pub(super) type Handled<R> = Result<R, (R, Option<BoxError>)>;

impl Receiver {
    /// Takes a verified event through the flow; returns the response, and the handler's value if the handler was called. A panic of
    /// the handler continues at the end of the flow.
    pub(super) async fn run<R>(
        &self,
        event: &Event<'static>,
        handler: impl Future<Output = Handled<R>>,
    ) -> (WebhookResponse, Option<R>) {
        let mut handler = pin!(handler);
        let (mut token, mut response, mut result) = (String::new(), None, None);
        let id = self.store_id(event);
        let mut step = Step::start(self.store.is_some());
        loop {
            let (outcome, error) = match step {
                Step::Claim => match self.ask(|store| store.claim(&id, self.claim_ttl)).await {
                    Ok(ClaimResult::New(claimed)) => {
                        token = claimed;
                        (Outcome::New, None)
                    }
                    Ok(ClaimResult::InProgress) => (Outcome::InProgress, None),
                    Ok(ClaimResult::Done) => (Outcome::Done, None),
                    Err((outcome, error)) => (outcome, Some(error)),
                },
                Step::Handle | Step::HandleClaimed => match self.timed(catch_panic(handler.as_mut())).await {
                    Ok(Ok(value)) => {
                        result = Some(Ok(value));
                        (Outcome::Returned, None)
                    }
                    Ok(Err((value, error))) => {
                        result = Some(Ok(value));
                        (Outcome::Failed, error)
                    }
                    Err(panic) => {
                        result = Some(Err(panic));
                        (Outcome::Abandoned, None)
                    }
                },
                Step::Complete => {
                    let ttl = done_ttl(self.done_ttl, event.replay_window());
                    written(self.ask(|store| store.complete(&id, &token, ttl)).await)
                }
                Step::Release => written(self.ask(|store| store.release(&id, &token)).await),
            };
            let Some(transition) = step.after(outcome) else { break };
            if let (Some(report), Some(error)) = (transition.report, &error) {
                self.report(&match report {
                    Report::Handler => ReceiveError::Handler { event, error },
                    Report::Store => ReceiveError::Store { event, error },
                });
            }
            response = transition.response.or(response);
            match transition.next {
                Some(next) => step = next,
                None => break,
            }
        }
        let value = result.map(|result| result.unwrap_or_else(|panic| resume_unwind(panic)));
        // The flow ends without a response only after a panic.
        (response.unwrap_or(WebhookResponse::HandlerFailed), value)
    }

    /// Takes a step of the store, within [`STORE_TIMEOUT`] if there is a timer.
    async fn ask<'s, 'a, T>(
        &'s self,
        call: impl FnOnce(&'s dyn Store) -> Boxed<'a, T>,
    ) -> Result<T, (Outcome, BoxError)> {
        let Some(store) = &self.store else { return Err((Outcome::Failed, "there is no store".into())) };
        match self.within(STORE_TIMEOUT, call(&**store)).await {
            Some(result) => result.map_err(|error| (Outcome::Failed, error)),
            None => Err((Outcome::Late, StoreLate.into())),
        }
    }

    /// Waits for a handler. Logs a warning after the first one that takes longer than clarife waits.
    async fn timed<T>(&self, handler: impl Future<Output = T>) -> T {
        let start = self.now();
        let output = handler.await;
        let took = self.now().as_millis().saturating_sub(start.as_millis());
        if i128::from(took) > RESPONSE_TIMEOUT.as_millis().cast_signed()
            && !self.warned_of_slow_handler.swap(true, Ordering::Relaxed)
        {
            log_warning(SLOW_HANDLER);
        }
        output
    }

    /// Waits for a future, and if there is a timer, no longer than `time`. Returns `None` if the future is late.
    pub(super) async fn within<T>(&self, time: Duration, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut timer = self.timer.as_ref().map(|timer| timer(time));
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            match timer.as_mut().map(|timer| timer.as_mut().poll(context)) {
                Some(Poll::Ready(())) => Poll::Ready(None),
                _ => Poll::Pending,
            }
        })
        .await
    }
}

/// Returns the outcome of a step that writes to the store.
fn written(result: Result<(), (Outcome, BoxError)>) -> (Outcome, Option<BoxError>) {
    match result {
        Ok(()) => (Outcome::Written, None),
        Err((outcome, error)) => (outcome, Some(error)),
    }
}

/// Returns a future's output, or the payload of its panic.
async fn catch_panic<R>(mut future: Pin<&mut impl Future<Output = R>>) -> Result<R, Box<dyn Any + Send>> {
    // After a panic the future is not polled again.
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

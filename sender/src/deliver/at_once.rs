//! Futures that may be ready without waiting.

use std::future::poll_fn;
use std::pin::pin;

/// Waits for a future. Returns its output, and whether it was ready at the first poll, before anything was waited for.
pub(super) async fn ready_at_once<F: Future>(future: F) -> (F::Output, bool) {
    let mut future = pin!(future);
    let mut at_once = true;
    let output = poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        at_once &= polled.is_ready();
        polled
    });
    (output.await, at_once)
}

#[cfg(test)]
mod tests {
    use super::ready_at_once;

    #[tokio::test]
    async fn a_future_that_waits_is_not_ready_at_once() {
        assert_eq!(ready_at_once(async { 1 }).await, (1, true));
        assert_eq!(ready_at_once(tokio::task::yield_now()).await, ((), false));
    }
}

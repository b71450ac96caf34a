//! [`Receiver`]: the options of receiving, and the entry of every framework.

use core::fmt;
use core::time::Duration;
use std::boxed::Box;
use std::format;
use std::future::Future;
use std::string::String;
use std::sync::{Arc, Mutex, PoisonError};

use super::driver::Timer;
use super::error::{BoxError, ReceiveError};
use super::store::{DedupStore, Store};
use crate::dedup::{DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL};
use crate::receiving::refusals::{REFUSALS_NOT_LOGGED, RefusalCounters};
use crate::{DEFAULT_MAX_BODY_BYTES, Event, SignatureSource, UnixTime, Webhook, WebhookError, WebhookResponse};

/// A receiver of deliveries: a [`Webhook`] with the options of receiving.
///
/// Create one receiver and clone it. Clones are cheap and share everything.
///
/// ```
/// use clarife_webhooks::adapters::{MemoryStore, Receiver};
/// use clarife_webhooks::{Event, Webhook};
///
/// async fn handle(event: Event<'static>) -> Result<(), std::io::Error> {
///     println!("{} {}", event.event_type(), event.id());
///     Ok(())
/// }
///
/// # async fn example() -> Result<(), clarife_webhooks::WebhookError> {
/// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_max_event_age(900);
/// let receiver = Receiver::new(webhook).dedup(MemoryStore::default());
/// // For a framework without an adapter: the raw body and its signature, or (feature `http`) the headers.
/// let response = receiver.receive(b"{}", Some("t=1,v1=00"), handle).await;
/// println!("{} {:?} {}", response.status(), response.headers(), response.body());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Receiver {
    webhook: Arc<Webhook>,
    max_body_bytes: usize,
    pub(super) store: Option<Arc<dyn Store>>,
    pub(super) claim_ttl: Duration,
    pub(super) done_ttl: Duration,
    pub(super) timer: Option<Arc<Timer>>,
    clock: Arc<dyn Fn() -> UnixTime + Send + Sync>,
    on_error: Option<Arc<OnError>>,
    refusals: Arc<Mutex<RefusalCounters>>,
}

/// The callback of [`Receiver::on_error`].
type OnError = dyn Fn(&ReceiveError<'_>) + Send + Sync;

impl Receiver {
    /// Creates a receiver that verifies by the system clock, reads bodies of at most [`DEFAULT_MAX_BODY_BYTES`], and passes every
    /// delivery to the handler.
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, adapters::Receiver};
    /// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?).with_max_body_bytes(1024 * 1024);
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn new(webhook: Webhook) -> Self {
        Self {
            webhook: Arc::new(webhook),
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            store: None,
            claim_ttl: DEFAULT_CLAIM_TTL,
            done_ttl: DEFAULT_DONE_TTL,
            timer: None,
            clock: Arc::new(UnixTime::now),
            on_error: None,
            refusals: Arc::default(),
        }
    }

    /// Sets the store for deduplication: every event is handled once in all processes that share the store.
    ///
    /// A process that crashes while it handles an event leaves its claim behind. The claim expires ([`DEFAULT_CLAIM_TTL`]) before clarife's
    /// last retry, which is then handled.
    ///
    /// clarife waits 10 s for a response, and most servers drop the handler when the client hangs up. Its claim then expires too. For longer
    /// work, spawn a task or put the event into a queue.
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// # use clarife_webhooks::adapters::{MemoryStore, Receiver};
    /// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?).dedup(MemoryStore::default());
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn dedup(mut self, store: impl DedupStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets the time to live of a claim, [`DEFAULT_CLAIM_TTL`] unless set: longer than the handler takes, and less than the 60 s before
    /// clarife's last retry.
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, adapters::{MemoryStore, Receiver}};
    /// # use std::time::Duration;
    /// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?)
    ///     .dedup(MemoryStore::default())
    ///     .with_claim_ttl(Duration::from_secs(30))
    ///     .with_done_ttl(Duration::from_secs(7 * 86_400));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub const fn with_claim_ttl(mut self, ttl: Duration) -> Self {
        self.claim_ttl = ttl;
        self
    }

    /// Sets the time to live of a done mark, [`DEFAULT_DONE_TTL`] unless set.
    ///
    /// A done mark lives longer than this if the event can be accepted for longer: see [`Event::replay_window`].
    #[must_use]
    pub const fn with_done_ttl(mut self, ttl: Duration) -> Self {
        self.done_ttl = ttl;
        self
    }

    /// Sets the timer that limits each step of the store to [`STORE_TIMEOUT`](crate::dedup::STORE_TIMEOUT): a function that
    /// returns a future which is ready after a time, such as `tokio::time::sleep`.
    ///
    /// Without a timer, the time-outs of the store's own client apply, if it has any. A step that is late is dropped. If that was a claim,
    /// the claim may be in the store until it expires.
    ///
    /// ```
    /// # mod tokio { pub mod time { pub async fn sleep(_: std::time::Duration) {} } }
    /// # use clarife_webhooks::{Webhook, adapters::{MemoryStore, Receiver}};
    /// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?)
    ///     .dedup(MemoryStore::default())
    ///     .with_timer(tokio::time::sleep);
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn with_timer<F>(mut self, sleep: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.timer = Some(Arc::new(move |time| Box::pin(sleep(time))));
        self
    }

    /// Sets the largest body that is read, in bytes, [`DEFAULT_MAX_BODY_BYTES`] unless set. A larger body gets the status 413 before
    /// it is read to its end.
    #[must_use]
    pub const fn with_max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Sets the clock for verifying, for tests.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook, adapters::Receiver};
    /// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?)
    ///     .with_clock(|| UnixTime::from_secs(1_774_699_200));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the callback for errors. It receives every error, and replaces the log.
    ///
    /// Unless set, the receiver and its clones print on standard error. They print each error of the handler and the store. Of the
    /// refusals they print the first one of each code with its hint, and then at most one a minute for each code, with the number
    /// of those that were not printed.
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, adapters::Receiver};
    /// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?).on_error(|error| eprintln!("webhook: {error}"));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn on_error(mut self, callback: impl Fn(&ReceiveError<'_>) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(callback));
        self
    }

    /// Receives a delivery: verifies it, claims the event, calls the handler, and returns the response.
    ///
    /// An error of the handler, of any type, is reported to [`on_error`](Self::on_error). If the handler panics, its claim is released and
    /// the panic continues.
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, WebhookError, adapters::Receiver};
    /// # async fn example(receiver: Receiver, body: &[u8], signature: Option<&str>) {
    /// let response = receiver
    ///     .receive(body, signature, |event| async move {
    ///         println!("{} {}", event.event_type(), event.id());
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .await;
    /// println!("{} {}", response.status(), response.body());
    /// # }
    /// ```
    pub async fn receive<'h, H, F, E>(
        &self,
        body: &[u8],
        signature: impl SignatureSource<'h>,
        handler: H,
    ) -> WebhookResponse
    where
        H: FnOnce(Event<'static>) -> F,
        F: Future<Output = Result<(), E>>,
        E: Into<BoxError>,
    {
        let event = match self.verify(body, signature) {
            Ok(event) => event,
            Err(response) => return response,
        };
        let given = event.clone();
        let handler = async move { handler(given).await.map_err(|error| ((), Some(error.into()))) };
        self.run(&event, handler).await.0
    }

    /// Verifies a body as [`receive`](Self::receive) does, and returns the event or the response to the delivery.
    ///
    /// # Errors
    ///
    /// [`WebhookResponse::Refused`].
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, adapters::Receiver};
    /// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?);
    /// assert_eq!(receiver.verify(b"{}", None::<&str>).unwrap_err().code(), "missing_signature");
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    pub fn verify<'h>(
        &self,
        body: &[u8],
        signature: impl SignatureSource<'h>,
    ) -> Result<Event<'static>, WebhookResponse> {
        let verified = if body.len() > self.max_body_bytes {
            Err(crate::ErrorCode::BodyTooLarge.into())
        } else {
            self.webhook.verify_at(body, signature, (self.clock)()).map(Event::into_owned)
        };
        verified.map_err(|error| self.refuse(error))
    }

    /// Reports a refusal and returns its response.
    pub(super) fn refuse(&self, error: WebhookError) -> WebhookResponse {
        self.report(&ReceiveError::Refused(&error));
        WebhookResponse::Refused(error)
    }

    /// Passes an error to the callback, or prints its line.
    pub(super) fn report(&self, error: &ReceiveError<'_>) {
        if let Some(on_error) = &self.on_error {
            on_error(error);
        } else if let Some(line) = self.line(error) {
            std::eprintln!("{line}");
        }
    }

    /// Returns the line of an error for the log, if the error is to be logged.
    fn line(&self, error: &ReceiveError<'_>) -> Option<String> {
        let not_logged = match error {
            ReceiveError::Refused(refusal) => {
                let now = (self.clock)();
                self.refusals.lock().unwrap_or_else(PoisonError::into_inner).count(refusal.code(), now)?
            }
            ReceiveError::Handler { .. } | ReceiveError::Store { .. } => 0,
        };
        Some(match not_logged {
            0 => format!("clarife-webhooks: {error}"),
            count => format!("clarife-webhooks: {error}{REFUSALS_NOT_LOGGED}{count}"),
        })
    }

    #[cfg(feature = "framework")]
    pub(super) const fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("webhook", &self.webhook)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("dedup", &self.store.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::ErrorCode;

    #[test]
    fn refusals_are_logged_once_a_minute_with_their_number() {
        static NOW: AtomicI64 = AtomicI64::new(1_774_699_200);
        let webhook = Webhook::new("whsec_c2VjcmV0").expect("a secret");
        let receiver = Receiver::new(webhook).with_clock(|| UnixTime::from_secs(NOW.load(Ordering::Relaxed)));
        let line = |code: ErrorCode| receiver.clone().line(&ReceiveError::Refused(&code.into()));
        let first = format!(
            "clarife-webhooks: missing_signature: the signature header is missing; {}",
            ErrorCode::MissingSignature.hint()
        );
        assert_eq!(line(ErrorCode::MissingSignature), Some(first.clone()));
        assert_eq!(line(ErrorCode::MissingSignature), None);
        assert!(line(ErrorCode::BodyNotRaw).expect("a line").starts_with("clarife-webhooks: body_not_raw: "));
        assert_eq!(line(ErrorCode::BodyNotRaw), None);
        NOW.fetch_add(60, Ordering::Relaxed);
        let counted = format!("{first}; not logged since the last such line: 1");
        assert_eq!(line(ErrorCode::MissingSignature), Some(counted));

        let event = Event::parse_trusted(br#"{"id":"evt_1","type":"a","created_at":"2026-03-28T12:00:00Z","data":{}}"#);
        let (event, error) = (event.expect("an event"), BoxError::from("no"));
        for _ in 0..2 {
            let line = receiver.line(&ReceiveError::Handler { event: &event, error: &error });
            assert_eq!(line, Some("clarife-webhooks: the handler of \"evt_1\" failed: no".to_string()));
        }
    }
}

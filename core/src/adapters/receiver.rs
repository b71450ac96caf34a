//! How a delivery is answered, whatever the framework.

use core::fmt;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::any::Any;
use std::boxed::Box;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::store::{DedupStore, Store};
use crate::dedup::{ClaimResult, DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL};
use crate::{DEFAULT_MAX_BODY_BYTES, Event, SignatureSource, UnixTime, Webhook, WebhookError, WebhookResponse};

/// An error of a handler or a store, of any type.
///
/// ```
/// # use clarife_webhooks::{Event, adapters::BoxError};
/// async fn handle(event: Event<'static>) -> Result<(), BoxError> {
///     let resource = event.resource()?; // an error of any type
///     println!("{resource:?}");
///     Ok(())
/// }
/// ```
pub type BoxError = Box<dyn Error + Send + Sync>;

/// How deliveries are received: a [`Webhook`], and what is set here. Make it once; clones are cheap and share everything.
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
/// // Where a framework has no adapter: the raw body and its signature, or (feature `http`) the headers.
/// let response = receiver.receive(b"{}", Some("t=1,v1=00"), handle).await;
/// println!("{} {:?} {}", response.status(), response.headers(), response.body());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Receiver {
    webhook: Arc<Webhook>,
    max_body_bytes: usize,
    store: Option<Arc<dyn Store>>,
    claim_ttl: Duration,
    done_ttl: Duration,
    clock: Arc<dyn Fn() -> UnixTime + Send + Sync>,
    on_error: Arc<dyn Fn(&ReceiveError<'_>) + Send + Sync>,
}

/// What went wrong with a delivery, as [`Receiver::on_error`] is told. Its `Display` form is one line, without the body or a secret
/// but for what a handler's or a store's own error says.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiveError<'a> {
    /// The delivery was refused.
    Refused(&'a WebhookError),
    /// The handler failed; the event will be sent again.
    Handler {
        /// The event.
        event: &'a Event<'a>,
        /// What the handler said.
        error: &'a BoxError,
    },
    /// The store failed: before the handler, the event will be sent again; after it, its claim stays until it ends by itself.
    Store {
        /// The event.
        event: &'a Event<'a>,
        /// What the store said.
        error: &'a BoxError,
    },
}

impl fmt::Display for ReceiveError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "{}: {error}; {}", error.code(), error.hint()),
            Self::Handler { event, error } => write!(f, "the handler of {:?} failed: {error}", event.id()),
            Self::Store { event, error } => write!(f, "the store failed for {:?}: {error}", event.id()),
        }
    }
}

impl Receiver {
    /// Receives deliveries of a webhook: bodies of [`DEFAULT_MAX_BODY_BYTES`] at most, by the system clock, every delivery to the
    /// handler.
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
            clock: Arc::new(UnixTime::now),
            on_error: Arc::new(print),
        }
    }

    /// Handles every event once, as far as `store` reaches: one process, or all that share a server.
    ///
    /// A process that dies while it handles an event leaves its claim behind; when that has ended ([`DEFAULT_CLAIM_TTL`]), the event is
    /// handled as it is sent again. The same goes for a handler that takes longer than the 10 s for which clarife waits: servers
    /// drop it with the connection. Spawn a task, or put the event into a queue, where the work is long.
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

    /// Sets how long a claim lasts, [`DEFAULT_CLAIM_TTL`] unless set: longer than a handler takes, and shorter than until clarife's
    /// last attempt.
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

    /// Sets how long it is known that an event was handled, [`DEFAULT_DONE_TTL`] unless set; the webhook's maximum event age where
    /// that is longer.
    #[must_use]
    pub const fn with_done_ttl(mut self, ttl: Duration) -> Self {
        self.done_ttl = ttl;
        self
    }

    /// Sets the largest body that is read, in bytes, [`DEFAULT_MAX_BODY_BYTES`] unless set; a larger one is answered with 413 before it
    /// is read to its end.
    #[must_use]
    pub const fn with_max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Sets the clock to verify by, for tests.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook, adapters::Receiver};
    /// let receiver =
    ///     Receiver::new(Webhook::new("whsec_c2VjcmV0")?).with_clock(|| UnixTime::from_secs(1_774_699_200));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets what is told of failures. Unless set, those that are the server's own (a handler, a store, a body that somebody else
    /// took) are printed on standard error, and refused deliveries, which anybody can send, are not.
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, adapters::Receiver};
    /// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?).on_error(|error| eprintln!("webhook: {error}"));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn on_error(mut self, told: impl Fn(&ReceiveError<'_>) + Send + Sync + 'static) -> Self {
        self.on_error = Arc::new(told);
        self
    }

    /// Receives a delivery: verifies it, sees to it that the event is handled once, calls the handler, and gives the answer.
    ///
    /// The handler's error, of whatever type, is told to [`on_error`](Self::on_error). Should it panic, its claim is released before the
    /// panic goes on.
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
        match self.handle_deduplicated(&event, async move { handler(given).await }, Result::is_ok).await {
            Ok(Ok(())) => WebhookResponse::Handled,
            Ok(Err(error)) => {
                (self.on_error)(&ReceiveError::Handler { event: &event, error: &error.into() });
                WebhookResponse::HandlerFailed
            }
            Err(response) => response,
        }
    }

    /// Verifies a body as [`receive`](Self::receive) does, for adapters: the event, or the answer of the delivery.
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

    /// The answer of a delivery that is refused.
    pub(super) fn refuse(&self, error: WebhookError) -> WebhookResponse {
        (self.on_error)(&ReceiveError::Refused(&error));
        WebhookResponse::Refused(error)
    }

    #[cfg(any(feature = "axum", feature = "tower", feature = "actix-web"))]
    pub(super) const fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// Does the work unless the event is being handled or was, and keeps whether it succeeded.
    pub(super) async fn handle_deduplicated<R>(
        &self,
        event: &Event<'static>,
        work: impl Future<Output = R>,
        succeeded: impl FnOnce(&R) -> bool,
    ) -> Result<R, WebhookResponse> {
        let Some(store) = &self.store else { return Ok(work.await) };
        let failed = |error: BoxError| (self.on_error)(&ReceiveError::Store { event, error: &error });
        let token = match store.claim(event.id(), self.claim_ttl).await {
            Ok(ClaimResult::New(token)) => token,
            Ok(ClaimResult::InProgress) => return Err(WebhookResponse::InProgress),
            Ok(ClaimResult::Done) => return Err(WebhookResponse::Duplicate),
            Err(error) => {
                failed(error);
                return Err(WebhookResponse::StoreUnavailable);
            }
        };
        let result = caught(work).await;
        let kept = if result.as_ref().is_ok_and(succeeded) {
            let age = Duration::from_secs(self.webhook.max_event_age().unwrap_or_default());
            store.complete(event.id(), &token, self.done_ttl.max(age)).await
        } else {
            store.release(event.id(), &token).await
        };
        // The event was handled or will be sent again, whatever the store says; the claim ends by itself.
        kept.unwrap_or_else(failed);
        result.map_err(|panic| resume_unwind(panic))
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

/// What a future gives, or what it panicked with.
async fn caught<R>(work: impl Future<Output = R>) -> Result<R, Box<dyn Any + Send>> {
    let mut work = pin!(work);
    // After a panic the future is not polled again.
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn print(error: &ReceiveError<'_>) {
    if !matches!(error, ReceiveError::Refused(refused) if refused.code().status() < 500) {
        std::eprintln!("clarife-webhooks: {error}");
    }
}

//! [`Receiver`]: the options of receiving, and the entry of every framework.

use core::fmt;
use core::time::Duration;
use std::boxed::Box;
use std::format;
use std::future::Future;
use std::string::String;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::driver::Timer;
use super::error::{BoxError, ReceiveError};
use super::store::{DedupStore, Store};
use crate::dedup::{DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL};
use crate::receiving::refusals::RefusalCounters;
use crate::{
    DEFAULT_MAX_BODY_BYTES, Event, SignatureSource, SystemClock, UnixTime, Webhook, WebhookError, WebhookResponse,
};

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
    subscription: Option<Arc<str>>,
    pub(super) timer: Option<Arc<Timer>>,
    clock: Arc<dyn Fn() -> UnixTime + Send + Sync>,
    with_hints: bool,
    pub(super) on_error: Option<Arc<OnError>>,
    pub(super) refusals: Arc<Mutex<RefusalCounters>>,
    pub(super) warned_of_slow_handler: Arc<AtomicBool>,
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
    pub fn new(webhook: Webhook) -> Self
    where
        for<'c> UnixTime: SystemClock<'c>,
    {
        Self::new_with_clock(webhook, UnixTime::now)
    }

    /// Creates a receiver that verifies by the caller's clock: for targets without a system clock. Otherwise as
    /// [`new`](Self::new).
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook, adapters::Receiver};
    /// # fn host_milliseconds() -> i64 { 0 }
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?;
    /// let receiver = Receiver::new_with_clock(webhook, || UnixTime::from_millis(host_milliseconds()));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn new_with_clock(webhook: Webhook, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        Self {
            webhook: Arc::new(webhook),
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            store: None,
            claim_ttl: DEFAULT_CLAIM_TTL,
            done_ttl: DEFAULT_DONE_TTL,
            subscription: None,
            timer: None,
            clock: Arc::new(clock),
            with_hints: cfg!(debug_assertions),
            on_error: None,
            refusals: Arc::default(),
            warned_of_slow_handler: Arc::default(),
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

    /// Names the subscription, if receivers of several subscriptions share the store: a text of your own, such as the subscription's id.
    /// One subscription's events then never count as another's.
    ///
    /// The text is part of the ids in the store, before a colon. Colons in the text are escaped, and an empty text names nothing.
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, adapters::{MemoryStore, Receiver}};
    /// let store = MemoryStore::default();
    /// let one = Receiver::new(Webhook::new("whsec_b25l")?).dedup(store.clone()).with_subscription("sub_1");
    /// let other = Receiver::new(Webhook::new("whsec_b3RoZXI")?).dedup(store).with_subscription("sub_2");
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn with_subscription(mut self, subscription: &str) -> Self {
        self.subscription = Some(subscription.replace(':', "%3A").into()).filter(|name: &Arc<str>| !name.is_empty());
        self
    }

    /// Returns the id of an event in the store.
    pub(super) fn store_id(&self, event: &Event<'_>) -> String {
        match &self.subscription {
            Some(subscription) => format!("{subscription}:{}", event.id()),
            None => event.id().into(),
        }
    }

    /// Sets the timer: a function that returns a future which is ready after a time, such as `tokio::time::sleep`.
    ///
    /// It limits each step of the store to [`STORE_TIMEOUT`](crate::dedup::STORE_TIMEOUT), and in the adapters of frameworks, the arrival of
    /// the body to [`BODY_TIMEOUT`](crate::BODY_TIMEOUT). A step that is late is dropped. If that was a claim, the claim may be in the
    /// store until it expires. Without a timer, only the time-outs of the store's client and of the server apply, if there are any.
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

    /// Sets the responses to refused deliveries: with or without the member `hint`, which says how to mend the receiver.
    ///
    /// They have hints in development only: builds with debug assertions. A hint contains nothing of the secret or the delivery.
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, adapters::Receiver};
    /// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?).with_hints(true);
    /// let refused = receiver.verify(b"{}", None::<&str>).unwrap_err();
    /// assert!(refused.body().contains(r#","hint":"pass the X-Clarife-Signature header"#));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub const fn with_hints(mut self, hints: bool) -> Self {
        self.with_hints = hints;
        self
    }

    /// Sets the callback for errors. It receives every error, and replaces the log.
    ///
    /// Unless set, the receiver and its clones log each error of the handler and the store. Of the refusals they log the first one of each
    /// code with its hint, and then at most one a minute for each code, with the number of those that were not logged. The log is
    /// standard error, or with the feature `tracing` the host's own: events of the target `clarife_webhooks`. Errors of the server have
    /// the level `ERROR`, and refusals `WARN`.
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
        match self.verify(body, signature) {
            Ok(event) => self.handle(event, handler).await,
            Err(response) => response,
        }
    }

    /// Receives an event that was verified before: claims it, calls the handler, and returns the response.
    ///
    /// It is for workers behind a queue into which your own receiver has put [`Event::raw`], and for events from a bus such as EventBridge.
    /// It has the handler, the store and the log of [`receive`](Self::receive), and checks **no signature** and no age. Never pass a
    /// body that came over the network: anyone could write it.
    ///
    /// Give the worker a store of its own. In the store of the receiver that filled the queue, the event is done already.
    ///
    /// A status other than 2xx means that the queue must deliver the event again.
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, adapters::Receiver};
    /// # async fn example(receiver: Receiver, message: &[u8]) {
    /// let response = receiver
    ///     .receive_trusted(message, |event| async move {
    ///         println!("{} {}", event.event_type(), event.id());
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .await;
    /// let acknowledged = response.status() == 200;
    /// # }
    /// ```
    pub async fn receive_trusted<H, F, E>(&self, body: &[u8], handler: H) -> WebhookResponse
    where
        H: FnOnce(Event<'static>) -> F,
        F: Future<Output = Result<(), E>>,
        E: Into<BoxError>,
    {
        match Event::parse_trusted(body) {
            Ok(event) => self.handle(event.into_owned(), handler).await,
            Err(error) => self.refuse(error),
        }
    }

    /// Takes an event through the flow with a user's handler.
    async fn handle<H, F, E>(&self, event: Event<'static>, handler: H) -> WebhookResponse
    where
        H: FnOnce(Event<'static>) -> F,
        F: Future<Output = Result<(), E>>,
        E: Into<BoxError>,
    {
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
            self.webhook.verify_at(body, signature, self.now()).map(Event::into_owned)
        };
        verified.map_err(|error| self.refuse(error))
    }

    /// Reports a refusal and returns its response.
    pub(super) fn refuse(&self, error: WebhookError) -> WebhookResponse {
        self.report(&ReceiveError::Refused(&error));
        WebhookResponse::Refused { error, with_hint: self.with_hints }
    }

    pub(super) fn now(&self) -> UnixTime {
        (self.clock)()
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

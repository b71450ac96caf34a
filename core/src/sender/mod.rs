//! The rules of a sender, as pure functions without I/O.
//!
//! Each rule is a function of a state, an outcome and the time, which the caller passes. No rule reads a clock, opens a
//! connection or writes a file. New secrets and ids take random bytes from the operating system. The states implement
//! `Serialize` and `Deserialize` for a store. A sender adds the store, an HTTP client and a loop that follows the
//! states. See [protocol, section 6](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6).
//!
//! ```
//! use clarife_webhooks::sender::{
//!     Delivery, DeliveryState, EndpointUrl, EventTypes, Outcome, Plan, Signer, Subscription, build_event, new_event_id,
//! };
//! use clarife_webhooks::{EventType, SIGNATURE_HEADER, UnixTime};
//! use serde_json::json;
//!
//! // A workspace subscribes. The secret is shown at creation and at rotation only.
//! let url = EndpointUrl::parse("https://example.com/hooks")?;
//! let types = EventTypes::from_names(["document.created", "document.updated"])?;
//! let mut subscription = Subscription::create(Plan::Pro, 0, url, types)?;
//! let signer = Signer::generate()?;
//! println!("{}", signer.secret().expose());
//!
//! // An event: one body for all subscriptions, and a delivery for each subscription to its type.
//! let mut now = UnixTime::from_secs(1_711_612_800);
//! let (id, event_type) = (new_event_id()?, EventType::DocumentUpdated);
//! let body = build_event(&id, event_type, now, &json!({"id": "doc_1", "title": "Start"}))?;
//! let mut delivery: Delivery = subscription.accept(event_type, now).expect("subscribed");
//!
//! // The loop: wait until the delivery is due, post the body, record the outcome.
//! # let mut responses = [503, 200].into_iter();
//! # let mut post = |_: &EndpointUrl, _: [(&str, String); 1], _: &str| responses.next().expect("two attempts");
//! while let DeliveryState::Pending { attempt, due } = delivery.state() {
//!     now = now.max(due);
//!     let status = post(&subscription.url, [(SIGNATURE_HEADER, signer.sign(&body, now)?)], &body);
//!     let recorded = delivery.record(&subscription.health, attempt, Outcome::Status(status), now);
//!     (delivery, subscription.health) = (recorded.delivery, recorded.health);
//!     if recorded.deactivated {
//!         // end the other deliveries of the subscription with `Delivery::settle`, and notify the owner
//!     }
//! }
//! assert!(matches!(delivery.state(), DeliveryState::Delivered { attempts: 2, .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//!
//! The address policy, the size of stored responses and the storage are left to the sender. Delivery is at least once:
//! a sender repeats an attempt whose outcome was lost in a crash.
//!
//! For `wasm32-unknown-unknown`, the application must depend on the crate `getrandom` with its feature `wasm_js`.

mod accept;
mod body;
pub mod canonical;
mod change;
mod delivery;
mod endpoint;
mod event_types;
mod health;
mod outcome;
mod plan;
mod random;
mod sample;
mod schedule;
mod secret;
mod signer;
mod subscription;

pub use accept::{Acceptance, ConflictingEvent, plan_accept};
#[cfg(feature = "testing")]
pub(crate) use body::write_event;
pub use body::{EventError, TestEvent, build_event};
pub use change::Change;
pub use delivery::{Delivery, DeliveryKind, DeliveryState, FailureReason, Recorded, Resend, ResendError};
pub use endpoint::{EndpointUrl, EndpointUrlError};
pub use event_types::{EventTypes, EventTypesError};
pub use health::{DEACTIVATION_THRESHOLD, Health, Warning};
pub use outcome::{FailureKind, Outcome};
pub use plan::{Plan, PlanLimitReached};
pub use random::{RandomnessError, new_event_id};
pub use sample::sample_resource;
pub use schedule::{ATTEMPT_TIMEOUT, LOCAL_PAUSES, MAX_ATTEMPTS, RETRY_DELAYS, latest_due, local_pause, retry_delay};
pub use secret::{InvalidSigningSecret, SigningSecret};
pub use signer::{ROTATION_OVERLAP, Signer, StoredSecrets};
pub use subscription::Subscription;

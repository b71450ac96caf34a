//! The rules of a sender (protocol, sections 4 to 6): what is decided, without the doing.
//!
//! Everything here is a function of a state, what happened, and the time, which the caller gives. Nothing reads a clock,
//! opens a connection or writes a file; only new secrets and ids take the operating system's randomness. The states can be
//! stored: they are serialized with serde. A sender adds a store, an HTTP client and a loop, and does what the states say:
//!
//! ```
//! use clarife_webhooks::sender::{
//!     Delivery, DeliveryState, EndpointUrl, EventTypes, Outcome, Plan, Signer, Subscription, build_event, new_event_id,
//! };
//! use clarife_webhooks::{EventType, SIGNATURE_HEADER, UnixTime};
//! use serde_json::json;
//!
//! // A workspace subscribes. The secret is shown now, and again only when it is rotated.
//! let url = EndpointUrl::parse("https://example.com/hooks")?;
//! let types = EventTypes::from_names(["document.created", "document.updated"])?;
//! let mut subscription = Subscription::create(Plan::Pro, 0, url, types)?;
//! let signer = Signer::generate()?;
//! println!("{}", signer.secret().expose());
//!
//! // Something happens: one body for all subscriptions, and a delivery for each that is for such events.
//! let mut now = UnixTime::from_secs(1_711_612_800);
//! let (id, event_type) = (new_event_id()?, EventType::DocumentUpdated);
//! let body = build_event(&id, event_type, now, &json!({"id": "doc_1", "title": "Start"}))?;
//! let mut delivery: Delivery = subscription.accept(event_type, now).expect("is for such events");
//!
//! // The loop: wait until it is due, post, record what came of it.
//! # let mut answers = [503, 200].into_iter();
//! # let mut post = |_: &EndpointUrl, _: [(&str, String); 1], _: &str| answers.next().expect("two attempts");
//! while let DeliveryState::Pending { attempt, due } = delivery.state() {
//!     now = now.max(due);
//!     let status = post(&subscription.url, [(SIGNATURE_HEADER, signer.sign(&body, now)?)], &body);
//!     let recorded = delivery.record(&subscription.health, attempt, Outcome::Status(status), now);
//!     (delivery, subscription.health) = (recorded.delivery, recorded.health);
//!     if recorded.deactivated {
//!         // end the subscription's other deliveries with `Delivery::deactivate`, and tell its owner
//!     }
//! }
//! assert!(matches!(delivery.state(), DeliveryState::Delivered { attempts: 2, .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Not here
//!
//! Which addresses a sender may connect to, how much of an answer it keeps, and how it stores anything: that is the sender's own
//! business. Delivery is at least once: an attempt whose outcome was lost in a crash is made again.
//!
//! For `wasm32-unknown-unknown`, the application has to depend on the crate `getrandom` with its feature `wasm_js`.

mod body;
pub mod canonical;
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

pub use body::{EventError, TestEvent, build_event};
pub use delivery::{Delivery, DeliveryKind, DeliveryState, FailureReason, Recorded, ResendError};
pub use endpoint::{EndpointUrl, EndpointUrlError};
pub use event_types::{EventTypes, EventTypesError};
pub use health::{DEACTIVATION_THRESHOLD, Health, Warning};
pub use outcome::{FailureKind, Outcome};
pub use plan::{Plan, PlanLimitReached};
pub use random::{RandomnessError, new_event_id};
pub use sample::sample_resource;
pub use schedule::{ATTEMPT_TIMEOUT, MAX_ATTEMPTS, RETRY_DELAYS, retry_delay};
pub use secret::{InvalidSigningSecret, SigningSecret};
pub use signer::{ROTATION_OVERLAP, Signer, StoredSecrets};
pub use subscription::Subscription;

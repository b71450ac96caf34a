//! Verify, parse and sign clarife webhooks.
//!
//! [`Webhook::verify`] takes the raw body and the signature header of a delivery. It returns a verified [`Event`], or a
//! [`WebhookError`] with a code, a message and a hint.
//!
//! ```
//! use clarife_webhooks::{Resource, Webhook};
//! # use clarife_webhooks::UnixTime;
//!
//! let webhook = Webhook::new("whsec_c2VjcmV0")?; // the subscription's signing secret
//! # let body = r#"{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}"#;
//! # let signature = webhook.sign(body, UnixTime::now())?;
//! let event = webhook.verify(body, &signature)?; // the raw body and the X-Clarife-Signature header
//! match event.resource()? {
//!     Resource::Document(document) => println!("{} {:?}", event.event_type(), document.title),
//!     _ => println!("{}", event.event_type()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The signature covers the body only, not the timestamp in the header. The tolerance therefore stops accidents, not an
//! attacker who captured a delivery. Set [`Webhook::with_max_event_age`], and handle each [`Event::id`] once.
//!
//! Verification, signing and the rules of a sender do no I/O and take the time from their caller. The features `std`,
//! `adapters`, `redis` and `testing` add what reads the system's clock, prints or connects. Without `std` the crate is
//! `no_std`.
//!
//! | feature | content |
//! |---|---|
//! | `std` (default) | [`Webhook::verify`] and [`UnixTime::now`], by the system's clock |
//! | `http` | the headers of the crate `http` as the source of a signature, and its responses |
//! | `adapters` | receiving in a server: limits, responses, deduplication ([`adapters`]) |
//! | `axum` and others | adapters for frameworks, which [`adapters`] lists |
//! | `redis` | a deduplication store that several processes share |
//! | `tracing` | the log of receivers as events of `tracing`, in place of standard error |
//! | `js` | the time and random bytes of JavaScript on `wasm32-unknown-unknown`, and events and errors as JavaScript values |
//! | `sender` | the rules of a sender ([`sender`]) and canonical JSON ([`canonical`]) |
//! | `testing` | sample events, signed requests and a clock for users' tests ([`testing`]) |
//!
//! Without the standard library, only the crate without features compiles: the dependencies of every other feature need it. On
//! `wasm32-unknown-unknown`, the features that read a clock or random bytes (`sender`, `testing`) need `js`.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(
        feature = "actix-web",
        feature = "axum",
        feature = "js",
        feature = "redis",
        feature = "testing",
        feature = "tracing"
    )),
    allow(rustdoc::broken_intra_doc_links, reason = "items of features that are off have no page to link to")
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a test that panics fails, as it should"
    )
)]

extern crate alloc;

#[cfg(feature = "abi")]
#[doc(hidden)]
pub mod abi;
mod error;
mod event;
#[cfg(feature = "js")]
mod js;
mod receiving;
#[cfg(feature = "sender")]
pub mod sender;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod unix_time;
mod verification;

#[cfg(feature = "model")]
#[doc(hidden)]
pub use error::ERROR_REFERENCE;
pub use error::{ErrorCode, InvalidTimestamp, WebhookError};
#[doc(hidden)]
pub use error::{OTHER_SENDER, OTHER_SIGNATURE_HEADERS};
pub use event::resource::{Block, Content, ContentMeta, Document, Folder, Generation, Media, Project, Share};
#[cfg(feature = "model")]
#[doc(hidden)]
pub use event::resource::{MemberModel, RESOURCE_MODELS, ResourceModel};
pub use event::{Event, EventType, Layout, Resource, ResourceError, ResourceKind};
#[cfg(feature = "adapters")]
pub use receiving::adapters;
pub use receiving::dedup;
pub use receiving::limits::{BODY_TIMEOUT, DEFAULT_MAX_BODY_BYTES, MAX_HEADER_BYTES};
pub use receiving::response::WebhookResponse;
#[cfg(feature = "model")]
#[doc(hidden)]
pub use receiving::{flow, refusals};
#[cfg(feature = "sender")]
pub use sender::canonical;
#[cfg(feature = "std")]
pub use unix_time::SystemClock;
pub use unix_time::UnixTime;
pub use verification::{DEFAULT_TOLERANCE, RawBody, SIGNATURE_HEADER, SignatureSource, Webhook, standard};
#[doc(hidden)]
pub use verification::{LARGEST_LIKELY_TOLERANCE, MAX_TIMESTAMP, is_likely_milliseconds};

//! Verify, read and sign clarife webhooks.
//!
//! A receiver needs one call: [`Webhook::verify`] takes the raw body and the signature header and gives a verified
//! [`Event`], or a [`WebhookError`] that says what is wrong and what to do.
//!
//! ```
//! use clarife_webhooks::{Resource, Webhook};
//!
//! let webhook = Webhook::new("whsec_c2VjcmV0")?; // the subscription's signing secret
//! # let body = r#"{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}"#;
//! # let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() as i64;
//! # let signature = webhook.sign(body, now)?;
//! let event = webhook.verify(body, &signature)?; // the raw body and the X-Clarife-Signature header
//! match event.resource()? {
//!     Resource::Document(document) => println!("{} {:?}", event.event_type(), document.title),
//!     _ => println!("{}", event.event_type()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The signature covers the body only. The timestamp in the header is not signed, so the tolerance stops accidents, not
//! an attacker who has captured a delivery: set [`Webhook::with_max_event_age`], and handle every [`Event::id`] once.
//!
//! The crate does no I/O and needs no clock but for [`Webhook::verify`] (feature `std`); without it, it is `no_std`.
//!
//! | feature | what it adds |
//! |---|---|
//! | `std` (default) | [`Webhook::verify`], by the system clock |
//! | `http` | the headers of the `http` crate, wherever a signature is taken |
//! | `adapters` | receiving in a server: limits, answers, every event once ([`adapters`]) |
//! | `axum`, `tower`, `actix-web` | the same for these frameworks |
//! | `redis` | a store of handled events that several processes share |
//! | `sender` | the rules of a sender |
//! | `testing` | sample events, signed requests and a clock, for your own tests |
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
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

#[cfg(feature = "adapters")]
pub mod adapters;
#[cfg(feature = "sender")]
pub mod canonical;
mod date_time;
pub mod dedup;
mod envelope;
mod error;
mod event;
mod event_type;
mod header;
#[cfg(feature = "model")]
mod hints;
mod json;
mod resource;
mod response;
#[cfg(feature = "sender")]
pub mod sender;
mod signature;
mod spans;
pub mod standard;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod webhook;

pub use error::{ErrorCode, InvalidTimestamp, Message, WebhookError};
pub use event::Event;
pub use event_type::{EventType, ResourceKind};
pub use header::{SIGNATURE_HEADER, SignatureSource};
#[cfg(feature = "model")]
#[doc(hidden)]
pub use hints::RAW_BODY_HINTS;
pub use resource::{
    Block, Content, ContentMeta, Document, Folder, Generation, Media, Project, Resource, ResourceError, Share,
};
#[cfg(feature = "model")]
#[doc(hidden)]
pub use resource::{MemberModel, RESOURCE_MODELS, ResourceModel};
pub use response::{DEFAULT_MAX_BODY_BYTES, WebhookResponse};
pub use signature::MAX_HEADER_BYTES;
pub use spans::Layout;
pub use webhook::{DEFAULT_TOLERANCE, Webhook};

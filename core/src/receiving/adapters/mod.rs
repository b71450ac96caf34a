//! Receivers for servers (feature `adapters`, which the features of the frameworks enable).
//!
//! A [`Receiver`] limits the body, verifies it, claims the event, calls the handler, and returns the
//! [`WebhookResponse`](crate::WebhookResponse), as in every language:
//!
//! | result | status | `code` |
//! |---|---|---|
//! | the handler returned | 200 | `handled` |
//! | the event was handled before | 200 | `duplicate` |
//! | the delivery does not verify | 400 | the error's |
//! | the body broke off | 400 | `body_incomplete` |
//! | the method is not POST | 405 | `method_not_allowed` |
//! | the event is being handled | 409 | `in_progress` |
//! | the body is larger than the limit | 413 | `body_too_large` |
//! | the handler failed | 500 | `handler_failed` |
//! | the body was read before | 500 | `body_not_raw` |
//! | the store failed or was late | 503 | `store_unavailable` |
//!
//! | feature | contents |
//! |---|---|
#![cfg_attr(feature = "axum", doc = "| `axum` | [`axum::Verified`], an extractor of verified events |")]
#![cfg_attr(
    feature = "tower",
    doc = "| `tower` | [`tower::WebhookService`], with a handler of events, and [`tower::WebhookLayer`], around a service of your own; for axum too |"
)]
#![cfg_attr(
    feature = "actix-web",
    doc = "| `actix-web` | [`actix::handler`], with a handler of events, and [`actix::Verified`], an extractor |"
)]
#![cfg_attr(feature = "redis", doc = "| `redis` | [`redis::RedisStore`], a store for several processes |")]
//!
//! Import from here by name: `use clarife_webhooks::adapters::*` also imports the modules, and `axum` is then ambiguous with the crate.
//!
//! For other frameworks, [`Receiver::receive`] takes a body and its headers and returns the response.

#[cfg(feature = "actix-web")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "framework")]
mod body;
mod driver;
mod error;
mod log;
mod receiver;
#[cfg(feature = "redis")]
pub mod redis;
mod store;
#[cfg(feature = "tower")]
pub mod tower;

pub use error::{BoxError, ReceiveError};
pub use receiver::Receiver;
pub use store::{DedupStore, MemoryStore};

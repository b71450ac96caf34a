//! Receiving deliveries in a server (feature `adapters`, which the features of the frameworks bring).
//!
//! A [`Receiver`] knows how deliveries are answered: it limits the body, verifies, sees to it that an event is handled once,
//! calls the handler, and gives the [`WebhookResponse`](crate::WebhookResponse), the same as in every language:
//!
//! | what happened | status | `code` |
//! |---|---|---|
//! | the handler returned | 200 | `handled` |
//! | the event was handled before | 200 | `duplicate` |
//! | the delivery does not verify | 400 | the error's |
//! | the request is no POST | 405 | `method_not_allowed` |
//! | the event is being handled | 409 | `in_progress` |
//! | the body is larger than 10 MiB or what was set | 413 | `body_too_large` |
//! | the handler failed | 500 | `handler_failed` |
//! | the body was taken by somebody else | 500 | `body_not_raw` |
//! | the store of handled events is not available | 503 | `store_unavailable` |
//!
//! | feature | what it is for |
//! |---|---|
#![cfg_attr(feature = "axum", doc = "| `axum` | [`axum::Verified`], an extractor that gives a verified event |")]
#![cfg_attr(
    feature = "tower",
    doc = "| `tower` | [`tower::WebhookService`], which answers deliveries with a handler, and [`tower::WebhookLayer`], around a service of your own; for axum too |"
)]
#![cfg_attr(
    feature = "actix-web",
    doc = "| `actix-web` | [`actix::handler`], which answers deliveries, and the extractor [`actix::Verified`] |"
)]
#![cfg_attr(feature = "redis", doc = "| `redis` | [`redis::RedisStore`], for several processes |")]
//!
//! Where there is no adapter, [`Receiver::receive`] takes a body and its headers and gives the answer.

#[cfg(feature = "actix-web")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(any(feature = "axum", feature = "tower", feature = "actix-web"))]
mod body;
mod receiver;
#[cfg(feature = "redis")]
pub mod redis;
mod store;
#[cfg(feature = "tower")]
pub mod tower;

pub use receiver::{BoxError, ReceiveError, Receiver};
pub use store::{DedupStore, MemoryStore};

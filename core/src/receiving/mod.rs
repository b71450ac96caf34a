//! Receiving deliveries: the decisions that every language shares, and the adapters of Rust.
//!
//! [`flow`] decides what follows on each outcome of a step, [`refusals`] decides which refusals are logged, and [`limits`]
//! holds the numbers. They do no I/O. Rust's
//! [`Receiver`](adapters::Receiver) drives them, and `cargo xtask codegen` writes them as tables for the other languages.

#[cfg(feature = "adapters")]
pub mod adapters;
pub mod dedup;
#[cfg(any(feature = "adapters", feature = "model"))]
pub mod flow;
pub(crate) mod limits;
#[cfg(any(feature = "adapters", feature = "model"))]
#[cfg_attr(not(feature = "model"), allow(unreachable_pub, reason = "as in flow"))]
pub mod refusals;
pub(crate) mod response;

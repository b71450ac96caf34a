//! Delivering: what is due is claimed, posted and recorded.

mod client;
mod connector;
mod dispatcher;
mod guard;
#[cfg(test)]
mod tests;

pub(crate) use client::{Client, Options, signature_header, standard_headers};
pub(crate) use connector::system_lookup;
pub(crate) use dispatcher::{Dispatcher, Pace};
pub(crate) use guard::Guard;

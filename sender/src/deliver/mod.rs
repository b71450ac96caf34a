//! Deliveries: leasing, posting and recording.

mod address_policy;
mod at_once;
mod breaker;
mod client;
mod connect;
mod connector;
mod dispatcher;
mod fault;
mod log_limit;
mod resolver;
mod streaks;
#[cfg(test)]
mod tests;

pub(crate) use address_policy::AddressPolicy;
pub(crate) use client::{Client, Options, signature_header, standard_headers};
pub(crate) use dispatcher::{DeliverySettings, Dispatcher};
pub(crate) use resolver::system_lookup;

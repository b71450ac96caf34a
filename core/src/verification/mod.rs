//! Verification and signing: secrets, the signature header, HMAC, and both schemes of signatures.

mod advice;
mod header;
mod keys;
mod mac;
mod source;
pub mod standard;
mod webhook;
mod wipe;

pub use advice::{LARGEST_LIKELY_TOLERANCE, is_likely_milliseconds};
#[cfg(feature = "sender")]
pub(crate) use header::format as format_header;
pub use header::{MAX_HEADER_BYTES, MAX_TIMESTAMP};
#[cfg(feature = "sender")]
pub(crate) use keys::Keys;
pub use source::{RawBody, SIGNATURE_HEADER, SignatureSource};
#[cfg(feature = "actix-web")]
pub(crate) use source::{join, sealed, standard_headers};
pub use webhook::{DEFAULT_TOLERANCE, Webhook};

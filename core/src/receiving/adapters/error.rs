//! Errors of receiving, as users see them.

use core::fmt;
use std::boxed::Box;
use std::error::Error;

use crate::receiving::flow::{Report, is_server_error};
use crate::{Event, WebhookError, WebhookResponse};

/// An error of a handler or a store, of any type.
///
/// ```
/// # use clarife_webhooks::{Event, adapters::BoxError};
/// async fn handle(event: Event<'static>) -> Result<(), BoxError> {
///     let resource = event.resource()?; // an error of any type
///     println!("{resource:?}");
///     Ok(())
/// }
/// ```
pub type BoxError = Box<dyn Error + Send + Sync>;

/// An error while receiving a delivery: the argument of [`Receiver::on_error`](super::Receiver::on_error).
///
/// The `Display` form is one line. It contains nothing of the body or the secret, except in the messages of the handler's and the
/// store's own errors.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiveError<'a> {
    /// The delivery was refused.
    Refused(&'a WebhookError),
    /// The handler failed. clarife will send the event again.
    Handler {
        /// The event.
        event: &'a Event<'a>,
        /// The handler's error.
        error: &'a BoxError,
    },
    /// The store failed or was late. Before the handler, clarife will send the event again. After it, the claim stays until it
    /// expires.
    Store {
        /// The event.
        event: &'a Event<'a>,
        /// The store's error.
        error: &'a BoxError,
    },
}

impl ReceiveError<'_> {
    /// Returns the error's code: the one of the refusal, `handler_failed` or `store_unavailable`.
    ///
    /// ```
    /// # use clarife_webhooks::{ErrorCode, WebhookError, adapters::ReceiveError};
    /// let error = WebhookError::from(ErrorCode::MissingSignature);
    /// assert_eq!(ReceiveError::Refused(&error).code(), "missing_signature");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code().as_str(),
            Self::Handler { .. } => Report::Handler.code(),
            Self::Store { .. } => Report::Store.code(),
        }
    }

    /// Returns whether the error is the server's own: of its handler, its store or its set-up. Any other error is a refusal of
    /// something that anyone can send.
    ///
    /// ```
    /// # use clarife_webhooks::{ErrorCode, WebhookError, adapters::ReceiveError};
    /// let [stranger, own] = [ErrorCode::MissingSignature, ErrorCode::BodyNotRaw].map(WebhookError::from);
    /// assert!(!ReceiveError::Refused(&stranger).is_server_error());
    /// assert!(ReceiveError::Refused(&own).is_server_error());
    /// ```
    #[must_use]
    pub const fn is_server_error(&self) -> bool {
        is_server_error(match self {
            Self::Refused(error) => error.code().status(),
            Self::Handler { .. } => WebhookResponse::HandlerFailed.status(),
            Self::Store { .. } => WebhookResponse::StoreUnavailable.status(),
        })
    }
}

impl fmt::Display for ReceiveError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "{}: {error}; {}", error.code(), error.hint()),
            Self::Handler { event, error } => write!(f, "the handler of {:?} failed: {error}", event.id()),
            Self::Store { event, error } => write!(f, "the store failed for {:?}: {error}", event.id()),
        }
    }
}

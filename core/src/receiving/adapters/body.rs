//! Reading the body of a request, up to the limit.

use std::vec::Vec;

use core::future::Future;

use super::Receiver;
use crate::{BODY_TIMEOUT, ErrorCode, WebhookResponse};

/// A body that is being read, into one buffer: a list of chunks takes many times the memory if a body comes byte by byte.
pub(super) struct Reading<'r> {
    receiver: &'r Receiver,
    /// The value of the header `Content-Length`.
    declared: Option<usize>,
    bytes: Vec<u8>,
}

/// The most memory that is taken in advance, whatever `Content-Length` says.
const MOST_IN_ADVANCE: usize = 64 * 1024;

impl<'r> Reading<'r> {
    /// Starts reading, unless `Content-Length` is over the limit.
    pub(super) fn start(receiver: &'r Receiver, content_length: Option<&[u8]>) -> Result<Self, WebhookResponse> {
        let digits = content_length.and_then(|length| core::str::from_utf8(length).ok());
        // The server has checked the header: a value that is not a number is ignored here.
        let declared = digits.and_then(|digits| digits.trim().parse().ok());
        let reading = Self { receiver, declared, bytes: Vec::new() };
        if declared.is_some_and(|length| length > receiver.max_body_bytes()) {
            return Err(reading.too_large());
        }
        let bytes = Vec::with_capacity(declared.unwrap_or_default().min(MOST_IN_ADVANCE));
        Ok(Self { bytes, ..reading })
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), WebhookResponse> {
        if chunk.len() > self.receiver.max_body_bytes().saturating_sub(self.bytes.len()) {
            return Err(self.too_large());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// Returns the whole body.
    pub(super) fn end(self) -> Result<Vec<u8>, WebhookResponse> {
        if self.bytes.is_empty() && self.declared.is_some_and(|length| length > 0) {
            // A layer before this one has read the body.
            return Err(self.receiver.refuse(ErrorCode::BodyNotRaw.into()));
        }
        Ok(self.bytes)
    }

    /// Returns the response to a body that broke off.
    pub(super) fn broken(&self) -> WebhookResponse {
        self.receiver.refuse(ErrorCode::BodyIncomplete.into())
    }

    pub(super) fn too_large(&self) -> WebhookResponse {
        self.receiver.refuse(ErrorCode::BodyTooLarge.into())
    }
}

/// Waits for a body, no longer than [`BODY_TIMEOUT`] if the receiver has a timer.
pub(super) async fn in_time(
    receiver: &Receiver,
    reading: impl Future<Output = Result<Vec<u8>, WebhookResponse>>,
) -> Result<Vec<u8>, WebhookResponse> {
    let late = || Err(receiver.refuse(ErrorCode::BodyIncomplete.into()));
    receiver.within(BODY_TIMEOUT, reading).await.unwrap_or_else(late)
}

/// Reads a body of the `http` crates.
#[cfg(any(feature = "axum", feature = "tower"))]
pub(super) async fn read<B>(receiver: &Receiver, headers: &http::HeaderMap, body: B) -> Result<Vec<u8>, WebhookResponse>
where
    B: http_body::Body,
    B::Error: Into<super::BoxError>,
{
    in_time(receiver, read_all(receiver, headers, body)).await
}

#[cfg(any(feature = "axum", feature = "tower"))]
async fn read_all<B>(receiver: &Receiver, headers: &http::HeaderMap, body: B) -> Result<Vec<u8>, WebhookResponse>
where
    B: http_body::Body,
    B::Error: Into<super::BoxError>,
{
    use bytes::Buf as _;

    let length = headers.get(http::header::CONTENT_LENGTH).map(http::HeaderValue::as_bytes);
    let mut reading = Reading::start(receiver, length)?;
    let mut body = core::pin::pin!(body);
    while let Some(frame) = core::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = match frame.map_err(Into::into) {
            Ok(frame) => frame,
            Err(error) if is_limit(&error) => return Err(reading.too_large()),
            Err(_) => return Err(reading.broken()),
        };
        let Ok(mut data) = frame.into_data() else { continue }; // trailers
        while data.has_remaining() {
            let chunk = data.chunk();
            reading.push(chunk)?;
            let length = chunk.len();
            data.advance(length);
        }
    }
    reading.end()
}

/// Returns whether a limit of another layer has ended the body.
#[cfg(any(feature = "axum", feature = "tower"))]
fn is_limit(error: &super::BoxError) -> bool {
    let first: &(dyn std::error::Error + 'static) = error.as_ref();
    core::iter::successors(Some(first), |error| error.source())
        .any(|error| error.is::<http_body_util::LengthLimitError>())
}

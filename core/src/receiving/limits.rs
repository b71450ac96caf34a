//! The numbers of receiving, the same in every language.

use core::time::Duration;

pub use crate::verification::MAX_HEADER_BYTES;

/// The largest body that a receiver reads unless set otherwise, in bytes: 10 MiB.
///
/// ```
/// assert_eq!(clarife_webhooks::DEFAULT_MAX_BODY_BYTES, 10_485_760);
/// ```
pub const DEFAULT_MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// The time to live of a claim unless set otherwise: 50 s.
///
/// A worker that crashes leaves its claim behind. clarife's last retry starts at least 60 s after the attempt before it ended,
/// so it finds the claim expired, even if the clocks of the sender and the store run at different speeds.
///
/// ```
/// # use clarife_webhooks::dedup::DEFAULT_CLAIM_TTL;
/// assert_eq!(DEFAULT_CLAIM_TTL.as_secs(), 50);
/// ```
pub const DEFAULT_CLAIM_TTL: Duration = Duration::from_secs(50);

/// The time to live of a done mark unless set otherwise: a day.
///
/// A receiver keeps a done mark for longer where the event can be accepted for longer:
/// [`Event::replay_window`](crate::Event::replay_window).
///
/// ```
/// # use clarife_webhooks::dedup::DEFAULT_DONE_TTL;
/// assert_eq!(DEFAULT_DONE_TTL.as_secs(), 86_400);
/// ```
pub const DEFAULT_DONE_TTL: Duration = Duration::from_secs(86_400);

/// The time after which a receiver gives up on a step of a store: 5 s, half of the time that clarife waits for a response.
///
/// A receiver can only do that with a timer. The receivers of JavaScript and the asynchronous ones of Python have one. In Rust the
/// runtime's is set with `Receiver::with_timer`; without it, and in synchronous Python, only the time-outs of the
/// store's own client apply.
///
/// ```
/// # use clarife_webhooks::dedup::STORE_TIMEOUT;
/// assert_eq!(STORE_TIMEOUT.as_secs(), 5);
/// ```
pub const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// The time after which a receiver gives up on the body of a request: 30 s.
///
/// clarife sends a body at once and waits 10 s for the response. A receiver needs a timer, as for [`STORE_TIMEOUT`]. Without one, only
/// the time-outs of the server apply.
///
/// ```
/// # use clarife_webhooks::BODY_TIMEOUT;
/// assert_eq!(BODY_TIMEOUT.as_secs(), 30);
/// ```
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

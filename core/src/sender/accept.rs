//! The plan of a call that accepts events: new ones, repeated ones, and conflicts.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::Event;

/// The part of an event in a plan: new or repeated. See [`plan_accept`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acceptance {
    /// The event is new: it is stored, and its deliveries are created.
    New,
    /// The call has the event before, at this index.
    Repeats(usize),
    /// The event was accepted before.
    Stored,
}

/// The error of an event that has the id of an earlier event, but another type or other data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConflictingEvent {
    /// The index of the event in the call, from 0.
    pub index: usize,
}

/// Returns the part of each event of a call, which is accepted as a whole or not at all.
///
/// `events` are the ids and bodies of the events. `stored` returns the body of the event that was accepted before with
/// an id. Accepting is idempotent: an event with the type and the data of an earlier one is repeated, whatever its
/// `created_at`. See [protocol, section 6.5](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-5).
///
/// # Errors
///
/// [`ConflictingEvent`] if an event has the id of another one, with another type or other data.
///
/// ```
/// use clarife_webhooks::sender::{Acceptance, ConflictingEvent, build_event, plan_accept};
/// use clarife_webhooks::{EventType, UnixTime};
/// use serde_json::json;
///
/// let body = |second, title| {
///     build_event("evt_1", EventType::DocumentUpdated, UnixTime::from_secs(second), &json!({ "title": title }))
/// };
/// let (first, later, other) = (body(1, "a")?, body(2, "a")?, body(2, "b")?);
///
/// let plan = plan_accept(&[("evt_1", &first), ("evt_1", &later)], |_| None);
/// assert_eq!(plan.as_deref(), Ok(&[Acceptance::New, Acceptance::Repeats(0)][..]));
/// assert_eq!(plan_accept(&[("evt_1", &later)], |_| Some(&first)), Ok(vec![Acceptance::Stored]));
/// assert_eq!(plan_accept(&[("evt_1", &other)], |_| Some(&first)), Err(ConflictingEvent { index: 0 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan_accept<'s>(
    events: &[(&str, &str)],
    stored: impl Fn(&str) -> Option<&'s str>,
) -> Result<Vec<Acceptance>, ConflictingEvent> {
    let mut firsts: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    let mut plan = Vec::with_capacity(events.len());
    for (index, (id, body)) in events.iter().enumerate() {
        let (acceptance, earlier) = match (stored(id), firsts.get(id)) {
            (Some(earlier), _) => (Acceptance::Stored, Some(earlier)),
            (None, Some((first, earlier))) => (Acceptance::Repeats(*first), Some(*earlier)),
            (None, None) => (Acceptance::New, None),
        };
        if earlier.is_some_and(|earlier| !is_same_event(earlier, body)) {
            return Err(ConflictingEvent { index });
        }
        firsts.entry(id).or_insert((index, body));
        plan.push(acceptance);
    }
    Ok(plan)
}

/// Tells whether two bodies have the same type and data.
fn is_same_event(a: &str, b: &str) -> bool {
    match (Event::parse_trusted(a.as_bytes()), Event::parse_trusted(b.as_bytes())) {
        (Ok(a), Ok(b)) => (a.event_type(), a.data()) == (b.event_type(), b.data()),
        _ => false,
    }
}

impl core::fmt::Display for ConflictingEvent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { index } = self;
        write!(f, "cannot accept event {index}: another event with its id has another type or other data")
    }
}

impl core::error::Error for ConflictingEvent {}

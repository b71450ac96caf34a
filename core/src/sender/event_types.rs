//! The event types of a subscription.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::EventType;

/// The set of event types of a subscription, with at least one known type.
///
/// The set serializes as a list of names, in the order of clarife's documentation. See
/// [protocol, section 6.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-3).
///
/// ```
/// use clarife_webhooks::EventType;
/// use clarife_webhooks::sender::{EventTypes, EventTypesError};
///
/// let types = EventTypes::from_names(["share.created", "document.updated", "share.created"])?;
/// assert!(types.contains(EventType::ShareCreated));
/// assert!(types.iter().eq([EventType::DocumentUpdated, EventType::ShareCreated]));
///
/// let error = EventTypes::from_names(["document.renamed"]).unwrap_err();
/// assert_eq!(error.to_string(), "invalid event type: \"document.renamed\" does not exist");
/// assert_eq!(EventTypes::from_names([""; 0]), Err(EventTypesError::Empty));
/// # Ok::<(), EventTypesError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<&'static str>")]
pub struct EventTypes(u32);

/// The error of an invalid list of event types.
///
/// ```
/// use clarife_webhooks::sender::{EventTypes, EventTypesError};
/// let result = EventTypes::from_names(["share.created", "share.seen"]);
/// assert_eq!(result, Err(EventTypesError::Unknown("share.seen".into())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventTypesError {
    /// The list is empty.
    Empty,
    /// A name in the list is unknown. The value is the name, cut after 64 characters.
    Unknown(String),
}

impl EventTypes {
    /// The set of all known types.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::sender::EventTypes;
    /// assert!(EventTypes::ALL.iter().eq(EventType::KNOWN));
    /// ```
    pub const ALL: Self = Self((1 << EventType::KNOWN.len()) - 1); // more than 31 types do not compile

    /// Creates a set of types.
    ///
    /// # Errors
    ///
    /// [`EventTypesError`] if there is no type, or if a type is unknown.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::sender::EventTypes;
    /// let types = EventTypes::new([EventType::ShareCreated, EventType::ShareDeleted])?;
    /// assert_eq!(serde_json::to_string(&types)?, r#"["share.created","share.deleted"]"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new<'a>(types: impl IntoIterator<Item = EventType<'a>>) -> Result<Self, EventTypesError> {
        let mut set = 0;
        for event_type in types {
            let bit = bit(event_type);
            if bit == 0 {
                return Err(EventTypesError::Unknown(event_type.as_str().chars().take(64).collect()));
            }
            set |= bit;
        }
        if set == 0 { Err(EventTypesError::Empty) } else { Ok(Self(set)) }
    }

    /// Creates a set of types from their names.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::sender::EventTypes;
    /// let names = vec![String::from("media.uploaded")]; // for example from a form
    /// assert_eq!(EventTypes::from_names(&names)?, EventTypes::new([EventType::MediaUploaded])?);
    /// # Ok::<(), clarife_webhooks::sender::EventTypesError>(())
    /// ```
    pub fn from_names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, EventTypesError> {
        let mut set = 0;
        for name in names {
            set |= Self::new([EventType::from_name(name.as_ref())])?.0;
        }
        if set == 0 { Err(EventTypesError::Empty) } else { Ok(Self(set)) }
    }

    /// Returns whether the set contains a type. An unknown type is never in the set.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::sender::EventTypes;
    /// assert!(EventTypes::ALL.contains(EventType::FolderDeleted));
    /// assert!(!EventTypes::ALL.contains(EventType::Unknown("video.rendered")));
    /// ```
    #[must_use]
    pub fn contains(self, event_type: EventType<'_>) -> bool {
        self.0 & bit(event_type) != 0
    }

    /// Returns the types, in the order of clarife's documentation.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::sender::EventTypes;
    /// let types = EventTypes::from_names(["share.created", "document.updated"])?;
    /// let names: Vec<_> = types.iter().map(EventType::as_str).collect();
    /// assert_eq!(names, ["document.updated", "share.created"]);
    /// # Ok::<(), clarife_webhooks::sender::EventTypesError>(())
    /// ```
    pub fn iter(self) -> impl Iterator<Item = EventType<'static>> {
        EventType::KNOWN.into_iter().filter(move |event_type| self.contains(*event_type))
    }
}

/// Returns the bit of a type, or 0 for an unknown type.
fn bit(event_type: EventType<'_>) -> u32 {
    event_type.index().and_then(|index| 1_u32.checked_shl(u32::try_from(index).ok()?)).unwrap_or(0)
}

impl TryFrom<Vec<String>> for EventTypes {
    type Error = EventTypesError;

    fn try_from(names: Vec<String>) -> Result<Self, EventTypesError> {
        Self::from_names(names)
    }
}

impl From<EventTypes> for Vec<&'static str> {
    fn from(types: EventTypes) -> Self {
        types.iter().map(EventType::as_str).collect()
    }
}

impl fmt::Display for EventTypesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("invalid event types: a subscription needs at least one event type"),
            Self::Unknown(name) => write!(f, "invalid event type: {name:?} does not exist"),
        }
    }
}

impl core::error::Error for EventTypesError {}

//! The types of events that a subscription is for.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::EventType;

/// The types of events that a subscription is for: at least one of the 16 (protocol, section 6).
///
/// A set; it is serialized as the list of names, in the order of clarife's documentation.
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
/// assert_eq!(error.to_string(), "the event type \"document.renamed\" does not exist");
/// assert_eq!(EventTypes::from_names([""; 0]), Err(EventTypesError::Empty));
/// # Ok::<(), EventTypesError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<&'static str>")]
pub struct EventTypes(u16);

/// A list of event types that no subscription can be for.
///
/// ```
/// use clarife_webhooks::sender::{EventTypes, EventTypesError};
/// let refused = EventTypes::from_names(["share.created", "share.seen"]);
/// assert_eq!(refused, Err(EventTypesError::Unknown("share.seen".into())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventTypesError {
    /// The list has no type.
    Empty,
    /// The list has a type that does not exist; this is its name, cut after 64 characters.
    Unknown(String),
}

impl EventTypes {
    /// All 16 types.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::sender::EventTypes;
    /// assert!(EventTypes::ALL.iter().eq(EventType::KNOWN));
    /// ```
    pub const ALL: Self = Self(u16::MAX);

    /// The set of these types.
    ///
    /// # Errors
    ///
    /// [`EventTypesError`] if there is none, or if one is unknown.
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

    /// The set of the types of these names.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::sender::EventTypes;
    /// let chosen = vec![String::from("media.uploaded")]; // for example from a form
    /// assert_eq!(EventTypes::from_names(&chosen)?, EventTypes::new([EventType::MediaUploaded])?);
    /// # Ok::<(), clarife_webhooks::sender::EventTypesError>(())
    /// ```
    pub fn from_names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, EventTypesError> {
        let mut set = 0;
        for name in names {
            set |= Self::new([EventType::from_name(name.as_ref())])?.0;
        }
        if set == 0 { Err(EventTypesError::Empty) } else { Ok(Self(set)) }
    }

    /// Whether events of this type are in the set; unknown ones never are.
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

    /// The types, in the order of clarife's documentation.
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

/// The type's bit; none if it is unknown.
fn bit(event_type: EventType<'_>) -> u16 {
    event_type.index().and_then(|index| 1_u16.checked_shl(u32::try_from(index).ok()?)).unwrap_or(0)
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
            Self::Empty => f.write_str("a subscription needs at least one event type"),
            Self::Unknown(name) => write!(f, "the event type {name:?} does not exist"),
        }
    }
}

impl core::error::Error for EventTypesError {}

//! Event types: the documented ones, and any later one.
//!
//! See [protocol, section 3.2](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-3-2).

use core::fmt;

/// The kind of the resource in an event's `data`.
///
/// ```
/// use clarife_webhooks::{EventType, ResourceKind};
/// assert_eq!(EventType::ShareUpdated.resource_kind(), ResourceKind::Share);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResourceKind {
    /// A document.
    Document,
    /// A project.
    Project,
    /// A folder.
    Folder,
    /// An uploaded file.
    Media,
    /// An AI generation run.
    Generation,
    /// A share link of a document.
    Share,
    /// A resource of unknown kind: the event's type is unknown.
    Unknown,
}

macro_rules! event_types {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $kind:ident;)+) => {
        /// The type of an event, known or unknown.
        ///
        /// An unknown type is not an error. clarife may add types at any time, and a receiver that rejected them would
        /// lose its subscription.
        ///
        /// A `match` without `_` is exhaustive. After an upgrade with more types, the compiler names the missing ones.
        ///
        /// ```
        /// use clarife_webhooks::EventType::{self, *};
        /// fn queue(event_type: EventType<'_>) -> Option<&'static str> {
        ///     match event_type {
        ///         DocumentCreated | DocumentUpdated | DocumentDeleted => Some("documents"),
        ///         ProjectCreated | ProjectUpdated | ProjectDeleted => Some("projects"),
        ///         FolderCreated | FolderUpdated | FolderDeleted => Some("folders"),
        ///         MediaUploaded => Some("media"),
        ///         GenerationStarted | GenerationCompleted | GenerationFailed => Some("generations"),
        ///         ShareCreated | ShareUpdated | ShareDeleted => Some("shares"),
        ///         Unknown(_) => None,
        ///     }
        /// }
        /// assert_eq!(queue(EventType::ShareDeleted), Some("shares"));
        /// ```
        ///
        /// Omitting a variant is a compile error:
        ///
        /// ```compile_fail,E0004
        /// # use clarife_webhooks::EventType::{self, *};
        /// # fn queue(event_type: EventType<'_>) -> Option<&'static str> {
        ///     match event_type {
        /// #         DocumentCreated | DocumentUpdated | DocumentDeleted => Some("documents"),
        /// #         ProjectCreated | ProjectUpdated | ProjectDeleted => Some("projects"),
        /// #         FolderCreated | FolderUpdated | FolderDeleted => Some("folders"),
        /// #         MediaUploaded => Some("media"),
        /// #         GenerationStarted | GenerationCompleted | GenerationFailed => Some("generations"),
        ///         ShareCreated | ShareUpdated => Some("shares"), // ShareDeleted is missing
        ///         Unknown(_) => None,
        ///     }
        /// # }
        /// ```
        ///
        /// ```
        /// use clarife_webhooks::EventType;
        /// assert_eq!(EventType::from_name("media.uploaded"), EventType::MediaUploaded);
        /// assert_eq!(EventType::from_name("video.rendered"), EventType::Unknown("video.rendered"));
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventType<'a> {
            $($(#[doc = $doc])+ $variant,)+
            /// A type that is unknown to this version, by its name.
            Unknown(&'a str),
        }

        impl<'a> EventType<'a> {
            /// Every known type, in the order of clarife's documentation.
            ///
            /// ```
            /// # use clarife_webhooks::EventType;
            /// for event_type in EventType::KNOWN {
            ///     println!("{event_type}: {}", event_type.description());
            /// }
            /// ```
            pub const KNOWN: [EventType<'static>; [$($name),+].len()] = [$(EventType::$variant,)+];

            /// Returns the type of a name.
            ///
            /// ```
            /// # use clarife_webhooks::EventType;
            /// assert_eq!(EventType::from_name("share.created"), EventType::ShareCreated);
            /// assert_eq!(EventType::from_name("Share.Created"), EventType::Unknown("Share.Created"));
            /// ```
            #[must_use]
            pub fn from_name(name: &'a str) -> Self {
                match name {
                    $($name => Self::$variant,)+
                    _ => Self::Unknown(name),
                }
            }

            /// Returns the name of the type, for example `document.updated`.
            ///
            /// ```
            /// # use clarife_webhooks::EventType;
            /// assert_eq!(EventType::DocumentUpdated.as_str(), "document.updated");
            /// assert_eq!(EventType::Unknown("video.rendered").as_str(), "video.rendered");
            /// ```
            #[must_use]
            pub const fn as_str(self) -> &'a str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown(name) => name,
                }
            }

            /// Returns a description of the event, in one sentence.
            ///
            /// ```
            /// # use clarife_webhooks::EventType;
            /// assert_eq!(EventType::DocumentDeleted.description(), "A document was moved to the trash.");
            /// ```
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)+
                    Self::Unknown(_) => "An event of a type that is unknown to this version.",
                }
            }

            /// Returns the kind of the resource in events of this type.
            ///
            /// ```
            /// # use clarife_webhooks::{EventType, ResourceKind};
            /// assert_eq!(EventType::MediaUploaded.resource_kind(), ResourceKind::Media);
            /// assert_eq!(EventType::Unknown("video.rendered").resource_kind(), ResourceKind::Unknown);
            /// ```
            #[must_use]
            pub const fn resource_kind(self) -> ResourceKind {
                match self {
                    $(Self::$variant => ResourceKind::$kind,)+
                    Self::Unknown(_) => ResourceKind::Unknown,
                }
            }
        }
    };
}

event_types! {
    /// A document was created.
    DocumentCreated = "document.created", Document;
    /// A document was changed.
    DocumentUpdated = "document.updated", Document;
    /// A document was moved to the trash.
    DocumentDeleted = "document.deleted", Document;
    /// A project was created.
    ProjectCreated = "project.created", Project;
    /// A project was renamed or moved.
    ProjectUpdated = "project.updated", Project;
    /// A project was deleted.
    ProjectDeleted = "project.deleted", Project;
    /// A folder was created.
    FolderCreated = "folder.created", Folder;
    /// A folder was renamed.
    FolderUpdated = "folder.updated", Folder;
    /// A folder was deleted.
    FolderDeleted = "folder.deleted", Folder;
    /// A file was uploaded and confirmed.
    MediaUploaded = "media.uploaded", Media;
    /// An AI generation run has started.
    GenerationStarted = "generation.started", Generation;
    /// An AI generation run has succeeded.
    GenerationCompleted = "generation.completed", Generation;
    /// An AI generation run has failed.
    GenerationFailed = "generation.failed", Generation;
    /// A share link was created.
    ShareCreated = "share.created", Share;
    /// A share link was changed.
    ShareUpdated = "share.updated", Share;
    /// A share link was deleted.
    ShareDeleted = "share.deleted", Share;
}

impl EventType<'_> {
    /// Returns whether this version knows the type.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// assert!(EventType::from_name("folder.created").is_known());
    /// assert!(!EventType::from_name("video.rendered").is_known());
    /// ```
    #[must_use]
    pub const fn is_known(self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// Returns the index of the type in [`KNOWN`](Self::KNOWN), or `None` for an unknown type.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// assert_eq!(EventType::DocumentUpdated.index(), Some(1));
    /// assert_eq!(EventType::Unknown("video.rendered").index(), None);
    /// ```
    #[must_use]
    pub fn index(self) -> Option<usize> {
        Self::KNOWN.iter().position(|known| *known == self)
    }
}

impl fmt::Display for EventType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

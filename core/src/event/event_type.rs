//! The types of events (protocol, section 3: 16 of them, and whatever comes later).

use core::fmt;

/// What kind of resource an event's `data` is.
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
    /// A run of AI generation.
    Generation,
    /// A share link of a document.
    Share,
    /// The event's type is unknown, and so is what its data is.
    Unknown,
}

macro_rules! event_types {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $kind:ident;)+) => {
        /// The type of an event: one of the known ones, or one that this version does not know.
        ///
        /// An unknown type is no error: clarife may add types at any time, and a receiver that refused them would lose its subscription.
        ///
        /// A `match` without `_` is exhaustive: after an upgrade that knows more types, the compiler names those that it lacks.
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
        /// One type less, and it is no program:
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
        /// assert_eq!(EventType::KNOWN.len(), 16);
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventType<'a> {
            $($(#[doc = $doc])+ $variant,)+
            /// A type that this version does not know, by its name.
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
            pub const KNOWN: [EventType<'static>; 16] = [$(EventType::$variant,)+];

            /// The type of that name.
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

            /// The type's name, for example `document.updated`.
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

            /// What the event says, in one sentence.
            ///
            /// ```
            /// # use clarife_webhooks::EventType;
            /// assert_eq!(EventType::DocumentDeleted.description(), "A document was moved to the trash.");
            /// ```
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)+
                    Self::Unknown(_) => "An event of a type that this version does not know.",
                }
            }

            /// What kind of resource an event of this type is about.
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
    /// A run of AI generation has started.
    GenerationStarted = "generation.started", Generation;
    /// A run of AI generation has ended well.
    GenerationCompleted = "generation.completed", Generation;
    /// A run of AI generation has failed.
    GenerationFailed = "generation.failed", Generation;
    /// A share link was created.
    ShareCreated = "share.created", Share;
    /// A share link was changed.
    ShareUpdated = "share.updated", Share;
    /// A share link was deleted.
    ShareDeleted = "share.deleted", Share;
}

impl EventType<'_> {
    /// Whether this version knows the type.
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

    /// The type's place in [`KNOWN`](Self::KNOWN), if it is there.
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

//! The resources that `data` holds (protocol, section 3, "Resources in `data`").
//!
//! clarife documents what its API answers with; its events may carry less or more. So every member is optional, `null` reads
//! as absent, and members that are not listed here are kept in `extra`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::event_type::ResourceKind;

/// `data` of an event, typed; see [`Event::resource`](crate::Event::resource).
///
/// ```
/// use clarife_webhooks::{Event, Resource};
/// # let raw = br#"{"id":"1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{"filename":"a"}}"#;
/// match Event::parse_trusted(raw)?.resource()? {
///     Resource::Media(media) => assert_eq!(media.filename.as_deref(), Some("a")),
///     Resource::Unknown(members) => println!("something new with {} members", members.len()),
///     _ => println!("not of interest"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Resource {
    /// Of a `document.…` event.
    Document(Document),
    /// Of a `project.…` event.
    Project(Project),
    /// Of a `folder.…` event.
    Folder(Folder),
    /// Of a `media.…` event.
    Media(Media),
    /// Of a `generation.…` event.
    Generation(Generation),
    /// Of a `share.…` event.
    Share(Share),
    /// Of an event whose type is unknown.
    Unknown(Map<String, Value>),
}

/// A resource as data, for `cargo xtask codegen`: the types of every other language are made from this.
#[cfg(feature = "model")]
#[derive(Debug, Clone, Copy)]
pub struct ResourceModel {
    /// The type's name.
    pub name: &'static str,
    /// What it is, in one or more sentences.
    pub doc: &'static str,
    /// The documented members, in order.
    pub members: &'static [MemberModel],
}

/// A documented member of a resource.
#[cfg(feature = "model")]
#[derive(Debug, Clone, Copy)]
pub struct MemberModel {
    /// The member's name in JSON.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its Rust type: `String`, `i64`, `bool`, `Value`, another resource's name, or `Vec` of one of these.
    pub kind: &'static str,
    /// Whether clarife documents `null` for it. (Reading takes `null` for every member.)
    pub nullable: bool,
}

macro_rules! resources {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident {
            $($(#[doc = $member:literal])+ $field:ident: $type:ty $(| $null:ident)?;)*
        }
    )+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// [`Event::resource`](crate::Event::resource) reads it from an event; any JSON can be read without one.
            ///
            /// ```
            #[doc = concat!("use clarife_webhooks::", stringify!($name), ";")]
            #[doc = concat!("let read: ", stringify!($name), r##" = serde_json::from_str(r#"{"colour":"blue"}"#)?;"##)]
            /// assert_eq!(read.extra["colour"], "blue"); // not documented, but kept
            /// assert_eq!(serde_json::to_string(&read)?, r#"{"colour":"blue"}"#); // what is `None` is left out
            /// # Ok::<(), serde_json::Error>(())
            /// ```
            #[derive(Debug, Clone, PartialEq, Default, Serialize)]
            pub struct $name {
                $(
                    $(#[doc = $member])+
                    #[serde(skip_serializing_if = "Option::is_none")]
                    pub $field: Option<$type>,
                )*
                /// Every other member, as it came.
                #[serde(flatten)]
                pub extra: Map<String, Value>,
            }

            // What serde derives for a flattened map builds every value twice.
            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    #[derive(Deserialize)]
                    #[serde(field_identifier)]
                    #[allow(non_camel_case_types)]
                    enum Member {
                        $($field,)*
                        Other(String),
                    }

                    struct Members;

                    impl<'de> Visitor<'de> for Members {
                        type Value = $name;

                        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str("an object")
                        }

                        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<$name, A::Error> {
                            let mut read = $name::default();
                            while let Some(member) = members.next_key()? {
                                match member {
                                    $(Member::$field => read.$field = check_range(members.next_value()?)?,)*
                                    Member::Other(name) => {
                                        read.extra.insert(name, check_range(members.next_value()?)?);
                                    }
                                }
                            }
                            Ok(read)
                        }
                    }

                    deserializer.deserialize_map(Members)
                }
            }
        )+

        /// Every resource and its parts.
        #[cfg(feature = "model")]
        pub const RESOURCE_MODELS: &[ResourceModel] = &[$(
            ResourceModel {
                name: stringify!($name),
                doc: concat!($($doc),+).trim_ascii(),
                members: &[$(
                    MemberModel {
                        name: stringify!($field),
                        doc: concat!($($member),+).trim_ascii(),
                        kind: stringify!($type),
                        nullable: [$(stringify!($null),)? ""].len() > 1,
                    },
                )*],
            },
        )+];
    };
}

resources! {
    /// A document.
    Document {
        /// Identifies the document; opaque.
        id: String;
        /// The title.
        title: String;
        /// The description.
        description: String;
        /// When the document was created, RFC 3339.
        created_at: String;
        /// When the document was last changed, RFC 3339.
        updated_at: String;
        /// How many blocks the content has.
        block_count: i64;
        /// How many screenshots the content has.
        screenshot_count: i64;
        /// How many words the content has.
        word_count: i64;
        /// Who may see the document, for example `private`.
        visibility: String;
        /// The template that the document was made from.
        template: Value | null;
        /// The branding that the document is shown with.
        branding_id: String | null;
        /// The project that the document belongs to.
        project_id: String | null;
        /// What the document says.
        content: Content;
    }

    /// What a document says.
    Content {
        /// About the content as a whole.
        meta: ContentMeta;
        /// The blocks, in order.
        blocks: Vec<Block>;
    }

    /// About a document's content as a whole.
    ContentMeta {
        /// The version of the content's format.
        version: i64;
        /// The language, for example `en`.
        locale: String;
    }

    /// A block of a document.
    Block {
        /// What the block is, for example `heading`, `text` or `screenshot`.
        r#type: String;
        /// The text; HTML in a `text` block.
        content: String;
        /// The file that the block shows.
        media_id: String;
    }

    /// A share link of a document.
    Share {
        /// Identifies the share link; opaque.
        id: String;
        /// The document that is shared.
        document_id: String;
        /// When the link was created, RFC 3339.
        created_at: String;
        /// Whether the link works.
        is_active: bool;
        /// Whether a password is asked for.
        has_password: bool;
        /// Whether the branding is shown.
        show_branding: bool;
        /// Whether the document may be embedded in other pages.
        embed_allowed: bool;
        /// How often the link was opened.
        view_count: i64;
        /// By how many people the link was opened.
        unique_viewers: i64;
        /// When the link ends, RFC 3339.
        expires_at: String | null;
        /// When the link was last opened, RFC 3339.
        last_viewed_at: String | null;
        /// How the document is embedded.
        embed_type: String | null;
        /// The branding that the document is shown with.
        branding_id: String | null;
        /// The link.
        url: String;
        /// The last part of the link.
        slug: String;
        /// How the document is shown, for example `minimalistic` or `with_navigation`.
        view_style: String;
        /// Who may open the link, by e-mail address.
        allowed_emails: Vec<String>;
        /// Who may open the link, by the domain of the e-mail address.
        allowed_domains: Vec<String>;
    }

    /// An uploaded file.
    Media {
        /// Identifies the file; opaque. (A file has no `id`.)
        media_id: String;
        /// The document that the file belongs to.
        document_id: String;
        /// The file's name.
        filename: String;
        /// The file's media type, for example `image/png`.
        mime_type: String;
        /// Where the file is stored.
        b2_key: String;
        /// The file's size, in bytes.
        file_size_bytes: i64;
    }

    /// A project. clarife publishes no shape for it.
    Project {
        /// Identifies the project; opaque.
        id: String;
    }

    /// A folder. clarife publishes no shape for it.
    Folder {
        /// Identifies the folder; opaque.
        id: String;
    }

    /// A run of AI generation. clarife publishes no shape for it.
    Generation {
        /// Identifies the run; opaque.
        id: String;
    }
}

/// `data` that is not of the documented shape, with the JSON path of the place.
///
/// ```
/// # use clarife_webhooks::Event;
/// let raw = br#"{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"block_count":"3"}}"#;
/// let error = Event::parse_trusted(raw)?.resource().unwrap_err();
/// assert_eq!(error.path(), "$.data.block_count");
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceError {
    path: String,
}

impl ResourceError {
    /// Where the value stands that has another type than documented, for example `$.data.content.blocks[1].type`.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// # let raw = br#"{"id":"1","type":"share.updated","created_at":"2026-03-28T12:00:00Z","data":{"slug":7}}"#;
    /// if let Err(error) = Event::parse_trusted(raw)?.resource() {
    ///     assert_eq!(error.path(), "$.data.slug"); // a number where a string is documented
    /// }
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the data is not of the documented shape at {}", self.path)
    }
}

impl core::error::Error for ResourceError {}

impl Resource {
    pub(crate) fn from_json(kind: ResourceKind, json: &str) -> Result<Self, ResourceError> {
        Ok(match kind {
            ResourceKind::Document => Self::Document(read(json)?),
            ResourceKind::Project => Self::Project(read(json)?),
            ResourceKind::Folder => Self::Folder(read(json)?),
            ResourceKind::Media => Self::Media(read(json)?),
            ResourceKind::Generation => Self::Generation(read(json)?),
            ResourceKind::Share => Self::Share(read(json)?),
            ResourceKind::Unknown => Self::Unknown(read::<UnknownMembers>(json)?.0),
        })
    }
}

/// A value whose numbers are all within the range of doubles.
///
/// `serde_json` refuses other numbers itself, but not where any crate switches on its feature `arbitrary_precision`.
trait Finite {
    fn is_finite(&self) -> bool {
        true
    }
}

macro_rules! finite {
    ($($type:ty),+) => {$(impl Finite for $type {})+};
}

// The documented types check their own members.
finite!(String, i64, bool, Content, ContentMeta, Block);

impl<T: Finite> Finite for Option<T> {
    fn is_finite(&self) -> bool {
        self.as_ref().is_none_or(T::is_finite)
    }
}

impl<T: Finite> Finite for Vec<T> {
    fn is_finite(&self) -> bool {
        self.iter().all(T::is_finite)
    }
}

impl Finite for Map<String, Value> {
    fn is_finite(&self) -> bool {
        self.values().all(Value::is_finite)
    }
}

impl Finite for Value {
    fn is_finite(&self) -> bool {
        match self {
            Self::Number(number) => number.as_f64().is_some_and(f64::is_finite),
            Self::Array(elements) => elements.is_finite(),
            Self::Object(members) => members.is_finite(),
            Self::Null | Self::Bool(_) | Self::String(_) => true,
        }
    }
}

fn check_range<T: Finite, E: serde::de::Error>(value: T) -> Result<T, E> {
    if value.is_finite() { Ok(value) } else { Err(E::custom("a number is out of range")) }
}

/// The members of an event whose type is unknown.
struct UnknownMembers(Map<String, Value>);

impl<'de> Deserialize<'de> for UnknownMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        check_range(Map::deserialize(deserializer)?).map(Self)
    }
}

/// Reads, and only where that fails once more to learn where: keeping the path costs an allocation for every member.
fn read<T: DeserializeOwned>(json: &str) -> Result<T, ResourceError> {
    serde_json::from_str(json)
        .or_else(|_| serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json)))
        .map_err(|error| {
            let path = error.path();
            let root = path.iter().next().is_none();
            let path = path.to_string();
            ResourceError { path: if root { "$.data".into() } else { ["$.data.", &path].concat() } }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_repeated_member_counts_as_in_every_language() {
        let document: Document = read(r#"{"title":"a","x":1,"title":"b","\u0078":2,"id":null}"#).unwrap();
        assert_eq!((document.title.as_deref(), document.id.as_ref()), (Some("b"), None));
        assert_eq!(serde_json::to_string(&document).unwrap(), r#"{"title":"b","x":2}"#);
    }

    #[test]
    fn an_error_names_the_place() {
        for (json, path) in [
            ("[]", "$.data"),
            (r#"{"content":{"blocks":[{"type":"text"},{"type":[]}]}}"#, "$.data.content.blocks[1].type"),
            (r#"{"content":{"meta":7}}"#, "$.data.content.meta"),
        ] {
            assert_eq!(read::<Document>(json).unwrap_err().path(), path);
        }
    }
}

//! Resources: the typed forms of an event's `data`.
//!
//! clarife documents the responses of its API. An event may contain fewer or more members. Every member is therefore
//! optional, `null` reads as absent, and undocumented members are kept in `extra`. See
//! [protocol, section 3.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-3-3).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::event_type::ResourceKind;

/// The typed `data` of an event. [`Event::resource`](crate::Event::resource) returns it.
///
/// ```
/// use clarife_webhooks::{Event, Resource};
/// # let raw = br#"{"id":"1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{"filename":"a"}}"#;
/// match Event::parse_trusted(raw)?.resource()? {
///     Resource::Media(media) => assert_eq!(media.filename.as_deref(), Some("a")),
///     Resource::Unknown(members) => println!("unknown type, {} members", members.len()),
///     _ => println!("another resource"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Resource {
    /// The resource of a `document.…` event.
    Document(Document),
    /// The resource of a `project.…` event.
    Project(Project),
    /// The resource of a `folder.…` event.
    Folder(Folder),
    /// The resource of a `media.…` event.
    Media(Media),
    /// The resource of a `generation.…` event.
    Generation(Generation),
    /// The resource of a `share.…` event.
    Share(Share),
    /// The members of an event of an unknown type.
    Unknown(Map<String, Value>),
}

/// The description of a resource, from which `cargo xtask codegen` generates the types of the other languages.
#[cfg(feature = "model")]
#[derive(Debug, Clone, Copy)]
pub struct ResourceModel {
    /// The name of the type.
    pub name: &'static str,
    /// The description, in one or more sentences.
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
    /// The description.
    pub doc: &'static str,
    /// The Rust type: `String`, `i64`, `bool`, `Value`, the name of another resource, or a `Vec` of one of these.
    pub kind: &'static str,
    /// `true` if clarife documents `null` for the member. The reader accepts `null` for every member.
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
            /// [`Event::resource`](crate::Event::resource) returns this type. `serde_json` reads it from other JSON.
            ///
            /// ```
            #[doc = concat!("use clarife_webhooks::", stringify!($name), ";")]
            #[doc = concat!("let resource: ", stringify!($name), r##" = serde_json::from_str(r#"{"colour":"blue"}"#)?;"##)]
            /// assert_eq!(resource.extra["colour"], "blue"); // not documented, but kept
            /// // A member that is `None` is omitted:
            /// assert_eq!(serde_json::to_string(&resource)?, r#"{"colour":"blue"}"#);
            /// # Ok::<(), serde_json::Error>(())
            /// ```
            #[derive(Debug, Clone, PartialEq, Default, Serialize)]
            pub struct $name {
                $(
                    $(#[doc = $member])+
                    #[serde(skip_serializing_if = "Option::is_none")]
                    pub $field: Option<$type>,
                )*
                /// All other members, as received.
                #[serde(flatten)]
                pub extra: Map<String, Value>,
            }

            // The derived implementation for a flattened map would build every value twice.
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
                            let mut resource = $name::default();
                            while let Some(member) = members.next_key()? {
                                match member {
                                    $(Member::$field => resource.$field = check_range(members.next_value()?)?,)*
                                    Member::Other(name) => {
                                        resource.extra.insert(name, check_range(members.next_value()?)?);
                                    }
                                }
                            }
                            Ok(resource)
                        }
                    }

                    deserializer.deserialize_map(Members)
                }
            }
        )+

        /// The descriptions of all resources and their parts.
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
        /// The document's id, an opaque string.
        id: String;
        /// The title.
        title: String;
        /// The description.
        description: String;
        /// The time of the document's creation, RFC 3339.
        created_at: String;
        /// The time of the last change, RFC 3339.
        updated_at: String;
        /// The number of blocks in the content.
        block_count: i64;
        /// The number of screenshots in the content.
        screenshot_count: i64;
        /// The number of words in the content.
        word_count: i64;
        /// The visibility, for example `private`.
        visibility: String;
        /// The template of the document.
        template: Value | null;
        /// The id of the branding.
        branding_id: String | null;
        /// The id of the document's project.
        project_id: String | null;
        /// The content.
        content: Content;
    }

    /// The content of a document.
    Content {
        /// Properties of the content as a whole.
        meta: ContentMeta;
        /// The blocks, in order.
        blocks: Vec<Block>;
    }

    /// Properties of a document's content as a whole.
    ContentMeta {
        /// The version of the content's format.
        version: i64;
        /// The language, for example `en`.
        locale: String;
    }

    /// A block of a document.
    Block {
        /// The block's type, for example `heading`, `text` or `screenshot`.
        r#type: String;
        /// The text, as HTML in a `text` block.
        content: String;
        /// The id of the file in the block.
        media_id: String;
    }

    /// A share link of a document.
    Share {
        /// The share link's id, an opaque string.
        id: String;
        /// The id of the shared document.
        document_id: String;
        /// The time of the link's creation, RFC 3339.
        created_at: String;
        /// True if the link works.
        is_active: bool;
        /// True if the link requires a password.
        has_password: bool;
        /// True if the branding is shown.
        show_branding: bool;
        /// True if other pages may embed the document.
        embed_allowed: bool;
        /// The number of views.
        view_count: i64;
        /// The number of unique viewers.
        unique_viewers: i64;
        /// The time of expiry, RFC 3339.
        expires_at: String | null;
        /// The time of the last view, RFC 3339.
        last_viewed_at: String | null;
        /// The kind of embedding.
        embed_type: String | null;
        /// The id of the branding.
        branding_id: String | null;
        /// The URL of the link.
        url: String;
        /// The last segment of the URL.
        slug: String;
        /// The view style, for example `minimalistic` or `with_navigation`.
        view_style: String;
        /// The e-mail addresses that may open the link.
        allowed_emails: Vec<String>;
        /// The e-mail domains that may open the link.
        allowed_domains: Vec<String>;
    }

    /// An uploaded file.
    Media {
        /// The file's id, an opaque string. A file has no member `id`.
        media_id: String;
        /// The id of the file's document.
        document_id: String;
        /// The file's name.
        filename: String;
        /// The file's media type, for example `image/png`.
        mime_type: String;
        /// The file's key in storage.
        b2_key: String;
        /// The file's size, in bytes.
        file_size_bytes: i64;
    }

    /// A project. clarife does not document its members.
    Project {
        /// The project's id, an opaque string.
        id: String;
    }

    /// A folder. clarife does not document its members.
    Folder {
        /// The folder's id, an opaque string.
        id: String;
    }

    /// An AI generation run. clarife does not document its members.
    Generation {
        /// The run's id, an opaque string.
        id: String;
    }
}

/// The error of `data` without the documented shape, with the JSON path of the place.
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
    /// Returns the JSON path of the value with an undocumented type, for example `$.data.content.blocks[1].type`.
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
        write!(f, "the data does not have the documented shape at {}", self.path)
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

/// A check that all numbers of a value are within the range of doubles.
///
/// `serde_json` itself rejects other numbers, except where a crate enables its feature `arbitrary_precision`.
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

/// Parses a resource. After a failure, parses once more for the path, which costs an allocation for every member.
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
    fn the_last_repeated_member_counts_as_in_every_language() {
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

//! Sample resources for test events.

use alloc::string::String;
use alloc::vec;

use serde_json::Value;

use crate::{
    Block, Content, ContentMeta, Document, EventType, Folder, Generation, Media, Project, Resource, ResourceKind, Share,
};

/// Returns a sample resource for a type, with documented members only, or `None` for an unknown type.
///
/// The ids refer to no real resources. See
/// [protocol, section 3.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-3-3).
///
/// ```
/// use clarife_webhooks::sender::sample_resource;
/// use clarife_webhooks::{EventType, Resource};
///
/// let Some(Resource::Media(media)) = sample_resource(EventType::MediaUploaded) else { unreachable!() };
/// assert_eq!(media.mime_type.as_deref(), Some("image/png"));
/// ```
#[must_use]
pub fn sample_resource(event_type: EventType<'_>) -> Option<Resource> {
    Some(match event_type.resource_kind() {
        ResourceKind::Document => Resource::Document(document(event_type)),
        ResourceKind::Project => Resource::Project(Project { id: text("prj_sample"), ..Project::default() }),
        ResourceKind::Folder => Resource::Folder(Folder { id: text("fld_sample"), ..Folder::default() }),
        ResourceKind::Media => Resource::Media(media()),
        ResourceKind::Generation => {
            Resource::Generation(Generation { id: text("gen_sample"), ..Generation::default() })
        }
        ResourceKind::Share => Resource::Share(share(event_type)),
        ResourceKind::Unknown => return None,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "every member of a resource is optional")]
fn text(text: &str) -> Option<String> {
    Some(text.into())
}

fn document(event_type: EventType<'_>) -> Document {
    let deleted = Document { id: text("doc_sample"), title: text("Getting started"), ..Document::default() };
    if event_type == EventType::DocumentDeleted {
        return deleted;
    }
    let block = |kind: &str| Block { r#type: text(kind), ..Block::default() };
    let blocks = vec![
        Block { content: text("Getting started"), ..block("heading") },
        Block { content: text("<p>Open <b>Settings</b> and choose “Team”.</p>"), ..block("text") },
        Block { media_id: text("med_sample"), ..block("screenshot") },
    ];
    let meta = ContentMeta { version: Some(1), locale: text("en"), ..ContentMeta::default() };
    Document {
        description: text("How to set up a workspace"),
        created_at: text("2026-03-27T09:30:00Z"),
        updated_at: text(if event_type == EventType::DocumentCreated {
            "2026-03-27T09:30:00Z"
        } else {
            "2026-03-28T12:00:00Z"
        }),
        block_count: Some(3),
        screenshot_count: Some(1),
        word_count: Some(7),
        visibility: text("private"),
        template: Some(Value::Null),
        project_id: text("prj_sample"),
        content: Some(Content { meta: Some(meta), blocks: Some(blocks), ..Content::default() }),
        ..deleted
    }
}

fn media() -> Media {
    Media {
        media_id: text("med_sample"),
        document_id: text("doc_sample"),
        filename: text("settings.png"),
        mime_type: text("image/png"),
        b2_key: text("media/med_sample/settings.png"),
        file_size_bytes: Some(48_213),
        ..Media::default()
    }
}

fn share(event_type: EventType<'_>) -> Share {
    let opened = event_type != EventType::ShareCreated;
    Share {
        id: text("shr_sample"),
        document_id: text("doc_sample"),
        created_at: text("2026-03-28T12:00:00Z"),
        is_active: Some(event_type != EventType::ShareDeleted),
        has_password: Some(false),
        show_branding: Some(true),
        embed_allowed: Some(false),
        view_count: Some(if opened { 12 } else { 0 }),
        unique_viewers: Some(if opened { 5 } else { 0 }),
        expires_at: text("2026-06-28T12:00:00Z"),
        last_viewed_at: opened.then(|| "2026-03-28T15:45:00Z".into()),
        url: text("https://example.com/s/getting-started"),
        slug: text("getting-started"),
        view_style: text("with_navigation"),
        allowed_emails: Some(vec!["reader@example.com".into()]),
        allowed_domains: Some(vec!["example.com".into()]),
        ..Share::default()
    }
}

# Generated from the core by `cargo xtask codegen`: do not edit.
"""Event types for type checkers, with the type of `data` for each."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, Union

from clarife_webhooks._compat import TypedDict
from clarife_webhooks._native import Event


class Document(TypedDict, total=False):
    """A document. clarife can omit any member and add others."""

    id: str
    """The document's id, an opaque string."""

    title: str
    """The title."""

    description: str
    """The description."""

    created_at: str
    """The time of the document's creation, RFC 3339."""

    updated_at: str
    """The time of the last change, RFC 3339."""

    block_count: int
    """The number of blocks in the content."""

    screenshot_count: int
    """The number of screenshots in the content."""

    word_count: int
    """The number of words in the content."""

    visibility: str
    """The visibility, for example `private`."""

    template: Any
    """The template of the document."""

    branding_id: str | None
    """The id of the branding."""

    project_id: str | None
    """The id of the document's project."""

    content: Content
    """The content."""


class Content(TypedDict, total=False):
    """The content of a document. clarife can omit any member and add others."""

    meta: ContentMeta
    """Properties of the content as a whole."""

    blocks: list[Block]
    """The blocks, in order."""


class ContentMeta(TypedDict, total=False):
    """Properties of a document's content as a whole. clarife can omit any member and add others."""

    version: int
    """The version of the content's format."""

    locale: str
    """The language, for example `en`."""


class Block(TypedDict, total=False):
    """A block of a document. clarife can omit any member and add others."""

    type: str
    """The block's type, for example `heading`, `text` or `screenshot`."""

    content: str
    """The text, as HTML in a `text` block."""

    media_id: str
    """The id of the file in the block."""


class Share(TypedDict, total=False):
    """A share link of a document. clarife can omit any member and add others."""

    id: str
    """The share link's id, an opaque string."""

    document_id: str
    """The id of the shared document."""

    created_at: str
    """The time of the link's creation, RFC 3339."""

    is_active: bool
    """True if the link works."""

    has_password: bool
    """True if the link requires a password."""

    show_branding: bool
    """True if the branding is shown."""

    embed_allowed: bool
    """True if other pages may embed the document."""

    view_count: int
    """The number of views."""

    unique_viewers: int
    """The number of unique viewers."""

    expires_at: str | None
    """The time of expiry, RFC 3339."""

    last_viewed_at: str | None
    """The time of the last view, RFC 3339."""

    embed_type: str | None
    """The kind of embedding."""

    branding_id: str | None
    """The id of the branding."""

    url: str
    """The URL of the link."""

    slug: str
    """The last segment of the URL."""

    view_style: str
    """The view style, for example `minimalistic` or `with_navigation`."""

    allowed_emails: list[str]
    """The e-mail addresses that may open the link."""

    allowed_domains: list[str]
    """The e-mail domains that may open the link."""


class Media(TypedDict, total=False):
    """An uploaded file. clarife can omit any member and add others."""

    media_id: str
    """The file's id, an opaque string. A file has no member `id`."""

    document_id: str
    """The id of the file's document."""

    filename: str
    """The file's name."""

    mime_type: str
    """The file's media type, for example `image/png`."""

    b2_key: str
    """The file's key in storage."""

    file_size_bytes: int
    """The file's size, in bytes."""


Project: TypeAlias = dict[str, Any]
"""A project. clarife does not document its members."""

Folder: TypeAlias = dict[str, Any]
"""A folder. clarife does not document its members."""

Generation: TypeAlias = dict[str, Any]
"""An AI generation run. clarife does not document its members."""

EventType: TypeAlias = Literal[
    "document.created",
    "document.updated",
    "document.deleted",
    "project.created",
    "project.updated",
    "project.deleted",
    "folder.created",
    "folder.updated",
    "folder.deleted",
    "media.uploaded",
    "generation.started",
    "generation.completed",
    "generation.failed",
    "share.created",
    "share.updated",
    "share.deleted",
]
"""An event type that this version knows, one of `EVENT_TYPES`."""

EventPattern: TypeAlias = Literal[
    "document.created",
    "document.updated",
    "document.deleted",
    "project.created",
    "project.updated",
    "project.deleted",
    "folder.created",
    "folder.updated",
    "folder.deleted",
    "media.uploaded",
    "generation.started",
    "generation.completed",
    "generation.failed",
    "share.created",
    "share.updated",
    "share.deleted",
    "document.*",
    "project.*",
    "folder.*",
    "media.*",
    "generation.*",
    "share.*",
]
"""An event type that this version knows, or a group of event types, for `Handlers.on`."""

ErrorCode: TypeAlias = Literal[
    "invalid_secret",
    "missing_signature",
    "malformed_signature",
    "timestamp_too_old",
    "timestamp_in_future",
    "signature_mismatch",
    "malformed_payload",
    "event_too_old",
    "body_not_raw",
    "body_too_large",
    "body_incomplete",
]
"""The code of a `WebhookError`, one of `ERROR_CODES`."""

ResponseCode: TypeAlias = Literal[
    "invalid_secret",
    "missing_signature",
    "malformed_signature",
    "timestamp_too_old",
    "timestamp_in_future",
    "signature_mismatch",
    "malformed_payload",
    "event_too_old",
    "body_not_raw",
    "body_too_large",
    "body_incomplete",
    "handled",
    "duplicate",
    "in_progress",
    "handler_failed",
    "store_unavailable",
    "method_not_allowed",
    "receiver_failed",
]
"""The code of a `WebhookResponse`."""

DocumentCreatedEvent: TypeAlias = Event[Literal["document.created"], Document]
"""A document was created."""

DocumentUpdatedEvent: TypeAlias = Event[Literal["document.updated"], Document]
"""A document was changed."""

DocumentDeletedEvent: TypeAlias = Event[Literal["document.deleted"], Document]
"""A document was moved to the trash."""

ProjectCreatedEvent: TypeAlias = Event[Literal["project.created"], Project]
"""A project was created."""

ProjectUpdatedEvent: TypeAlias = Event[Literal["project.updated"], Project]
"""A project was renamed or moved."""

ProjectDeletedEvent: TypeAlias = Event[Literal["project.deleted"], Project]
"""A project was deleted."""

FolderCreatedEvent: TypeAlias = Event[Literal["folder.created"], Folder]
"""A folder was created."""

FolderUpdatedEvent: TypeAlias = Event[Literal["folder.updated"], Folder]
"""A folder was renamed."""

FolderDeletedEvent: TypeAlias = Event[Literal["folder.deleted"], Folder]
"""A folder was deleted."""

MediaUploadedEvent: TypeAlias = Event[Literal["media.uploaded"], Media]
"""A file was uploaded and confirmed."""

GenerationStartedEvent: TypeAlias = Event[Literal["generation.started"], Generation]
"""An AI generation run has started."""

GenerationCompletedEvent: TypeAlias = Event[Literal["generation.completed"], Generation]
"""An AI generation run has succeeded."""

GenerationFailedEvent: TypeAlias = Event[Literal["generation.failed"], Generation]
"""An AI generation run has failed."""

ShareCreatedEvent: TypeAlias = Event[Literal["share.created"], Share]
"""A share link was created."""

ShareUpdatedEvent: TypeAlias = Event[Literal["share.updated"], Share]
"""A share link was changed."""

ShareDeletedEvent: TypeAlias = Event[Literal["share.deleted"], Share]
"""A share link was deleted."""

DocumentEvent: TypeAlias = Union[
    DocumentCreatedEvent,
    DocumentUpdatedEvent,
    DocumentDeletedEvent,
    Event[Literal["<any other type>"], Any],
]
"""An event whose type begins with `document.`, including types that clarife adds later."""

ProjectEvent: TypeAlias = Union[
    ProjectCreatedEvent,
    ProjectUpdatedEvent,
    ProjectDeletedEvent,
    Event[Literal["<any other type>"], Any],
]
"""An event whose type begins with `project.`, including types that clarife adds later."""

FolderEvent: TypeAlias = Union[
    FolderCreatedEvent,
    FolderUpdatedEvent,
    FolderDeletedEvent,
    Event[Literal["<any other type>"], Any],
]
"""An event whose type begins with `folder.`, including types that clarife adds later."""

MediaEvent: TypeAlias = Union[
    MediaUploadedEvent,
    Event[Literal["<any other type>"], Any],
]
"""An event whose type begins with `media.`, including types that clarife adds later."""

GenerationEvent: TypeAlias = Union[
    GenerationStartedEvent,
    GenerationCompletedEvent,
    GenerationFailedEvent,
    Event[Literal["<any other type>"], Any],
]
"""An event whose type begins with `generation.`, including types that clarife adds later."""

ShareEvent: TypeAlias = Union[
    ShareCreatedEvent,
    ShareUpdatedEvent,
    ShareDeletedEvent,
    Event[Literal["<any other type>"], Any],
]
"""An event whose type begins with `share.`, including types that clarife adds later."""

KnownEvent: TypeAlias = Union[
    DocumentCreatedEvent,
    DocumentUpdatedEvent,
    DocumentDeletedEvent,
    ProjectCreatedEvent,
    ProjectUpdatedEvent,
    ProjectDeletedEvent,
    FolderCreatedEvent,
    FolderUpdatedEvent,
    FolderDeletedEvent,
    MediaUploadedEvent,
    GenerationStartedEvent,
    GenerationCompletedEvent,
    GenerationFailedEvent,
    ShareCreatedEvent,
    ShareUpdatedEvent,
    ShareDeletedEvent,
]
"""An event of a type that this version knows."""

UnknownEvent: TypeAlias = Event[Literal["<any other type>"], dict[str, Any]]
"""An event of a type that this version does not know.

At run time, `type` is any other str. For type checkers, it is a literal that no type equals: they
narrow by `event.type` only if it is a literal in every member of the union."""

WebhookEvent: TypeAlias = Union[KnownEvent, UnknownEvent]
"""The result of `Webhook.verify`. Comparing `type` narrows `data`."""

__all__ = [
    "Block",
    "Content",
    "ContentMeta",
    "Document",
    "DocumentCreatedEvent",
    "DocumentDeletedEvent",
    "DocumentEvent",
    "DocumentUpdatedEvent",
    "ErrorCode",
    "EventPattern",
    "EventType",
    "Folder",
    "FolderCreatedEvent",
    "FolderDeletedEvent",
    "FolderEvent",
    "FolderUpdatedEvent",
    "Generation",
    "GenerationCompletedEvent",
    "GenerationEvent",
    "GenerationFailedEvent",
    "GenerationStartedEvent",
    "KnownEvent",
    "Media",
    "MediaEvent",
    "MediaUploadedEvent",
    "Project",
    "ProjectCreatedEvent",
    "ProjectDeletedEvent",
    "ProjectEvent",
    "ProjectUpdatedEvent",
    "ResponseCode",
    "Share",
    "ShareCreatedEvent",
    "ShareDeletedEvent",
    "ShareEvent",
    "ShareUpdatedEvent",
    "UnknownEvent",
    "WebhookEvent",
]

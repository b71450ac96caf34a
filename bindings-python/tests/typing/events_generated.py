# Generated from the core by `cargo xtask codegen`: do not edit.
"""Every event type that the core knows narrows an event to its data, and the default is an unknown event."""

from typing_extensions import assert_type

from clarife_webhooks import Document, Folder, Generation, Media, Project, Share, UnknownEvent, WebhookEvent


def narrow(event: WebhookEvent) -> None:
    match event.type:
        case "document.created":
            assert_type(event.data, Document)
        case "document.updated":
            assert_type(event.data, Document)
        case "document.deleted":
            assert_type(event.data, Document)
        case "project.created":
            assert_type(event.data, Project)
        case "project.updated":
            assert_type(event.data, Project)
        case "project.deleted":
            assert_type(event.data, Project)
        case "folder.created":
            assert_type(event.data, Folder)
        case "folder.updated":
            assert_type(event.data, Folder)
        case "folder.deleted":
            assert_type(event.data, Folder)
        case "media.uploaded":
            assert_type(event.data, Media)
        case "generation.started":
            assert_type(event.data, Generation)
        case "generation.completed":
            assert_type(event.data, Generation)
        case "generation.failed":
            assert_type(event.data, Generation)
        case "share.created":
            assert_type(event.data, Share)
        case "share.updated":
            assert_type(event.data, Share)
        case "share.deleted":
            assert_type(event.data, Share)
        case _:
            assert_type(event, UnknownEvent)

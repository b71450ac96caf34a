# Generated from the core by `cargo xtask codegen`: do not edit.
"""`Handlers`: one function for each event type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

from clarife_webhooks._dispatch import Dispatcher
from clarife_webhooks._types import (
    DocumentCreatedEvent,
    DocumentDeletedEvent,
    DocumentEvent,
    DocumentUpdatedEvent,
    EventPattern,
    FolderCreatedEvent,
    FolderDeletedEvent,
    FolderEvent,
    FolderUpdatedEvent,
    GenerationCompletedEvent,
    GenerationEvent,
    GenerationFailedEvent,
    GenerationStartedEvent,
    MediaEvent,
    MediaUploadedEvent,
    ProjectCreatedEvent,
    ProjectDeletedEvent,
    ProjectEvent,
    ProjectUpdatedEvent,
    ShareCreatedEvent,
    ShareDeletedEvent,
    ShareEvent,
    ShareUpdatedEvent,
)

_DocumentCreatedEvent = TypeVar("_DocumentCreatedEvent", bound=Callable[[DocumentCreatedEvent], object])
_DocumentUpdatedEvent = TypeVar("_DocumentUpdatedEvent", bound=Callable[[DocumentUpdatedEvent], object])
_DocumentDeletedEvent = TypeVar("_DocumentDeletedEvent", bound=Callable[[DocumentDeletedEvent], object])
_ProjectCreatedEvent = TypeVar("_ProjectCreatedEvent", bound=Callable[[ProjectCreatedEvent], object])
_ProjectUpdatedEvent = TypeVar("_ProjectUpdatedEvent", bound=Callable[[ProjectUpdatedEvent], object])
_ProjectDeletedEvent = TypeVar("_ProjectDeletedEvent", bound=Callable[[ProjectDeletedEvent], object])
_FolderCreatedEvent = TypeVar("_FolderCreatedEvent", bound=Callable[[FolderCreatedEvent], object])
_FolderUpdatedEvent = TypeVar("_FolderUpdatedEvent", bound=Callable[[FolderUpdatedEvent], object])
_FolderDeletedEvent = TypeVar("_FolderDeletedEvent", bound=Callable[[FolderDeletedEvent], object])
_MediaUploadedEvent = TypeVar("_MediaUploadedEvent", bound=Callable[[MediaUploadedEvent], object])
_GenerationStartedEvent = TypeVar("_GenerationStartedEvent", bound=Callable[[GenerationStartedEvent], object])
_GenerationCompletedEvent = TypeVar("_GenerationCompletedEvent", bound=Callable[[GenerationCompletedEvent], object])
_GenerationFailedEvent = TypeVar("_GenerationFailedEvent", bound=Callable[[GenerationFailedEvent], object])
_ShareCreatedEvent = TypeVar("_ShareCreatedEvent", bound=Callable[[ShareCreatedEvent], object])
_ShareUpdatedEvent = TypeVar("_ShareUpdatedEvent", bound=Callable[[ShareUpdatedEvent], object])
_ShareDeletedEvent = TypeVar("_ShareDeletedEvent", bound=Callable[[ShareDeletedEvent], object])
_DocumentEvent = TypeVar("_DocumentEvent", bound=Callable[[DocumentEvent], object])
_ProjectEvent = TypeVar("_ProjectEvent", bound=Callable[[ProjectEvent], object])
_FolderEvent = TypeVar("_FolderEvent", bound=Callable[[FolderEvent], object])
_MediaEvent = TypeVar("_MediaEvent", bound=Callable[[MediaEvent], object])
_GenerationEvent = TypeVar("_GenerationEvent", bound=Callable[[GenerationEvent], object])
_ShareEvent = TypeVar("_ShareEvent", bound=Callable[[ShareEvent], object])


class Handlers(Dispatcher):
    """Functions that handle events by type. Pass it as a handler.

    Exactly one function runs for an event: the one for its type, or else for its group (`document.*`), or else
    `otherwise`. An event without a function counts as handled.

    >>> handlers = Handlers()
    >>> @handlers.on("document.updated")
    ... def changed(event):
    ...     print("changed:", event.data.get("title"))
    >>> @handlers.on("document.*")
    ... def other_document(event):
    ...     print("a document:", event.type)
    >>> @handlers.otherwise
    ... def anything_else(event):
    ...     print("not for us:", event.type)

    >>> from clarife_webhooks.testing import sample_event, signed_request
    >>> webhook = Webhook("whsec_c2VjcmV0")
    >>> for type in ("document.updated", "document.created", "media.uploaded"):
    ...     request = signed_request(sample_event(type), webhook)
    ...     response = receive(webhook, request.body, request.headers, handlers)
    changed: Getting started
    a document: document.created
    not for us: media.uploaded

    With an asynchronous adapter, the functions can be coroutine functions (`async def`).
    """

    @overload
    def on(self, pattern: Literal["document.created"], /) -> Callable[[_DocumentCreatedEvent], _DocumentCreatedEvent]: ...
    @overload
    def on(self, pattern: Literal["document.updated"], /) -> Callable[[_DocumentUpdatedEvent], _DocumentUpdatedEvent]: ...
    @overload
    def on(self, pattern: Literal["document.deleted"], /) -> Callable[[_DocumentDeletedEvent], _DocumentDeletedEvent]: ...
    @overload
    def on(self, pattern: Literal["project.created"], /) -> Callable[[_ProjectCreatedEvent], _ProjectCreatedEvent]: ...
    @overload
    def on(self, pattern: Literal["project.updated"], /) -> Callable[[_ProjectUpdatedEvent], _ProjectUpdatedEvent]: ...
    @overload
    def on(self, pattern: Literal["project.deleted"], /) -> Callable[[_ProjectDeletedEvent], _ProjectDeletedEvent]: ...
    @overload
    def on(self, pattern: Literal["folder.created"], /) -> Callable[[_FolderCreatedEvent], _FolderCreatedEvent]: ...
    @overload
    def on(self, pattern: Literal["folder.updated"], /) -> Callable[[_FolderUpdatedEvent], _FolderUpdatedEvent]: ...
    @overload
    def on(self, pattern: Literal["folder.deleted"], /) -> Callable[[_FolderDeletedEvent], _FolderDeletedEvent]: ...
    @overload
    def on(self, pattern: Literal["media.uploaded"], /) -> Callable[[_MediaUploadedEvent], _MediaUploadedEvent]: ...
    @overload
    def on(self, pattern: Literal["generation.started"], /) -> Callable[[_GenerationStartedEvent], _GenerationStartedEvent]: ...
    @overload
    def on(self, pattern: Literal["generation.completed"], /) -> Callable[[_GenerationCompletedEvent], _GenerationCompletedEvent]: ...
    @overload
    def on(self, pattern: Literal["generation.failed"], /) -> Callable[[_GenerationFailedEvent], _GenerationFailedEvent]: ...
    @overload
    def on(self, pattern: Literal["share.created"], /) -> Callable[[_ShareCreatedEvent], _ShareCreatedEvent]: ...
    @overload
    def on(self, pattern: Literal["share.updated"], /) -> Callable[[_ShareUpdatedEvent], _ShareUpdatedEvent]: ...
    @overload
    def on(self, pattern: Literal["share.deleted"], /) -> Callable[[_ShareDeletedEvent], _ShareDeletedEvent]: ...
    @overload
    def on(self, pattern: Literal["document.*"], /) -> Callable[[_DocumentEvent], _DocumentEvent]: ...
    @overload
    def on(self, pattern: Literal["project.*"], /) -> Callable[[_ProjectEvent], _ProjectEvent]: ...
    @overload
    def on(self, pattern: Literal["folder.*"], /) -> Callable[[_FolderEvent], _FolderEvent]: ...
    @overload
    def on(self, pattern: Literal["media.*"], /) -> Callable[[_MediaEvent], _MediaEvent]: ...
    @overload
    def on(self, pattern: Literal["generation.*"], /) -> Callable[[_GenerationEvent], _GenerationEvent]: ...
    @overload
    def on(self, pattern: Literal["share.*"], /) -> Callable[[_ShareEvent], _ShareEvent]: ...
    def on(self, pattern: EventPattern, /) -> Callable[[Any], Any]:
        """Registers a function for an event type (`document.updated`) or a group (`document.*`). Use it as a decorator.

        Type checkers infer the event of the function from the pattern. One function can have several decorators.
        Raises ValueError if this version does not know the type, or if the pattern has a function already.

        >>> @Handlers().on("media.uploaded")
        ... def uploaded(event):
        ...     print(event.data.get("filename"))
        """
        return self._on(pattern)

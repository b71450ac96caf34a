"""Types of handlers, stores and adapters."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

import redis
import redis.asyncio
from aiohttp import web
from django.http import HttpResponse
from django.urls import path
from fastapi import Depends, FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Route
from typing_extensions import assert_type

import clarife_webhooks.aiohttp
import clarife_webhooks.asgi
import clarife_webhooks.django
import clarife_webhooks.fastapi
import clarife_webhooks.flask
import clarife_webhooks.wsgi
from clarife_webhooks import (
    Claim,
    Dedup,
    DedupStore,
    Document,
    DocumentCreatedEvent,
    DocumentEvent,
    DocumentUpdatedEvent,
    Handlers,
    MediaUploadedEvent,
    MemoryStore,
    ReceiveOptions,
    ResponseCode,
    UnknownEvent,
    Webhook,
    WebhookError,
    WebhookEvent,
    WebhookResponse,
    receive,
    receive_async,
)
from clarife_webhooks.redis import AsyncRedisStore, RedisStore
from clarife_webhooks.testing import Clock, Deliveries, SampleEvent, sample_event, signed_request

webhook = Webhook("whsec_c2VjcmV0", standard_webhooks=True, clock=Clock())
Webhook("whsec_c2VjcmV0", clock=lambda: datetime.now(timezone.utc))
Webhook("whsec_c2VjcmV0", clock=lambda: "now")  # type: ignore[arg-type, return-value] # pyright: ignore[reportArgumentType]
assert_type(webhook.max_event_age, int | None)
assert_type(webhook.sign_standard(b"{}", id="evt_1"), dict[str, str])
webhook.sign_standard(b"{}")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]

# --- dispatch ---

handlers = Handlers()


@handlers.on("document.updated")
def changed(event: DocumentUpdatedEvent) -> None:
    print(event.data.get("title"))



@handlers.on("document.*")
async def any_document(event: DocumentEvent) -> None:
    """Also receives types that clarife adds later; their data is likely a document."""
    if event.type == "document.created":
        assert_type(event, DocumentCreatedEvent)
        assert_type(event.data, Document)
    index(event.data)


def index(document: Document) -> None: ...


@handlers.on("share.created")
@handlers.on("share.*")
def takes_everything(event: WebhookEvent) -> int:
    return len(event.raw)


@handlers.otherwise
def anything_else(event: WebhookEvent) -> None:
    if event.type == "media.uploaded":
        assert_type(event, MediaUploadedEvent)


anything_else(webhook.verify(b"", None))
handlers.on("media.uploaded")(changed)  # type: ignore[type-var] # pyright: ignore[reportArgumentType]
handlers.on("document.renamed")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]


def from_elsewhere(pattern: str) -> None:
    handlers.on(pattern)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]


@handlers.otherwise  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
def not_for_everything(event: UnknownEvent) -> None: ...


# --- responses and stores ---


def no_event(event: DocumentUpdatedEvent) -> None: ...


def reported(error: Exception, event: WebhookEvent | None) -> None:
    if isinstance(error, WebhookError):
        assert_type(error.hint, str)


async def in_a_loop(client: "redis.Redis", async_client: "redis.asyncio.Redis") -> None:
    response = await receive_async(webhook, b"", {}, handlers, dedup=AsyncRedisStore(async_client), on_error=reported)
    assert_type(response, WebhookResponse)
    assert_type(response.code, ResponseCode)
    await receive_async(webhook, b"", {}, handlers, dedup=RedisStore(client))
    receive(webhook, b"", {}, handlers, dedup=RedisStore(client))
    receive(webhook, b"", {}, handlers, dedup=Dedup(RedisStore(client), claim_ttl=30))
    receive(webhook, b"", {}, handlers, dedup=MemoryStore())
    receive(webhook, b"", {}, handlers, dedup=AsyncRedisStore(async_client))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    receive(webhook, b"", {}, no_event)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    receive(webhook, b"", {}, handlers, dedup={})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    receive(webhook, b"", {}, handlers, on_error=print)
    receive(webhook, b"", {}, handlers, max_body_bytes=None)
    receive(webhook, b"", {}, handlers, max_body_bytes="1 MB")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    receive(webhook, b"", {}, handlers, max_body=1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    receive(webhook, {}, {}, handlers)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    if response.code == "refused":  # type: ignore[comparison-overlap] # pyright: ignore[reportUnnecessaryComparison]
        ...


class Rows:
    def claim(self, id: str, ttl: float) -> Claim:
        return Claim("done") if id else Claim("new", "a token")

    def complete(self, id: str, token: str, ttl: float) -> None: ...
    def release(self, id: str, token: str) -> None: ...


mine: DedupStore = Rows()
assert_type(mine.claim("evt_1", 60).state, Literal["new", "in_progress", "done"])
Claim("old")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

# --- adapters ---

asgi = clarife_webhooks.asgi.receiver(webhook, handlers, dedup=Dedup(MemoryStore()), max_body_bytes=1_000_000)
Starlette(routes=[Route("/webhooks/clarife", asgi)])
Starlette().mount("/webhooks", asgi)

app = FastAPI()
clarife_event = clarife_webhooks.fastapi.verified_event(webhook, dedup=MemoryStore())
limits: ReceiveOptions = {"max_body_bytes": 1_000_000}
clarife_webhooks.wsgi.receiver(webhook, handlers, **limits)


@app.post("/webhooks/clarife")
async def fastapi_receive(event: Annotated[WebhookEvent, Depends(clarife_event, scope="function")]) -> None:
    if event.type == "document.updated":
        assert_type(event.data, Document)


flask = Flask(__name__)
flask.add_url_rule("/webhooks/clarife", view_func=clarife_webhooks.flask.receiver(webhook, handlers))
flask.wsgi_app = clarife_webhooks.wsgi.receiver(webhook, handlers)  # type: ignore[method-assign]

assert_type(clarife_webhooks.django.receiver(webhook, handlers), Callable[..., HttpResponse])
assert_type(clarife_webhooks.django.async_receiver(webhook, handlers), Callable[..., Coroutine[Any, Any, HttpResponse]])
urlpatterns = [
    path("webhooks/clarife", clarife_webhooks.django.receiver(webhook, handlers)),
    path("webhooks/clarife-async", clarife_webhooks.django.async_receiver(webhook, handlers)),
]

web.Application().router.add_post("/webhooks/clarife", clarife_webhooks.aiohttp.receiver(webhook, handlers))


# --- tests of users ---


def test_mine(clarife_webhooks: Deliveries) -> None:
    assert_type(clarife_webhooks.signed_request("document.updated", data={"title": "Start"}).body, bytes)
    clarife_webhooks.signed_request("document.renamed")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert_type(sample_event("media.uploaded"), SampleEvent)
    assert_type(signed_request(sample_event("media.uploaded"), webhook).headers, dict[str, str])

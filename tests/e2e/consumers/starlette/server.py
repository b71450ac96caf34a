"""A webhook receiver with Starlette: one function for each event type."""

import os

from starlette.applications import Starlette
from starlette.routing import Route

from clarife_webhooks import DocumentUpdatedEvent, Handlers, MemoryStore, Webhook, WebhookEvent
from clarife_webhooks.asgi import receiver

webhook = Webhook(os.environ.get("CLARIFE_WEBHOOK_SECRET"), max_event_age=900)
handlers = Handlers()


@handlers.on("document.updated")
async def changed(event: DocumentUpdatedEvent) -> None:
    print(event.type, event.data.get("title"))


@handlers.otherwise
async def anything_else(event: WebhookEvent) -> None:
    print("not for us:", event.type)


app = Starlette(routes=[Route("/webhooks/clarife", receiver(webhook, handlers, dedup=MemoryStore()))])

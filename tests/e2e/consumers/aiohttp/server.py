"""A webhook receiver with aiohttp."""

import os

from aiohttp import web

from clarife_webhooks import MemoryStore, Webhook, WebhookEvent
from clarife_webhooks.aiohttp import receiver

webhook = Webhook(os.environ.get("CLARIFE_WEBHOOK_SECRET"), max_event_age=900)


async def handle(event: WebhookEvent) -> None:
    if event.type == "document.updated":
        print(event.type, event.data.get("title"))


app = web.Application()
app.router.add_post("/webhooks/clarife", receiver(webhook, handle, dedup=MemoryStore()))

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(os.environ.get("PORT", "3000")), print=None)

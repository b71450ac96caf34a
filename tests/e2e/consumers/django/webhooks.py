"""A webhook receiver with Django."""

import os

from clarife_webhooks import MemoryStore, Webhook, WebhookEvent
from clarife_webhooks.django import receiver

webhook = Webhook(os.environ.get("CLARIFE_WEBHOOK_SECRET"), max_event_age=900)


def handle(event: WebhookEvent) -> None:
    if event.type == "document.updated":
        print(event.type, event.data.get("title"))


receive = receiver(webhook, handle, dedup=MemoryStore())  # exempt from CSRF protection, which the signature replaces

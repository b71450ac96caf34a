"""A webhook receiver with Flask."""

import os

from flask import Flask

from clarife_webhooks import MemoryStore, Webhook, WebhookEvent
from clarife_webhooks.flask import receiver

webhook = Webhook(os.environ.get("CLARIFE_WEBHOOK_SECRET"), max_event_age=900)


def handle(event: WebhookEvent) -> None:
    if event.type == "document.updated":
        print(event.type, event.data.get("title"))


app = Flask(__name__)
app.add_url_rule("/webhooks/clarife", view_func=receiver(webhook, handle, dedup=MemoryStore()))

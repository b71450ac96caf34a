"""An application's handler, and its receiver with the options that tests set."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from clarife_webhooks import MemoryStore, Webhook, WebhookEvent
from clarife_webhooks.flask import receiver


def make_app(webhook: Webhook, index: Callable[[Any], None]) -> Flask:
    def handle(event: WebhookEvent) -> None:
        if event.type == "document.updated":
            index(event.data.get("title"))

    app = Flask(__name__)
    app.add_url_rule("/webhooks/clarife", view_func=receiver(webhook, handle, dedup=MemoryStore()))
    return app

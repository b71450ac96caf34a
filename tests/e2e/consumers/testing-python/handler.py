"""An application's handler, and its receiver with the options that tests set."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask

from clarife_webhooks import MemoryStore, Webhook, WebhookEvent
from clarife_webhooks.flask import receiver


def handle(event: WebhookEvent, index: Callable[[Any], None]) -> None:
    if event.type == "document.updated":
        index(event.data.get("title"))


def make_app(webhook: Webhook, index: Callable[[Any], None]) -> Flask:
    app = Flask(__name__)
    view = receiver(webhook, partial(handle, index=index), dedup=MemoryStore())
    app.add_url_rule("/webhooks/clarife", view_func=view)
    return app

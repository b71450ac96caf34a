"""A webhook receiver that may run in several processes, which share a store in Redis."""

import os

from flask import Flask
from redis import Redis

from clarife_webhooks import Webhook, WebhookEvent
from clarife_webhooks.flask import receiver
from clarife_webhooks.redis import RedisStore

webhook = Webhook(os.environ.get("CLARIFE_WEBHOOK_SECRET"), max_event_age=900)
redis = Redis.from_url(os.environ["REDIS_URL"], socket_timeout=3, socket_connect_timeout=3)


def handle(event: WebhookEvent) -> None:
    if event.type == "document.updated":
        print(event.type, event.data.get("title"))


app = Flask(__name__)
app.add_url_rule("/webhooks/clarife", view_func=receiver(webhook, handle, dedup=RedisStore(redis)))

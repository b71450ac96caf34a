"""A program that `cargo xtask frozen` freezes: it verifies deliveries, with Flask and without, and prints `verified`."""

import asyncio
import pickle

from clarife_webhooks import Handlers, MemoryStore, Webhook, WebhookError, receive_async
from clarife_webhooks.flask import receiver
from clarife_webhooks.testing import sample_event, signed_request
from flask import Flask

webhook = Webhook("whsec_c2VjcmV0", max_event_age=900)


def main() -> None:
    request = signed_request(sample_event("document.updated", data={"title": "Start", "large": 10**30}), webhook)
    event = webhook.verify(request.body, request.headers)
    assert event.type == "document.updated" and event.data["title"] == "Start" and event.data["large"] == 10**30
    assert pickle.loads(pickle.dumps(event)) == event and event.created_at.tzinfo
    try:
        webhook.verify(request.body + b" ", request.headers)
    except WebhookError as error:
        assert error.code == "signature_mismatch"

    handlers, titles = Handlers(), []
    handlers.on("document.*")(lambda event: titles.append(event.data["title"]))
    app, store = Flask("program"), MemoryStore()
    app.add_url_rule("/webhooks/clarife", view_func=receiver(webhook, handlers, dedup=store))
    reply = app.test_client().post("/webhooks/clarife", data=request.body, headers=request.headers)
    assert (reply.status_code, titles) == (200, ["Start"])
    response = asyncio.run(receive_async(webhook, request.body, request.headers, handlers, dedup=store))
    assert response.code == "duplicate"
    print("verified")


if __name__ == "__main__":
    main()

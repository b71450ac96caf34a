"""A program that `cargo xtask frozen` freezes: it verifies deliveries without a framework, and prints `verified`."""

import asyncio
import pickle

from clarife_webhooks import Handlers, MemoryStore, Webhook, WebhookError, receive, receive_async
from clarife_webhooks.testing import SignedRequest, sample_event, signed_request

webhook = Webhook("whsec_c2VjcmV0", max_event_age=900)
store = MemoryStore()
handlers = Handlers()
titles: list[str | None] = []
handlers.on("document.updated")(lambda event: titles.append(event.data.get("title")))


def verify() -> SignedRequest:
    """Uses what the native module imports by itself, and returns a delivery."""
    request = signed_request(sample_event("document.updated", data={"title": "Start", "large": 10**30}), webhook)
    event = webhook.verify(request.body, request.headers)
    assert event.type == "document.updated" and event.data["large"] == 10**30
    assert pickle.loads(pickle.dumps(event)) == event and event.created_at.tzinfo
    try:
        webhook.verify(request.body + b" ", request.headers)
    except WebhookError as error:
        assert error.code == "signature_mismatch"
    return request


def main() -> None:
    request = verify()
    assert receive(webhook, request.body, request.headers, handlers, dedup=store).code == "handled"
    response = asyncio.run(receive_async(webhook, request.body, request.headers, handlers, dedup=store))
    assert (response.code, titles) == ("duplicate", ["Start"])
    print("verified")


if __name__ == "__main__":
    main()

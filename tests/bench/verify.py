"""Verification through the SDK beside verification by hand, in one run."""

import hashlib
import hmac
import json
import statistics
import time
import timeit
from collections.abc import Callable

from clarife_webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
webhook = Webhook(SECRET)


def by_hand(body: bytes, header: str) -> object:
    parts = dict(part.split("=") for part in header.split(","))
    if abs(time.time() - int(parts["t"])) > 300:
        raise ValueError("too old")
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, parts["v1"]):
        raise ValueError("mismatch")
    return json.loads(body)["data"]["title"]


def median_ns(function: Callable[[], object]) -> float:
    timer = timeit.Timer(function)
    number, _ = timer.autorange()
    return statistics.median(timer.repeat(repeat=7, number=max(1, number // 5))) / max(1, number // 5) * 1e9


for blocks in (1, 8, 96, 980):
    block = {"content": "<p>Press <b>Save</b>, then wait for the check mark.</p>", "type": "text"}
    data = {"id": "doc_1", "title": "Start", "content": {"blocks": [block] * blocks}}
    event = {"id": "evt_1", "type": "document.updated", "created_at": "2026-03-28T12:00:00Z", "data": data}
    body = json.dumps(event, separators=(",", ":")).encode()
    header = webhook.sign(body)
    hand = median_ns(lambda: by_hand(body, header))
    read = median_ns(lambda: webhook.verify(body, header).data["title"])
    route = median_ns(lambda: webhook.verify(body, header).type)
    print(
        f"{len(body):7} bytes: by hand {hand:9.0f} ns, verify and read {read:9.0f} ns ({read / hand:.2f}), "
        f"verify and route {route:9.0f} ns ({route / hand:.2f})"
    )

"""Helpers of the tests."""

from __future__ import annotations

import json
from typing import Any

from clarife_webhooks import Webhook

SECRET = "whsec_c2VjcmV0LWZvci10aGUtdGVzdHM="
NOW = 1774699200  # 2026-03-28T12:00:00Z


def envelope(
    *, id: str = "evt_1", type: str = "document.updated", created_at: str = "2026-03-28T12:00:00Z", data: str = '{"title":"Start"}'
) -> bytes:
    """Returns a body. `data` is JSON text."""
    head = json.dumps({"id": id, "type": type, "created_at": created_at}, separators=(",", ":"))
    return f'{head[:-1]},"data":{data}}}'.encode()


def verified(body: Any, **options: Any) -> Any:
    """Signs and verifies a body. Returns the event."""
    webhook = Webhook(SECRET, **options)
    return webhook.verify(body, webhook.sign(body, timestamp=NOW), now=NOW)

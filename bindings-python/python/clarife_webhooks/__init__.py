"""Verify, read and sign clarife webhooks.

>>> from clarife_webhooks import Webhook, WebhookError
>>> webhook = Webhook("whsec_c2VjcmV0")  # the subscription's signing secret

A request handler has one thing to do with it: give it the raw body and the headers.

>>> def handle(body, headers):
...     try:
...         event = webhook.verify(body, headers)
...     except WebhookError as error:
...         return 400, error.message
...     if event.type == "document.updated":
...         print("changed:", event.data.get("title"))
...     return 200, "ok"

>>> body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}'
>>> handle(body, {"X-Clarife-Signature": webhook.sign(body)})
changed: Start
(200, 'ok')
>>> handle(b"{}", {"X-Clarife-Signature": webhook.sign(body)})
(400, 'no signature in the header matches the body')

In a web framework, an adapter does all of it, and answers: `clarife_webhooks.asgi`, `.fastapi`, `.wsgi`, `.flask`, `.django`
and `.aiohttp`. Elsewhere, `receive` and `receive_async` do:

>>> handlers = Handlers()
>>> @handlers.on("document.updated")
... def changed(event):
...     print("changed:", event.data.get("title"))
>>> receive(webhook, body, {"X-Clarife-Signature": webhook.sign(body)}, handlers, dedup=MemoryStore()).status
changed: Start
200

The signature covers the body only, and the timestamp beside it is not signed: `tolerance` stops accidents, not an attacker
who has captured a delivery. Set `max_event_age`, and handle every `event.id` once (`clarife_webhooks.dedup`).
"""

# `X as X` and `*` are how checkers know what is meant for users.
from clarife_webhooks._constants import DEFAULT_MAX_BODY_BYTES as DEFAULT_MAX_BODY_BYTES
from clarife_webhooks._delivery import WebhookResponse as WebhookResponse
from clarife_webhooks._error import WebhookError as WebhookError
from clarife_webhooks._handlers import Handlers as Handlers
from clarife_webhooks._native import (
    ERROR_CODES as ERROR_CODES,
    EVENT_TYPES as EVENT_TYPES,
    SIGNATURE_HEADER as SIGNATURE_HEADER,
    STANDARD_HEADERS as STANDARD_HEADERS,
    Event as Event,
    Webhook as Webhook,
    is_known_event_type as is_known_event_type,
    parse_trusted as parse_trusted,
    verify_webhook_signature as verify_webhook_signature,
)
from clarife_webhooks._receive import receive as receive, receive_async as receive_async
from clarife_webhooks._types import *
from clarife_webhooks.dedup import (
    AsyncDedupStore as AsyncDedupStore,
    Claim as Claim,
    Dedup as Dedup,
    DedupStore as DedupStore,
    MemoryStore as MemoryStore,
)

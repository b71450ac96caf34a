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

The signature covers the body only, and the timestamp beside it is not signed: `tolerance` stops accidents, not an attacker
who has captured a delivery. Set `max_event_age`, and handle every `event.id` once.
"""

# `X as X` and `*` are how checkers know what is meant for users.
from clarife_webhooks._error import WebhookError as WebhookError
from clarife_webhooks._native import (
    ERROR_CODES as ERROR_CODES,
    EVENT_TYPES as EVENT_TYPES,
    SIGNATURE_HEADER as SIGNATURE_HEADER,
    Event as Event,
    Webhook as Webhook,
    is_known_event_type as is_known_event_type,
    parse_trusted as parse_trusted,
    verify_webhook_signature as verify_webhook_signature,
)
from clarife_webhooks._types import *

"""Verify, read and sign clarife webhooks.

>>> from clarife_webhooks import Webhook, WebhookError
>>> webhook = Webhook("whsec_c2VjcmV0")  # the subscription's signing secret

Pass it the raw body and the headers of a request.

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

In a web framework, use its adapter, which also responds, such as `clarife_webhooks.flask`. In other frameworks, use
`receive` or `receive_async`:

>>> handlers = Handlers()
>>> @handlers.on("document.updated")
... def changed(event):
...     print("changed:", event.data.get("title"))
>>> receive(webhook, body, {"X-Clarife-Signature": webhook.sign(body)}, handlers, dedup=MemoryStore()).status
changed: Start
200

The signature covers the body, not the timestamp beside it. `tolerance` does not stop an attacker who captured a
delivery. Set `max_event_age`, and deduplicate events with a store (`clarife_webhooks.dedup`).
"""

# `X as X` and `*` mark public names for type checkers.
# The native module imports the first two. Tools that freeze programs do not see that.
from clarife_webhooks import _data as _data, _pydantic as _pydantic
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
from clarife_webhooks._options import AsyncReceiveOptions as AsyncReceiveOptions, ReceiveOptions as ReceiveOptions
from clarife_webhooks._receive import (
    receive as receive,
    receive_async as receive_async,
    receive_trusted as receive_trusted,
    receive_trusted_async as receive_trusted_async,
)
from clarife_webhooks._request import current_request as current_request
from clarife_webhooks._types import *
from clarife_webhooks.dedup import (
    AsyncDedupStore as AsyncDedupStore,
    Claim as Claim,
    Dedup as Dedup,
    DedupStore as DedupStore,
    MemoryStore as MemoryStore,
)

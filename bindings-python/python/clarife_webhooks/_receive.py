"""`receive` and `receive_async`: a whole delivery in one call, for frameworks without an adapter."""

from __future__ import annotations

from typing import Any

from clarife_webhooks._compat import Unpack
from clarife_webhooks._delivery import SyncReceiver, WebhookResponse
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import AsyncReceiveOptions, Handler, ReceiveOptions


def receive(
    webhook: Webhook,
    body: bytes | bytearray | memoryview | str,
    headers: Any,
    handler: Handler,
    **options: Unpack[ReceiveOptions],
) -> WebhookResponse:
    """Verifies a delivery, calls the handler and returns the response, as the adapters do.

    `body` is the raw request body, byte for byte as received. Stop reading it at `DEFAULT_MAX_BODY_BYTES`, or at your
    own `max_body_bytes`. `headers` are the headers of the request, in any form that `Webhook.verify` accepts. `handler`
    is called with the verified event; it can be `Handlers`. `options` are `ReceiveOptions`.

    Raises TypeError if an argument has a wrong type. The delivery, the handler and the store cause no other exception;
    see `WebhookResponse`.

    >>> webhook = Webhook("whsec_c2VjcmV0")
    >>> body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}'
    >>> headers = {"X-Clarife-Signature": webhook.sign(body)}
    >>> receive(webhook, body, headers, lambda event: print(event.type)).status
    document.updated
    200
    >>> receive(webhook, body + b" ", headers, print).code
    'signature_mismatch'
    """
    return SyncReceiver(webhook, handler, **options).receive("POST", body, headers)


async def receive_async(
    webhook: Webhook,
    body: bytes | bytearray | memoryview | str,
    headers: Any,
    handler: Handler,
    **options: Unpack[AsyncReceiveOptions],
) -> WebhookResponse:
    """Does the same as `receive` in an event loop. `options` are `AsyncReceiveOptions`.

    >>> import asyncio
    >>> webhook = Webhook("whsec_c2VjcmV0")
    >>> body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}'
    >>> async def handle(event):
    ...     print(event.type)
    >>> asyncio.run(receive_async(webhook, body, webhook.sign(body), handle)).code
    document.updated
    'handled'
    """
    from clarife_webhooks._async_delivery import AsyncReceiver  # imports asyncio

    return await AsyncReceiver(webhook, handler, **options).receive("POST", body, headers)

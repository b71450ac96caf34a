"""`receive` and `receive_async`: a whole delivery in one call, for frameworks without an adapter."""

from __future__ import annotations

import sys
from typing import Any

from clarife_webhooks._compat import Unpack
from clarife_webhooks._delivery import TRUSTED, SyncReceiver, WebhookResponse
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import AsyncReceiveOptions, Handler, OnError, ReceiveOptions
from clarife_webhooks.dedup import AnyDedup, SyncDedup


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


def receive_trusted(
    body: bytes | bytearray | memoryview | str,
    handler: Handler,
    *,
    dedup: SyncDedup = None,
    on_error: OnError | None = None,
) -> WebhookResponse:
    """Handles an event that was verified before, for example from your own queue or from Amazon EventBridge.

    It does the same as `receive`, and checks **no signature**: never pass it a body from the network. `body` is the
    text of the event, as in `event.raw`. `handler` and the options are those of `receive`, so that an event that arrives
    both ways is handled once with a common store.

    Raises TypeError if an argument has a wrong type. A `body` that is not an event is refused with `malformed_payload`.

    >>> raw = b'{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{}}'
    >>> store = MemoryStore()
    >>> receive_trusted(raw, lambda event: print(event.type), dedup=store).code
    media.uploaded
    'handled'
    >>> receive_trusted(raw, print, dedup=store).code
    'duplicate'
    """
    receiver = SyncReceiver(TRUSTED, handler, dedup=dedup, max_body_bytes=sys.maxsize, on_error=on_error)
    return receiver.receive("POST", body, None)


async def receive_trusted_async(
    body: bytes | bytearray | memoryview | str,
    handler: Handler,
    *,
    dedup: AnyDedup = None,
    on_error: OnError | None = None,
) -> WebhookResponse:
    """Does the same as `receive_trusted` in an event loop. It checks **no signature** either.

    >>> import asyncio
    >>> raw = b'{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{}}'
    >>> async def handle(event):
    ...     print(event.type)
    >>> asyncio.run(receive_trusted_async(raw, handle)).code
    media.uploaded
    'handled'
    """
    from clarife_webhooks._async_delivery import AsyncReceiver  # imports asyncio

    receiver = AsyncReceiver(TRUSTED, handler, dedup=dedup, max_body_bytes=sys.maxsize, on_error=on_error)
    return await receiver.receive("POST", body, None)

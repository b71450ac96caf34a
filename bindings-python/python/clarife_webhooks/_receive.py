"""`receive` and `receive_async`: a whole delivery in one call, for frameworks that have no adapter here."""

from __future__ import annotations

from typing import Any

from clarife_webhooks._delivery import Handler, OnError, Receiver, WebhookResponse, run, run_async
from clarife_webhooks._native import Webhook
from clarife_webhooks.dedup import AnyDedup, SyncDedup


def receive(
    webhook: Webhook,
    body: bytes | bytearray | memoryview | str,
    headers: Any,
    handler: Handler,
    *,
    dedup: SyncDedup = None,
    on_error: OnError | None = None,
) -> WebhookResponse:
    """Verifies a delivery, has it handled, and gives the answer: what the adapters do with a request they have read.

    `body` is the raw body, byte for byte as received, and `headers` are the request's, in any form that `Webhook.verify` takes.
    `handler` is called with the verified event, and may be `Handlers`. The answer is 200 when it returns and 500 when it
    raises, so that clarife sends the event again; what it returns does not matter. Limit the size of what you read:
    `DEFAULT_MAX_BODY_BYTES` is what the adapters take.

    `dedup` is a store, or a store with its times (`Dedup`): every event is then handled once. `on_error` is called with every
    error, and the event where there is one, in place of the log `clarife_webhooks`, which gets the receiver's own errors only.

    It raises nothing because of a delivery, a handler or a store; TypeError if an argument is of a wrong type.

    >>> webhook = Webhook("whsec_c2VjcmV0")
    >>> body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}'
    >>> headers = {"X-Clarife-Signature": webhook.sign(body)}
    >>> receive(webhook, body, headers, lambda event: print(event.type)).status
    document.updated
    200
    >>> receive(webhook, body + b" ", headers, print).code
    'signature_mismatch'
    """
    receiver = Receiver.of(webhook, handler, dedup=dedup, on_error=on_error)
    return run(receiver.deliver("POST", body, headers))


async def receive_async(
    webhook: Webhook,
    body: bytes | bytearray | memoryview | str,
    headers: Any,
    handler: Handler,
    *,
    dedup: AnyDedup = None,
    on_error: OnError | None = None,
) -> WebhookResponse:
    """Does what `receive` does where there is an event loop.

    The handler and the store may be coroutines; a handler or a store that is not runs in a thread.

    >>> import asyncio
    >>> webhook = Webhook("whsec_c2VjcmV0")
    >>> body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}'
    >>> async def handle(event):
    ...     print(event.type)
    >>> asyncio.run(receive_async(webhook, body, webhook.sign(body), handle)).code
    document.updated
    'handled'
    """
    receiver = Receiver.of(webhook, handler, dedup=dedup, on_error=on_error, asynchronous=True)
    return await run_async(receiver.deliver("POST", body, headers))

"""A handler of aiohttp's server that receives webhooks.

>>> from aiohttp import web
>>> from clarife_webhooks import Handlers, Webhook
>>> from clarife_webhooks.aiohttp import receiver
>>> handlers = Handlers()
>>> @handlers.on("document.updated")
... async def changed(event):
...     print("changed:", event.data.get("title"))
>>> app = web.Application()
>>> route = app.router.add_post("/webhooks/clarife", receiver(Webhook("whsec_c2VjcmV0"), handlers))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from clarife_webhooks._body import Body
from clarife_webhooks._delivery import Handler, OnError, Receiver, run_async
from clarife_webhooks._native import Webhook
from clarife_webhooks.dedup import AnyDedup

__all__ = ["receiver"]


def receiver(
    webhook: Webhook,
    handler: Handler,
    *,
    dedup: AnyDedup = None,
    max_body_bytes: int | None = None,
    on_error: OnError | None = None,
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Makes the handler: it verifies a delivery, has it handled, and answers.

    `handler` is called with the verified event, and may be `Handlers`; what is no coroutine function runs in a thread. The
    answer is 200 when it returns and 500 when it raises, so that clarife sends the event again; what it returns does not
    matter. A delivery that does not verify is answered with 400 and the error's code, one of more than `max_body_bytes` (10 MiB unless given)
    with 413 before it is read whole, a request that is no POST with 405. The application's `client_max_size` does not count here.

    `dedup` is a store, or a store with its times (`Dedup`): every event is then handled once. `on_error` is called with every
    error, and the event where there is one, in place of the log `clarife_webhooks`, which gets the receiver's own errors only.

    Raises TypeError if an argument is of a wrong type.

    >>> async def handle(event):
    ...     print(event.type)
    >>> handler = receiver(Webhook("whsec_c2VjcmV0"), handle, dedup=MemoryStore())
    """
    receiver = Receiver.of(
        webhook, handler, dedup=dedup, max_body_bytes=max_body_bytes, on_error=on_error, asynchronous=True
    )  # fmt: skip

    async def clarife_webhook(request: web.Request) -> web.Response:
        read = partial(_read, request, receiver.max_body_bytes)
        response = await run_async(receiver.deliver(request.method, read, request.headers))
        return web.Response(body=response.body, status=response.status, headers=response.headers)

    return clarife_webhook


async def _read(request: web.Request, limit: int) -> bytes:
    body = Body(limit, request.content_length, "aiohttp")
    async for piece in request.content.iter_any():
        body.add(piece)
    if not body.size:
        body.add(await request.read())  # where something has read it before with this, it is here
    if not body.size and request.content.total_bytes:
        raise body.not_raw()
    return body.whole()

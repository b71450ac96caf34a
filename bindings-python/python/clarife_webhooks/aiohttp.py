"""A handler for aiohttp's server that receives webhooks.

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

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from clarife_webhooks._async_delivery import AsyncReceiver, read_in_time
from clarife_webhooks._body import BodyBuffer
from clarife_webhooks._compat import Unpack
from clarife_webhooks._error import WebhookError
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import AsyncReceiveOptions, Handler
from clarife_webhooks._request import request_of_delivery

__all__ = ["receiver"]


def receiver(
    webhook: Webhook, handler: Handler, **options: Unpack[AsyncReceiveOptions]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Creates a handler of aiohttp that receives webhooks.

    `handler` is called with each verified event; it can be `Handlers`. `options` are `AsyncReceiveOptions`. The handler
    responds with a `WebhookResponse`. The application's `client_max_size` does not apply.

    >>> async def handle(event):
    ...     print(event.type)
    >>> handler = receiver(Webhook("whsec_c2VjcmV0"), handle, dedup=MemoryStore())
    """
    receiver = AsyncReceiver(webhook, handler, **options)

    async def clarife_webhook(request: web.Request) -> web.Response:
        read = partial(_read, request, receiver.max_body_bytes)
        debug = asyncio.get_running_loop().get_debug()
        with request_of_delivery(request):
            response = await receiver.receive(request.method, read, request.headers, debug=debug)
        return web.Response(body=response.body, status=response.status, headers=response.headers)

    return clarife_webhook


async def _read(request: web.Request, limit: int) -> bytes:
    try:
        body = BodyBuffer(limit, "aiohttp", request.headers.get)
    except WebhookError:
        # aiohttp would go on reading the body after the response, and inflate it.
        for name in ("_lingering_time", "lingering_time"):
            if hasattr(request.protocol, name):
                setattr(request.protocol, name, 0)
        raise
    await read_in_time(body, _read_chunks(body, request))
    if not body.size and request.content.total_bytes:
        raise body.not_raw_error()
    raw = body.finish(used_up=True)
    setattr(request, "_read_bytes", raw)  # as `request.read()` keeps it, for later readers
    return raw


async def _read_chunks(body: BodyBuffer, request: web.Request) -> None:
    async for chunk in request.content.iter_any():
        body.add(chunk)
    if not body.size:
        body.add(await request.read())  # aiohttp keeps a body that was read with read()

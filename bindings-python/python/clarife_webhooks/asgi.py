"""An ASGI application that receives webhooks, for Starlette, FastAPI and every ASGI server.

Serve it alone, or as the endpoint of a route:

>>> from clarife_webhooks import Handlers, Webhook
>>> from clarife_webhooks.asgi import receiver
>>> handlers = Handlers()
>>> @handlers.on("document.updated")
... async def changed(event):
...     print("changed:", event.data.get("title"))
>>> app = receiver(Webhook("whsec_c2VjcmV0"), handlers)

>>> from starlette.applications import Starlette
>>> from starlette.routing import Route
>>> site = Starlette(routes=[Route("/webhooks/clarife", app)])

Do not use `Mount`: it redirects a path without a final slash, and clarife does not follow redirects.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, TypeAlias

from clarife_webhooks._async_delivery import AsyncReceiver, read_in_time
from clarife_webhooks._body import BodyBuffer
from clarife_webhooks._compat import Unpack
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import AsyncReceiveOptions, Handler
from clarife_webhooks._request import request_of_delivery

__all__ = ["receiver"]

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]


def receiver(webhook: Webhook, handler: Handler, **options: Unpack[AsyncReceiveOptions]) -> _Application:
    """Creates an ASGI application that receives webhooks.

    `handler` is called with each verified event; it can be `Handlers`. `options` are `AsyncReceiveOptions`. The
    application responds with a `WebhookResponse`.

    >>> app = receiver(Webhook("whsec_c2VjcmV0"), print, max_body_bytes=1_000_000)
    """
    return _Application(AsyncReceiver(webhook, handler, **options))


class _Application:
    """The application of a receiver."""

    def __init__(self, receiver: AsyncReceiver) -> None:
        self._receiver = receiver

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send, /) -> None:
        """Responds to a request."""
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close"})
        read = partial(_read, scope, receive, self._receiver.max_body_bytes)
        site = scope.get("app")  # of Starlette
        debug = sys.flags.dev_mode if site is None else bool(getattr(site, "debug", False))
        with request_of_delivery(scope):
            response = await self._receiver.receive(scope["method"], read, scope["headers"], debug=debug)
        headers = {**response.headers, "content-length": str(len(response.body))}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": pairs})
        await send({"type": "http.response.body", "body": response.body})


async def _read(scope: _Message, receive: _Receive, limit: int) -> bytes:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    body = BodyBuffer(limit, "asgi", lambda name: headers.get(name.encode()))
    await read_in_time(body, _read_messages(body, receive))
    return body.finish(used_up=True)  # a server does not end a body that has not arrived whole


async def _read_messages(body: BodyBuffer, receive: _Receive) -> None:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise body.incomplete_error()
        body.add(message.get("body", b""))
        more = message.get("more_body", False)


async def _lifespan(receive: _Receive, send: _Send) -> None:
    """Confirms startup and shutdown for a server that runs this application alone."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return

"""An ASGI application that receives webhooks, for Starlette, FastAPI and every server that speaks ASGI.

Alone, or as the endpoint of a route:

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

`Mount` would answer a path without a slash at its end with a redirect, which clarife does not follow.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, TypeAlias

from clarife_webhooks._body import Body
from clarife_webhooks._delivery import Handler, OnError, Receiver, run_async
from clarife_webhooks._native import Webhook
from clarife_webhooks.dedup import AnyDedup

__all__ = ["receiver"]

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]


def receiver(
    webhook: Webhook,
    handler: Handler,
    *,
    dedup: AnyDedup = None,
    max_body_bytes: int | None = None,
    on_error: OnError | None = None,
) -> _Application:
    """Makes the application: it verifies a delivery, has it handled, and answers.

    `handler` is called with the verified event, and may be `Handlers`; what is no coroutine function runs in a thread. The
    answer is 200 when it returns and 500 when it raises, so that clarife sends the event again; what it returns does not
    matter. A delivery that does not verify is answered with 400 and the error's code, one of more than `max_body_bytes` (10 MiB unless given)
    with 413 before it is read whole, a request that is no POST with 405.

    `dedup` is a store, or a store with its times (`Dedup`): every event is then handled once. `on_error` is called with every
    error, and the event where there is one, in place of the log `clarife_webhooks`, which gets the receiver's own errors only.

    Raises TypeError if an argument is of a wrong type.

    >>> app = receiver(Webhook("whsec_c2VjcmV0"), print, max_body_bytes=1_000_000)
    """
    return _Application(
        Receiver.of(webhook, handler, dedup=dedup, max_body_bytes=max_body_bytes, on_error=on_error, asynchronous=True)
    )


class _Application:
    """An application over a receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send, /) -> None:
        """Answers a request, as ASGI has it."""
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close"})
        read = partial(_read, scope, receive, self._receiver.max_body_bytes)
        try:
            response = await run_async(self._receiver.deliver(scope["method"], read, scope["headers"]))
        except _Disconnected:
            return
        headers = {**response.headers, "content-length": str(len(response.body))}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": pairs})
        await send({"type": "http.response.body", "body": response.body})


class _Disconnected(Exception):
    """The sender has gone: there is nobody to answer."""


async def _read(scope: _Message, receive: _Receive, limit: int) -> bytes:
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    body = Body(limit, declared.decode("latin-1"), "asgi")
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        body.add(message.get("body", b""))
        if not message.get("more_body", False):
            return body.whole()


async def _lifespan(receive: _Receive, send: _Send) -> None:
    """Where it is served alone, it has nothing to start or to stop."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return

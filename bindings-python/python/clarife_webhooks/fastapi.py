"""A dependency of FastAPI that receives webhooks.

>>> from typing import Annotated
>>> from fastapi import Depends, FastAPI
>>> from clarife_webhooks import Webhook, WebhookEvent
>>> from clarife_webhooks.fastapi import verified_event
>>> app = FastAPI()
>>> clarife_event = verified_event(Webhook("whsec_c2VjcmV0"))
>>> @app.post("/webhooks/clarife")
... async def receive(event: Annotated[WebhookEvent, Depends(clarife_event, scope="function")]) -> None:
...     if event.type == "document.updated":
...         print("changed:", event.data.get("title"))

To bypass FastAPI's own processing, add `Route("/webhooks/clarife", clarife_webhooks.asgi.receiver(…))`.
"""

# FastAPI reads the annotations of a dependency, so they are not strings here.
import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from fastapi import HTTPException, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

from clarife_webhooks._async_delivery import AsyncReceiver, read_in_time
from clarife_webhooks._body import BodyBuffer
from clarife_webhooks._compat import Unpack
from clarife_webhooks._delivery import Flow, WebhookResponse, is_async
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import AsyncReceiveOptions
from clarife_webhooks._types import WebhookEvent

__all__ = ["verified_event"]


def verified_event(
    webhook: Webhook, **options: Unpack[AsyncReceiveOptions]
) -> Callable[[Request], AsyncIterator[WebhookEvent]]:
    """Creates a dependency of FastAPI that receives webhooks: its value is the verified event. `options` are
    `AsyncReceiveOptions`.

    The path function is the handler. It runs only for verified events, and it can be a coroutine function or not. For
    every other delivery, the dependency raises an `HTTPException` with the status of a `WebhookResponse`; `detail` has
    its code. When the path function raises an exception, FastAPI responds with 500, unless an exception handler decides
    otherwise.

    The status of the response decides, before its end is sent: after 2xx, the event counts as handled. After any other
    status clarife sends it again, for example after `HTTPException(503)`, `JSONResponse(…, 503)` or `status_code` of an
    injected `Response`.

    The request body is `event.raw`, and `await request.body()` returns it too. If the path function has a parameter for
    the body, such as a model, FastAPI reads the body first, without a limit. If it has a form parameter, the raw body is
    lost. FastAPI 0.106 or later is required.

    >>> clarife_event = verified_event(Webhook("whsec_c2VjcmV0"), dedup=MemoryStore())
    """
    receiver = AsyncReceiver(webhook, lambda event: None, **options)

    async def clarife_event(request: Request) -> AsyncIterator[WebhookEvent]:
        read = partial(_read, request, receiver.max_body_bytes)
        flow = await receiver.start(request.method, read, request.headers.raw, request.app.debug)
        if isinstance(flow, WebhookResponse):
            raise _exception(flow)
        delivery = _Delivery(receiver, flow)
        request.scope.setdefault(_KEY, []).append(delivery)
        try:
            yield flow.event
        except BaseException as error:
            await delivery.end(error)
            raise

    setattr(clarife_event, _KEY, True)
    return clarife_event


_KEY = "clarife_webhooks_deliveries"
_BODIES = ("http.response.body", "http.response.zerocopysend", "http.response.pathsend")


class _Delivery:
    """A delivery that waits for the response of its path function."""

    def __init__(self, receiver: AsyncReceiver, flow: Flow) -> None:
        self._receiver = receiver
        self._flow = flow

    async def end(self, result: BaseException | Response | None) -> None:
        """Ends the delivery, unless it has ended before. `result` is an exception, a response of another status than
        2xx, or else None."""
        if not self._flow.at_handler:
            return
        if isinstance(result, BaseException):
            self._flow.raised(result)
        else:
            self._flow.returned(result)
        await self._receiver.finish(self._flow)

    async def sent(self, message: Message) -> None:
        """Ends the delivery by the next message of its response: by an error status at once, else at the end of the
        body."""
        if message["type"] == "http.response.start":
            if not 200 <= message["status"] <= 299:
                await self.end(Response(status_code=message["status"]))
        elif message["type"] in _BODIES and not message.get("more_body", False):
            await self.end(None)


def _show_responses(handle: Callable[[APIRoute, Scope, Receive, Send], Awaitable[None]]) -> None:
    """Makes routes show their responses to the deliveries of their requests, which FastAPI does not do: a dependency
    sees a response neither in `scope="function"` nor in `scope="request"`.

    A path function that runs in a thread cannot be cancelled. Its request then goes on in the background to its end, so
    that a handler that finished is marked as done.
    """

    async def handle_and_show(route: APIRoute, scope: Scope, receive: Receive, send: Send) -> None:
        if is_async(route.endpoint) or not _has_delivery(route.dependant):
            return await handle_to_the_end(route, scope, receive, send)
        cancelled = False

        async def send_unless_cancelled(message: Message) -> None:
            if not cancelled:
                await send(message)

        task = asyncio.create_task(handle_to_the_end(route, scope, receive, send_unless_cancelled))
        _tasks.add(task)  # the event loop has only a weak reference
        task.add_done_callback(_tasks.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
            raise

    async def handle_to_the_end(route: APIRoute, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_show(message: Message) -> None:
            for delivery in scope.get(_KEY, ()):
                await delivery.sent(message)
            await send(message)

        try:
            await handle(route, scope, receive, send_and_show)
        except BaseException as error:  # for example while the body of the response is sent
            for delivery in scope.get(_KEY, ()):
                await delivery.end(error)
            raise

    setattr(APIRoute, "handle", handle_and_show)


def _has_delivery(dependant: Dependant) -> bool:
    """Returns True if the path function has a dependency of this module, at any depth."""
    return any(hasattr(inner.call, _KEY) or _has_delivery(inner) for inner in dependant.dependencies)


_tasks: set[asyncio.Task[None]] = set()
_show_responses(APIRoute.handle)


async def _read(request: Request, limit: int) -> bytes:
    body = BodyBuffer(limit, "fastapi", request.headers.get)
    await read_in_time(body, _read_stream(body, request))
    raw = body.finish(used_up=True)
    setattr(request, "_body", raw)  # as `request.body()` keeps it, for other dependencies and the path function
    return raw


async def _read_stream(body: BodyBuffer, request: Request) -> None:
    try:
        async for chunk in request.stream():
            body.add(chunk)
    except RuntimeError:  # Starlette raises it for a stream that was read before
        raise body.not_raw_error() from None


def _exception(response: WebhookResponse) -> HTTPException:
    headers = {name: value for name, value in response.headers.items() if name != "content-type"}
    return HTTPException(response.status, json.loads(response.body), headers)

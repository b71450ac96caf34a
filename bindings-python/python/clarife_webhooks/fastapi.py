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
import json
from collections.abc import AsyncIterator, Callable
from functools import partial

from fastapi import HTTPException, Request, Response

from clarife_webhooks._async_delivery import AsyncReceiver
from clarife_webhooks._body import BodyBuffer
from clarife_webhooks._compat import Unpack
from clarife_webhooks._delivery import WebhookResponse
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import AsyncReceiveOptions
from clarife_webhooks._types import WebhookEvent

__all__ = ["verified_event"]


def verified_event(
    webhook: Webhook, **options: Unpack[AsyncReceiveOptions]
) -> Callable[[Request, Response], AsyncIterator[WebhookEvent]]:
    """Creates a dependency of FastAPI that receives webhooks: its value is the verified event. `options` are
    `AsyncReceiveOptions`.

    The path function is the handler. It runs only for verified events, and it can be a coroutine function or not. For
    every other delivery, the dependency raises an `HTTPException` with the status of a `WebhookResponse`; `detail` has
    its code. When the path function raises an exception, FastAPI responds with 500, unless an exception handler decides
    otherwise.

    To have clarife send the event again, raise an exception such as `HTTPException(503)`, or set `response.status_code`
    of an injected `Response`. Do not return a response object: FastAPI sends it without showing its status to a
    dependency, so the event counts as handled.

    With `Depends(…, scope="function")` (FastAPI 0.121 or later), the event is marked as handled before the response is
    sent; otherwise right after it.

    Read the request body from `event.raw`. If the path function has a parameter for the body, such as a model, FastAPI
    reads the body first, without a limit. If it has a form parameter, the raw body is lost. FastAPI 0.106 or later is
    required.

    >>> clarife_event = verified_event(Webhook("whsec_c2VjcmV0"), dedup=MemoryStore())
    """
    receiver = AsyncReceiver(webhook, lambda event: None, **options)

    async def clarife_event(request: Request, response: Response) -> AsyncIterator[WebhookEvent]:
        read = partial(_read, request, receiver.max_body_bytes)
        flow = await receiver.start(request.method, read, request.headers.raw)
        if isinstance(flow, WebhookResponse):
            raise _exception(flow)
        try:
            yield flow.event
        except BaseException as error:
            flow.raised(error)
            await receiver.finish(flow)
            raise
        flow.returned(response)  # its status is None unless the path function has set it
        await receiver.finish(flow)

    return clarife_event


async def _read(request: Request, limit: int) -> bytes:
    body = BodyBuffer(limit, request.headers.get("content-length"), "fastapi")
    try:
        async for chunk in request.stream():
            body.add(chunk)
    except RuntimeError:  # Starlette raises it for a stream that was read before
        raise body.not_raw_error() from None
    return body.finish()


def _exception(response: WebhookResponse) -> HTTPException:
    headers = {name: value for name, value in response.headers.items() if name != "content-type"}
    return HTTPException(response.status, json.loads(response.body), headers)

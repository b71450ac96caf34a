"""A dependency of FastAPI that gives the verified event.

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

A route without any of FastAPI's own machinery is `Route("/webhooks/clarife", clarife_webhooks.asgi.receiver(…))`.
"""

# FastAPI reads the annotations of a dependency: they must not be strings.
import json
from collections.abc import AsyncIterator, Callable
from functools import partial

from fastapi import HTTPException, Request

from clarife_webhooks._body import Body
from clarife_webhooks._delivery import OnError, Receiver, WebhookResponse, run_async
from clarife_webhooks._native import Webhook
from clarife_webhooks._types import WebhookEvent
from clarife_webhooks.dedup import AnyDedup

__all__ = ["verified_event"]


def verified_event(
    webhook: Webhook,
    *,
    dedup: AnyDedup = None,
    max_body_bytes: int | None = None,
    on_error: OnError | None = None,
) -> Callable[[Request], AsyncIterator[WebhookEvent]]:
    """Makes the dependency. The path function runs for verified events only, and may be a coroutine or not.

    A delivery that does not verify is answered with 400, one of more than `max_body_bytes` (10 MiB unless given) with 413
    before it is read whole; the answer's `detail` holds the error's code. It is an `HTTPException`, which the application's
    own exception handlers see. When the path function raises, FastAPI answers, with 500 unless it is told otherwise, and clarife
    sends the event again.

    `dedup` is a store, or a store with its times (`Dedup`): the path function then runs once for every event, and a delivery
    of an event that was handled is answered with 200 without it. An event is marked as handled before the answer is sent with
    `Depends(…, scope="function")` (FastAPI 0.121 or later), right after it otherwise.

    `on_error` is called with every error, and the event where there is one, in place of the log `clarife_webhooks`, which gets
    the receiver's own errors only.

    The body is in `event.raw`. A path function that also has a parameter for the body, such as a model, makes FastAPI read it
    before, without this limit; with one for a form it is lost. Needs FastAPI 0.106 or later.

    Raises TypeError if an argument is of a wrong type.

    >>> clarife_event = verified_event(Webhook("whsec_c2VjcmV0"), dedup=MemoryStore())
    """
    receiver = Receiver.of(
        webhook, lambda event: None, dedup=dedup, max_body_bytes=max_body_bytes, on_error=on_error, asynchronous=True
    )  # fmt: skip

    async def clarife_event(request: Request) -> AsyncIterator[WebhookEvent]:
        read = partial(_read, request, receiver.max_body_bytes)
        begun = await run_async(receiver.begin(request.method, read, request.headers.raw))
        if isinstance(begun, WebhookResponse):
            raise _exception(begun)
        event, claim = begun
        try:
            yield event
        except Exception as error:
            await run_async(receiver.failed(event, claim, error))
            raise
        await run_async(receiver.handled(event, claim))

    return clarife_event


async def _read(request: Request, limit: int) -> bytes:
    body = Body(limit, request.headers.get("content-length"), "fastapi")
    try:
        async for piece in request.stream():
            body.add(piece)
    except RuntimeError:  # Starlette's word for a stream that was read before
        raise body.not_raw() from None
    return body.whole()


def _exception(response: WebhookResponse) -> HTTPException:
    headers = {name: value for name, value in response.headers.items() if name != "content-type"}
    return HTTPException(response.status, json.loads(response.body), headers)

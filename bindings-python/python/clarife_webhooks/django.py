"""Views of Django that receive webhooks, synchronous and asynchronous; beside Django REST Framework, and inside its views.

In `urls.py`:

>>> from django.urls import path
>>> from clarife_webhooks import Handlers, Webhook
>>> from clarife_webhooks.django import receiver
>>> handlers = Handlers()
>>> @handlers.on("document.updated")
... def changed(event):
...     print("changed:", event.data.get("title"))
>>> urlpatterns = [path("webhooks/clarife", receiver(Webhook("whsec_c2VjcmV0"), handlers))]

The views are exempt from CSRF protection: the signature takes its place. In a view of Django REST Framework, call one with
the request before anything reads `request.data`, and return what it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import RequestDataTooBig
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse

from clarife_webhooks._body import Body, read_wsgi
from clarife_webhooks._delivery import Handler, OnError, Receiver, WebhookResponse, is_async, run, run_async
from clarife_webhooks._native import Webhook
from clarife_webhooks.dedup import AnyDedup, SyncDedup

__all__ = ["async_receiver", "receiver"]

_View = TypeVar("_View", bound=Callable[..., Any])


def receiver(
    webhook: Webhook,
    handler: Handler,
    *,
    dedup: SyncDedup = None,
    max_body_bytes: int | None = None,
    on_error: OnError | None = None,
) -> Callable[..., HttpResponse]:
    """Makes a view: it verifies a delivery, has it handled, and answers.

    `handler` is called with the verified event, and may be `Handlers`. The answer is 200 when it returns and 500 when it
    raises, so that clarife sends the event again; what it returns does not matter. A delivery that does not verify is
    answered with 400 and the error's code, one of more than `max_body_bytes` (10 MiB unless given) with 413 before it is read whole,
    a request that is no POST with 405. `DATA_UPLOAD_MAX_MEMORY_SIZE` does not count here.

    With `ATOMIC_REQUESTS`, a transaction is around the handler, not around the view: it is rolled back when the handler
    raises, and an event counts as handled only after it was committed.

    `dedup` is a store, or a store with its times (`Dedup`): every event is then handled once. `on_error` is called with every
    error, and the event where there is one, in place of the log `clarife_webhooks`, which gets the receiver's own errors only.

    Raises TypeError if an argument is of a wrong type.

    >>> view = receiver(Webhook("whsec_c2VjcmV0"), print, dedup=MemoryStore())
    """
    receiver = Receiver.of(webhook, handler, dedup=dedup, max_body_bytes=max_body_bytes, on_error=on_error, call=_atomic)

    def clarife_webhook(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return _response(run(_deliver(receiver, request)))

    return _exempt(clarife_webhook)


def async_receiver(
    webhook: Webhook,
    handler: Handler,
    *,
    dedup: AnyDedup = None,
    max_body_bytes: int | None = None,
    on_error: OnError | None = None,
) -> Callable[..., Coroutine[Any, Any, HttpResponse]]:
    """Makes an asynchronous view, otherwise as `receiver`.

    A handler and a store that are no coroutine functions run where Django runs synchronous code, in a thread. With
    `ATOMIC_REQUESTS`, such a handler has its transaction; a coroutine has none, as everywhere in Django.

    Under ASGI, Django itself receives the whole body, in a file if it is large, before it calls any view.

    Raises TypeError if an argument is of a wrong type.

    >>> async def handle(event):
    ...     print(event.type)
    >>> view = async_receiver(Webhook("whsec_c2VjcmV0"), handle, dedup=MemoryStore())
    """
    receiver = Receiver.of(
        webhook, handler, dedup=dedup, max_body_bytes=max_body_bytes, on_error=on_error, call=_atomic, asynchronous=True
    )  # fmt: skip

    async def clarife_webhook(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return _response(await run_async(_deliver(receiver, request), in_thread=lambda call: sync_to_async(call)()))

    return _exempt(clarife_webhook)


def _deliver(receiver: Receiver, request: HttpRequest) -> Any:
    request = getattr(request, "_request", request)  # inside Django REST Framework's
    return receiver.deliver(request.method or "", partial(_read, request, receiver.max_body_bytes), request.META)


def _read(request: HttpRequest, limit: int) -> bytes:
    body = Body(limit, request.META.get("CONTENT_LENGTH"), "django")
    kept = hasattr(request, "_body")  # what `request.body` has read before
    if not kept and getattr(request, "_read_started", False):
        raise body.not_raw()
    if kept or body.declared:
        try:
            body.add(request.body)  # not larger than the limit, and kept for whoever comes later
            return body.whole()
        except RequestDataTooBig:  # Django's own limit, which is meant for forms
            pass
    elif "wsgi.input" in request.META:
        return read_wsgi(request.META, limit, "django")  # Django itself takes a body without a length for none
    body.read(request.read)
    return body.whole()


def _atomic(call: Callable[[], Any]) -> Callable[[], Any]:
    """What Django does with a view: within a transaction of every database that asks for it."""
    if is_async(call):
        return call
    for alias, settings in connections.settings.items():
        if settings["ATOMIC_REQUESTS"]:
            call = transaction.atomic(using=alias)(call)
    return call


def _exempt(view: _View) -> _View:
    # What the decorator does, which Django before 5.0 has for synchronous views only.
    setattr(view, "csrf_exempt", True)
    return transaction.non_atomic_requests(view)


def _response(response: WebhookResponse) -> HttpResponse:
    return HttpResponse(response.body, status=response.status, headers=response.headers)

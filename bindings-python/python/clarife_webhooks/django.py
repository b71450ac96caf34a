"""Views of Django that receive webhooks, synchronous and asynchronous. They also work in Django REST Framework.

In `urls.py`:

>>> from django.urls import path
>>> from clarife_webhooks import Handlers, Webhook
>>> from clarife_webhooks.django import receiver
>>> handlers = Handlers()
>>> @handlers.on("document.updated")
... def changed(event):
...     print("changed:", event.data.get("title"))
>>> urlpatterns = [path("webhooks/clarife", receiver(Webhook("whsec_c2VjcmV0"), handlers))]

The views are exempt from CSRF protection: the signature replaces it. In a view of Django REST Framework, call such a
view with the request before anything reads `request.data`, and return its response.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse

from clarife_webhooks._async_delivery import AsyncReceiver
from clarife_webhooks._body import BodyBuffer, environ_header, read_wsgi
from clarife_webhooks._compat import Unpack
from clarife_webhooks._delivery import Call, Receiver, SyncReceiver, WebhookResponse, is_async
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import AsyncReceiveOptions, Handler, ReceiveOptions
from clarife_webhooks._request import request_of_delivery

__all__ = ["async_receiver", "receiver"]

_View = TypeVar("_View", bound=Callable[..., Any])


def receiver(webhook: Webhook, handler: Handler, **options: Unpack[ReceiveOptions]) -> Callable[..., HttpResponse]:
    """Creates a view of Django that receives webhooks.

    `handler` is called with each verified event; it can be `Handlers`. `options` are `ReceiveOptions`. The view
    responds with a `WebhookResponse`. `DATA_UPLOAD_MAX_MEMORY_SIZE` does not apply. The handler reads the variables of
    the URL from `current_request().resolver_match.kwargs`.

    With `ATOMIC_REQUESTS`, the transaction surrounds the handler, not the view. An exception of the handler rolls it
    back, and the event counts as handled only after the commit.

    >>> view = receiver(Webhook("whsec_c2VjcmV0"), print, dedup=MemoryStore())
    """
    receiver = _SyncReceiver(webhook, handler, **options)

    def clarife_webhook(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        request = getattr(request, "_request", request)  # which Django REST Framework wraps
        with request_of_delivery(request):
            return _to_django(receiver.receive(*_delivery(request, receiver), debug=settings.DEBUG))

    return _exempt_from_csrf(clarife_webhook)


def async_receiver(
    webhook: Webhook, handler: Handler, **options: Unpack[AsyncReceiveOptions]
) -> Callable[..., Coroutine[Any, Any, HttpResponse]]:
    """Creates an asynchronous view of Django that receives webhooks. `options` are `AsyncReceiveOptions`.

    Everything else is as with `receiver`. A handler or a store that is not asynchronous runs in the thread where Django
    runs synchronous code. With `ATOMIC_REQUESTS`, only such a handler gets a transaction: Django has none for
    coroutines.

    Under ASGI, Django receives the whole request body before it calls a view, and writes a large body to a file.

    >>> async def handle(event):
    ...     print(event.type)
    >>> view = async_receiver(Webhook("whsec_c2VjcmV0"), handle, dedup=MemoryStore())
    """
    receiver = _AsyncReceiver(webhook, handler, **options)

    async def clarife_webhook(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        request = getattr(request, "_request", request)
        with request_of_delivery(request):
            return _to_django(await receiver.receive(*_delivery(request, receiver), debug=settings.DEBUG))

    return _exempt_from_csrf(clarife_webhook)


class _SyncReceiver(SyncReceiver):
    def wrap(self, call: Call) -> Call:
        return _atomic(call)


class _AsyncReceiver(AsyncReceiver):
    def wrap(self, call: Call) -> Call:
        return _atomic(call)

    async def run_in_thread(self, call: Call) -> Any:
        return await sync_to_async(call)()


def _delivery(request: HttpRequest, receiver: Receiver) -> tuple[str, Callable[[], bytes], dict[str, Any]]:
    """Returns the request as arguments of `receive`."""
    return request.method or "", partial(_read, request, receiver.max_body_bytes), request.META


def _read(request: HttpRequest, limit: int) -> bytes:
    body = BodyBuffer(limit, "django", environ_header(request.META))
    if hasattr(request, "_body"):  # Django keeps a body that was read with `request.body`
        body.add(request.body)
    elif getattr(request, "_read_started", False):
        raise body.not_raw_error()
    elif "wsgi.input" in request.META:
        request._body = read_wsgi(request.META, limit, "django")  # for later readers, as `request.body` keeps it
        return request._body
    else:
        body.add_stream(request.read)
        request._body = body.finish(used_up=True)
    return body.finish(used_up=True)  # Django under ASGI does not call a view before the body has arrived


def _atomic(call: Call) -> Call:
    """Wraps a call as Django wraps a view: in a transaction of every database with `ATOMIC_REQUESTS`."""
    if is_async(call):
        return call
    for alias, database in connections.settings.items():
        if database["ATOMIC_REQUESTS"]:
            call = transaction.atomic(using=alias)(call)
    return call


def _exempt_from_csrf(view: _View) -> _View:
    # The decorator of Django before 5.0 supports synchronous views only.
    setattr(view, "csrf_exempt", True)
    return transaction.non_atomic_requests(view)


def _to_django(response: WebhookResponse) -> HttpResponse:
    return HttpResponse(response.body, status=response.status, headers=response.headers)

"""The request of the delivery that is being handled."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_request: ContextVar[Any] = ContextVar("clarife_webhooks_request")


@contextmanager
def request_of_delivery(request: Any) -> Generator[None, None, None]:
    """Sets the request for the handler, also in the threads and the tasks in which it runs."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def current_request() -> Any:
    """Returns the framework's request of the delivery that is being handled. Call it in a handler, for example to read
    a variable of the URL.

    It is Django's `HttpRequest`, Flask's `Request`, aiohttp's `Request`, the scope of ASGI or the environ of WSGI. In
    FastAPI, the path function has parameters instead.

    Raises RuntimeError outside a handler of an adapter.

        def changed(event):
            tenant = current_request().resolver_match.kwargs["tenant"]  # Django, with path("hooks/<tenant>", …)
            tenant = current_request().view_args["tenant"]              # Flask, with "/hooks/<tenant>"
            tenant = current_request().match_info["tenant"]             # aiohttp, with "/hooks/{tenant}"
            tenant = current_request()["path_params"]["tenant"]         # Starlette, with Route("/hooks/{tenant}", …)

    >>> current_request()
    Traceback (most recent call last):
    RuntimeError: cannot return the request: no adapter is handling a delivery
    """
    try:
        return _request.get()
    except LookupError:
        raise RuntimeError("cannot return the request: no adapter is handling a delivery") from None

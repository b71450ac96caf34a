"""A WSGI application that receives webhooks, for every WSGI server and framework.

Serve it alone, or mount it in a framework:

>>> from clarife_webhooks import Handlers, Webhook
>>> from clarife_webhooks.wsgi import receiver
>>> handlers = Handlers()
>>> @handlers.on("document.updated")
... def changed(event):
...     print("changed:", event.data.get("title"))
>>> app = receiver(Webhook("whsec_c2VjcmV0"), handlers)

A body without a length (`Transfer-Encoding: chunked`) requires uWSGI, or a server that sets `wsgi.input_terminated`:
gunicorn, waitress, mod_wsgi, or Werkzeug's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any

from clarife_webhooks._body import read_wsgi
from clarife_webhooks._compat import Unpack
from clarife_webhooks._delivery import SyncReceiver
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import Handler, ReceiveOptions
from clarife_webhooks._request import request_of_delivery

__all__ = ["receiver"]


def receiver(webhook: Webhook, handler: Handler, **options: Unpack[ReceiveOptions]) -> _Application:
    """Creates a WSGI application that receives webhooks.

    `handler` is called with each verified event; it can be `Handlers`. `options` are `ReceiveOptions`. The application
    responds with a `WebhookResponse`.

    >>> app = receiver(Webhook("whsec_c2VjcmV0"), print, max_body_bytes=1_000_000)
    """
    return _Application(SyncReceiver(webhook, handler, **options))


class _Application:
    """The application of a receiver."""

    def __init__(self, receiver: SyncReceiver) -> None:
        self._receiver = receiver

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Responds to a request."""
        read = partial(read_wsgi, environ, self._receiver.max_body_bytes, "wsgi")
        with request_of_delivery(environ):
            response = self._receiver.receive(environ["REQUEST_METHOD"], read, environ)
        headers = {**response.headers, "content-length": str(len(response.body))}
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", list(headers.items()))
        # Werkzeug's server would send the body in response to HEAD, and the client would read it as the next response.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

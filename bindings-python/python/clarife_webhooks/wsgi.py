"""A WSGI application that receives webhooks, for every server and framework that speaks WSGI.

Alone, or under a path where a framework can mount applications:

>>> from clarife_webhooks import Handlers, Webhook
>>> from clarife_webhooks.wsgi import receiver
>>> handlers = Handlers()
>>> @handlers.on("document.updated")
... def changed(event):
...     print("changed:", event.data.get("title"))
>>> app = receiver(Webhook("whsec_c2VjcmV0"), handlers)

Bodies without a length (`Transfer-Encoding: chunked`) need a server that ends `wsgi.input` with the body and says so
(`wsgi.input_terminated`): gunicorn, Werkzeug's and mod_wsgi do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any

from clarife_webhooks._body import read_wsgi
from clarife_webhooks._delivery import Handler, OnError, Receiver, run
from clarife_webhooks._native import Webhook
from clarife_webhooks.dedup import SyncDedup

__all__ = ["receiver"]


def receiver(
    webhook: Webhook,
    handler: Handler,
    *,
    dedup: SyncDedup = None,
    max_body_bytes: int | None = None,
    on_error: OnError | None = None,
) -> _Application:
    """Makes the application: it verifies a delivery, has it handled, and answers.

    `handler` is called with the verified event, and may be `Handlers`. The answer is 200 when it returns and 500 when it
    raises, so that clarife sends the event again; what it returns does not matter. A delivery that does not verify is
    answered with 400 and the error's code, one of more than `max_body_bytes` (10 MiB unless given) with 413 before it is read whole,
    a request that is no POST with 405.

    `dedup` is a store, or a store with its times (`Dedup`): every event is then handled once. `on_error` is called with every
    error, and the event where there is one, in place of the log `clarife_webhooks`, which gets the receiver's own errors only.

    Raises TypeError if an argument is of a wrong type.

    >>> app = receiver(Webhook("whsec_c2VjcmV0"), print, max_body_bytes=1_000_000)
    """
    return _Application(Receiver.of(webhook, handler, dedup=dedup, max_body_bytes=max_body_bytes, on_error=on_error))


class _Application:
    """An application over a receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answers a request, as WSGI has it."""
        read = partial(read_wsgi, environ, self._receiver.max_body_bytes, "wsgi")
        response = run(self._receiver.deliver(environ["REQUEST_METHOD"], read, environ))
        headers = {**response.headers, "content-length": str(len(response.body))}
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", list(headers.items()))
        # Werkzeug's server sends what it is given, and a body after the answer to HEAD would be read as the next answer.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

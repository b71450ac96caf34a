"""A view of Flask that receives webhooks.

>>> from flask import Flask
>>> from clarife_webhooks import Handlers, Webhook
>>> from clarife_webhooks.flask import receiver
>>> handlers = Handlers()
>>> @handlers.on("document.updated")
... def changed(event):
...     print("changed:", event.data.get("title"))
>>> app = Flask(__name__)
>>> app.add_url_rule("/webhooks/clarife", view_func=receiver(Webhook("whsec_c2VjcmV0"), handlers))
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request

from clarife_webhooks._body import Body
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
) -> Callable[[], Response]:
    """Makes the view: it verifies a delivery, has it handled, and answers. `add_url_rule` gives it POST requests only.

    `handler` is called with the verified event, within Flask's contexts, and may be `Handlers`. The answer is 200 when it
    returns and 500 when it raises, so that clarife sends the event again; what it returns does not matter. A delivery that
    does not verify is answered with 400 and the error's code, one of more than `max_body_bytes` (10 MiB unless given) with 413 before
    it is read whole; Flask's own `MAX_CONTENT_LENGTH` counts too.

    `dedup` is a store, or a store with its times (`Dedup`): every event is then handled once. `on_error` is called with every
    error, and the event where there is one, in place of the log `clarife_webhooks`, which gets the receiver's own errors only.

    Two views in one application need an `endpoint` each. Raises TypeError if an argument is of a wrong type.

    >>> view = receiver(Webhook("whsec_c2VjcmV0"), print, dedup=MemoryStore())
    """
    receiver = Receiver.of(webhook, handler, dedup=dedup, max_body_bytes=max_body_bytes, on_error=on_error)

    def clarife_webhook() -> Response:
        response = run(receiver.deliver(request.method, lambda: _read(receiver.max_body_bytes), request.environ))
        return Response(response.body, response.status, response.headers)

    setattr(clarife_webhook, "methods", ["POST"])  # where `add_url_rule` looks
    return clarife_webhook


def _read(limit: int) -> bytes:
    body = Body(limit, request.content_length, "flask")
    body.read(request.stream.read)
    if not body.size:
        body.add(request.get_data())  # where something has read it before with this, it is here
    return body.whole()

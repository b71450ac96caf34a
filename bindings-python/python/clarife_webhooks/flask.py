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
from functools import partial

from flask import Response, current_app, request

from clarife_webhooks._body import BodyBuffer, read_wsgi
from clarife_webhooks._compat import Unpack
from clarife_webhooks._delivery import SyncReceiver
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import Handler, ReceiveOptions
from clarife_webhooks._request import request_of_delivery

__all__ = ["receiver"]


def receiver(webhook: Webhook, handler: Handler, **options: Unpack[ReceiveOptions]) -> Callable[..., Response]:
    """Creates a view of Flask that receives webhooks.

    `handler` is called with each verified event, within Flask's contexts; it can be `Handlers`. `flask.request` has the
    variables of the URL (`request.view_args`) and the body (`request.get_data()`). `options` are
    `ReceiveOptions`. The view responds with a `WebhookResponse`.

    `add_url_rule` routes only POST requests to the view; two views in one application need different endpoints. The
    smaller one of Flask's own `MAX_CONTENT_LENGTH` and `max_body_bytes` applies.

    >>> view = receiver(Webhook("whsec_c2VjcmV0"), print, dedup=MemoryStore())
    """
    receiver = SyncReceiver(webhook, handler, **options)

    def clarife_webhook(**variables: object) -> Response:
        with request_of_delivery(getattr(request, "_get_current_object")()):
            read = partial(_read, receiver.max_body_bytes)
            response = receiver.receive(request.method, read, request.environ, debug=current_app.debug)
        return Response(response.body, response.status, response.headers)

    setattr(clarife_webhook, "methods", ["POST"])  # `add_url_rule` reads it
    return clarife_webhook


def _read(limit: int) -> bytes:
    limit = min(limit, limit if request.max_content_length is None else request.max_content_length)
    if "stream" not in vars(request):  # nothing has read the body with Flask
        return read_wsgi(request.environ, limit, "flask")
    body = BodyBuffer(limit, "flask", request.headers.get)
    body.add_stream(request.stream.read)
    if not body.size:
        body.add(request.get_data())  # Flask keeps a body that was read with get_data()
    return body.finish(used_up=True)  # Flask raises an exception if the sender hangs up

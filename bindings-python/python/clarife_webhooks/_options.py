"""The options of receivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypedDict

from clarife_webhooks._types import WebhookEvent
from clarife_webhooks.dedup import AnyDedup, SyncDedup

Handler: TypeAlias = Callable[[WebhookEvent], object]
OnError: TypeAlias = Callable[[Exception, WebhookEvent | None], object]


class _Options(TypedDict, total=False):
    max_body_bytes: int | None
    on_error: OnError | None


class ReceiveOptions(_Options, total=False):
    """Options of every receiver, passed as keyword arguments. Each can be left out.

    - `dedup` is a store, or a store with its times (`Dedup`). With it, the handler runs once for each event. By
      default, the handler runs for every delivery.
    - `max_body_bytes` limits the request body. A larger body gets the response 413 before it is read to its end. The
      default is `DEFAULT_MAX_BODY_BYTES`, 10 MiB.
    - `on_error` is called with each error, and with its event if the delivery was verified. It replaces the log. By
      default, errors go to the log `clarife_webhooks`. Of the refused deliveries, the log has the first one of each
      code with its hint, and then at most one a minute for each code.

    A receiver raises TypeError if an option has a wrong type.

    >>> from clarife_webhooks.wsgi import receiver
    >>> app = receiver(Webhook("whsec_c2VjcmV0"), print, dedup=MemoryStore(), max_body_bytes=1_000_000)
    """

    dedup: SyncDedup


class AsyncReceiveOptions(_Options, total=False):
    """`ReceiveOptions` of asynchronous receivers. `dedup` can also be an asynchronous store.

    A handler or a store that is not asynchronous runs in a thread.

    >>> from clarife_webhooks.asgi import receiver
    >>> app = receiver(Webhook("whsec_c2VjcmV0"), print, dedup=MemoryStore(), max_body_bytes=1_000_000)
    """

    dedup: AnyDedup

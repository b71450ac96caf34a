"""Deduplication: stores that make a handler run once for each event.

clarife retries a delivery until it receives a 2xx response, so an event can arrive twice. With a store, the handler
runs once:

>>> from clarife_webhooks import MemoryStore, Webhook, receive
>>> webhook, store = Webhook("whsec_c2VjcmV0"), MemoryStore()
>>> body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}'
>>> headers = {"X-Clarife-Signature": webhook.sign(body)}
>>> for attempt in range(2):
...     response = receive(webhook, body, headers, lambda event: print("handled:", event.id), dedup=store)
...     print(response.status, response.code)
handled: evt_1
200 handled
200 duplicate

`MemoryStore` is for one process, `clarife_webhooks.redis` for several. To use another database, implement `DedupStore`.
The database must be able to insert a row only if there is none.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from clarife_webhooks._constants import DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL, STORE_EVICTED
from clarife_webhooks._native import ClaimTable

__all__ = ["AsyncDedupStore", "Claim", "Dedup", "DedupStore", "MemoryStore"]

_log = logging.getLogger("clarife_webhooks")


class Claim(NamedTuple):
    """The result of claiming an event id.

    `state` is `new` (the caller handles the event), `in_progress` (another delivery is being handled) or `done` (the
    event was handled). `token` identifies a new claim, and `release` requires it.

    >>> Claim("new", "3f9a").token
    '3f9a'
    >>> Claim("done")
    Claim(state='done', token='')
    """

    state: Literal["new", "in_progress", "done"]
    token: str = ""


class DedupStore(Protocol):
    """A store of the ids of events that are being handled or were handled. Times are in seconds.

    An exception of a method means that the store is down. If `claim` raises one, the response is 503, and clarife
    retries. An asynchronous receiver waits 5 s for a method. A synchronous receiver cannot stop waiting: set the
    time-outs of the database client to a few seconds.

    >>> class Rows:
    ...     '''A store in a dict, without expiry. In a real database, every method must be one atomic step.'''
    ...
    ...     def __init__(self):
    ...         self.rows = {}
    ...
    ...     def claim(self, id, ttl):
    ...         holder = self.rows.setdefault(id, token := object())
    ...         if holder is token:
    ...             return Claim("new", token)
    ...         return Claim("done" if holder == "done" else "in_progress")
    ...
    ...     def complete(self, id, token, ttl):
    ...         self.rows[id] = "done"
    ...
    ...     def release(self, id, token):
    ...         if self.rows.get(id) is token:
    ...             del self.rows[id]
    >>> store: DedupStore = Rows()
    >>> store.claim("evt_1", 60).state, store.claim("evt_1", 60).state
    ('new', 'in_progress')
    """

    def claim(self, id: str, ttl: float, /) -> Claim:
        """Claims an event id unless it is claimed or done. The claim expires after `ttl`."""
        ...

    def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an event id as done for `ttl`, even if the claim has expired or has another token: the event was
        handled."""
        ...

    def release(self, id: str, token: str, /) -> None:
        """Releases the claim if `token` still holds it."""
        ...


class AsyncDedupStore(Protocol):
    """A `DedupStore` with coroutines, for the adapters of asynchronous frameworks.

    >>> class Rows:
    ...     async def claim(self, id, ttl):
    ...         return Claim("new", "a random token")
    ...
    ...     async def complete(self, id, token, ttl): ...
    ...     async def release(self, id, token): ...
    >>> store: AsyncDedupStore = Rows()
    """

    async def claim(self, id: str, ttl: float, /) -> Claim:
        """Claims an event id unless it is claimed or done. The claim expires after `ttl`."""
        ...

    async def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an event id as done for `ttl`, even if the claim has expired or has another token: the event was
        handled."""
        ...

    async def release(self, id: str, token: str, /) -> None:
        """Releases the claim if `token` still holds it."""
        ...


class MemoryStore:
    """A store in memory, for a receiver in a single process. Threads and coroutines can share it.

    `capacity` is the largest number of event ids; the default is 100,000. A full store removes expired ids first, then
    the oldest done mark. It logs a warning when it removes a done mark for the first time that has not expired: raise
    the capacity then. If all ids are being handled, `claim` raises RuntimeError. `clock` returns the current time, in
    Unix seconds or as an aware datetime. The default is `time.time`.

    Raises TypeError or ValueError if an argument is invalid.

    >>> store = MemoryStore()
    >>> claim = store.claim("evt_1", 60)
    >>> claim.state, store.claim("evt_1", 60).state
    ('new', 'in_progress')
    >>> store.complete("evt_1", claim.token, 86_400)
    >>> store.claim("evt_1", 60).state
    'done'
    """

    def __init__(self, capacity: int | None = None, *, clock: Callable[[], float | datetime] | None = None) -> None:
        if isinstance(capacity, bool) or not isinstance(capacity, int | None):
            raise TypeError(f"capacity must be a whole number, not {type(capacity).__name__}")
        if capacity is not None and capacity < 1:
            raise ValueError("capacity must be 1 or more")
        if clock is not None and not callable(clock):
            raise TypeError(f"clock must be a function, not {type(clock).__name__}")
        self._table = ClaimTable(capacity)
        self._clock = clock
        self._warned = False

    def claim(self, id: str, ttl: float, /) -> Claim:
        """Claims an event id unless it is claimed or done. The claim expires after `ttl` seconds."""
        token = self._table.claim(id, self._now(), milliseconds(ttl))
        self._warn()
        return Claim("new", str(token)) if token > 0 else Claim("in_progress" if token == 0 else "done")

    def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an event id as done for `ttl` seconds, even if the claim has expired."""
        self._table.complete(id, self._now(), milliseconds(ttl))
        self._warn()

    def release(self, id: str, token: str, /) -> None:
        """Releases the claim if `token` still holds it."""
        self._table.release(id, int(token))

    def _warn(self) -> None:
        if not self._warned and self._table.take_evicted():
            self._warned = True
            _log.warning(STORE_EVICTED)

    def _now(self) -> int:
        now = time.time() if self._clock is None else self._clock()
        return round((now.timestamp() if isinstance(now, datetime) else now) * 1000)


def milliseconds(ttl: float) -> int:
    """Converts seconds to milliseconds, limited so that a sum with a time fits 64 bits."""
    return round(min(ttl * 1000, 2**53))


_Store = TypeVar("_Store", bound="DedupStore | AsyncDedupStore", covariant=True)


class Dedup(Generic[_Store]):
    """A store with its times, in place of the store alone.

    `claim_ttl` is the lifetime of a claim in seconds; the default is 50. It must exceed the time of the slowest
    handler, and stay below 60 s, the least time before clarife sends an event for the last time. `done_ttl` is the
    lifetime of a done mark in seconds; the default is a day. A done mark lives at least as long as the `max_event_age`
    of the webhook accepts the event.

    `subscription` names the subscription, if webhooks of several subscriptions share the store: a text of your own
    without a colon, such as the subscription's id. One subscription's events then never count as another's.

    Raises TypeError or ValueError if a time is not a number above 0, or if the subscription is not such a text.

    >>> dedup = Dedup(MemoryStore(), claim_ttl=30, done_ttl=7 * 86_400, subscription="sub_1")
    """

    def __init__(
        self,
        store: _Store,
        *,
        claim_ttl: float = DEFAULT_CLAIM_TTL,
        done_ttl: float = DEFAULT_DONE_TTL,
        subscription: str | None = None,
    ) -> None:
        for method in ("claim", "complete", "release"):
            if not callable(getattr(store, method, None)):
                raise TypeError(f"dedup must be a store with claim, complete and release, not {type(store).__name__}")
        for name, ttl in (("claim_ttl", claim_ttl), ("done_ttl", done_ttl)):
            if isinstance(ttl, bool) or not isinstance(ttl, int | float):
                raise TypeError(f"{name} must be a number of seconds, not {type(ttl).__name__}")
            if not 0 < ttl < float("inf"):
                raise ValueError(f"{name} must be more than 0 seconds, and finite")
        if subscription is not None and not isinstance(subscription, str):
            raise TypeError(f"subscription must be a str, not {type(subscription).__name__}")
        # Without a colon, the id of an event cannot reach into another subscription.
        if subscription is not None and (not subscription or ":" in subscription):
            raise ValueError("subscription must be a text without a colon, such as the subscription's id")
        self.store = store
        self.subscription = subscription
        self.claim_ttl = claim_ttl
        self.done_ttl = done_ttl

    def id_of(self, event_id: str) -> str:
        """Returns the id of an event in the store."""
        return event_id if self.subscription is None else f"{self.subscription}:{event_id}"


SyncDedup: TypeAlias = DedupStore | Dedup[DedupStore] | None
AnyDedup: TypeAlias = DedupStore | AsyncDedupStore | Dedup[DedupStore | AsyncDedupStore] | None


def to_dedup(dedup: AnyDedup) -> Dedup[Any] | None:
    """Converts the option `dedup`: a store, a store with its times, or None."""
    return dedup if dedup is None or isinstance(dedup, Dedup) else Dedup(dedup)

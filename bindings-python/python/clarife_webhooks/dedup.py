"""Handling every event once: the stores, and how they are given.

clarife sends an event again until it is answered, so a handler can see one twice. With a store, it runs once:

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

`MemoryStore` is for one process; `clarife_webhooks.redis` has stores for several. Any other database will do that can
write a row only if there is none: see `DedupStore`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from clarife_webhooks._constants import DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL
from clarife_webhooks._native import ClaimTable

__all__ = ["AsyncDedupStore", "Claim", "Dedup", "DedupStore", "MemoryStore"]


class Claim(NamedTuple):
    """What a claim on an event's id has come to.

    `state` is `new` (it is the caller's to handle), `in_progress` (somebody else handles it) or `done` (it was handled).
    `token` goes with `new`: whoever holds it may release the claim.

    >>> Claim("new", "3f9a").token
    '3f9a'
    >>> Claim("done")
    Claim(state='done', token='')
    """

    state: Literal["new", "in_progress", "done"]
    token: str = ""


class DedupStore(Protocol):
    """What keeps the ids of events that are being handled and that were. Times are in seconds.

    Whatever a method raises counts as the store being down. A claim that cannot be made is answered with 503, and clarife
    sends the event again.

    >>> class Rows:
    ...     '''A store in a dict, which forgets nothing: each step must be one atomic step of a real database.'''
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
        """Claims an id unless it is claimed or done. The claim ends by itself after `ttl`."""
        ...

    def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an id as done for `ttl`, whoever holds the claim by now: the event was handled."""
        ...

    def release(self, id: str, token: str, /) -> None:
        """Gives up the claim, unless it is no longer this token's."""
        ...


class AsyncDedupStore(Protocol):
    """`DedupStore` with coroutines, for the adapters of asynchronous frameworks.

    >>> class Rows:
    ...     async def claim(self, id, ttl):
    ...         return Claim("new", "a token that nobody can guess")
    ...
    ...     async def complete(self, id, token, ttl): ...
    ...     async def release(self, id, token): ...
    >>> store: AsyncDedupStore = Rows()
    """

    async def claim(self, id: str, ttl: float, /) -> Claim:
        """Claims an id unless it is claimed or done. The claim ends by itself after `ttl`."""
        ...

    async def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an id as done for `ttl`, whoever holds the claim by now: the event was handled."""
        ...

    async def release(self, id: str, token: str, /) -> None:
        """Gives up the claim, unless it is no longer this token's."""
        ...


class MemoryStore:
    """A store in this process's memory, for a receiver that is one process; threads can share it, and so can coroutines.

    It keeps `capacity` ids (100,000 unless given). Where that is reached, what has ended goes, and then the done mark that would
    end first; when all of them are being handled, `claim` raises RuntimeError. `clock` gives the time, in Unix seconds or as an
    aware datetime; it is the system's unless given.

    Raises TypeError or ValueError if an argument cannot be one.

    >>> store = MemoryStore()
    >>> claim = store.claim("evt_1", 60)
    >>> claim.state, store.claim("evt_1", 60).state
    ('new', 'in_progress')
    >>> store.complete("evt_1", claim.token, 86_400)
    >>> store.claim("evt_1", 60).state
    'done'
    """

    def __init__(self, capacity: int | None = None, *, clock: Callable[[], float | datetime] = time.time) -> None:
        if isinstance(capacity, bool) or not isinstance(capacity, int | None):
            raise TypeError(f"capacity must be a whole number, not {type(capacity).__name__}")
        if capacity is not None and capacity < 1:
            raise ValueError("capacity must be 1 or more")
        if not callable(clock):
            raise TypeError(f"clock must be a function, not {type(clock).__name__}")
        self._table = ClaimTable(capacity)
        self._clock = clock

    def claim(self, id: str, ttl: float, /) -> Claim:
        """Claims an id unless it is claimed or done. The claim ends by itself after `ttl` seconds."""
        token = self._table.claim(id, self._now(), milliseconds(ttl))
        return Claim("new", str(token)) if token > 0 else Claim("in_progress" if token == 0 else "done")

    def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an id as done for `ttl` seconds, whoever holds the claim by now."""
        self._table.complete(id, self._now(), milliseconds(ttl))

    def release(self, id: str, token: str, /) -> None:
        """Gives up the claim, unless it is no longer this token's."""
        self._table.release(id, int(token))

    def _now(self) -> int:
        now = self._clock()
        return round((now.timestamp() if isinstance(now, datetime) else now) * 1000)


def milliseconds(ttl: float) -> int:
    """No more than can be added to a time in 64 bits."""
    return round(min(ttl * 1000, 2**53))


_Store = TypeVar("_Store", bound="DedupStore | AsyncDedupStore", covariant=True)


class Dedup(Generic[_Store]):
    """A store with times of your own, in place of the store alone.

    `claim_ttl` is how long an event counts as being handled, in seconds (50 unless given): longer than the slowest handler,
    and less than the 60 s before clarife sends an event for the last time. `done_ttl` is how long it is known that an
    event was handled, in seconds (a day unless given), and at least for as long as the webhook's
    `max_event_age` lets the event be accepted.

    Raises TypeError or ValueError if a time is not a number above 0.

    >>> dedup = Dedup(MemoryStore(), claim_ttl=30, done_ttl=7 * 86_400)
    """

    def __init__(self, store: _Store, *, claim_ttl: float = DEFAULT_CLAIM_TTL, done_ttl: float = DEFAULT_DONE_TTL) -> None:
        for method in ("claim", "complete", "release"):
            if not callable(getattr(store, method, None)):
                raise TypeError(f"dedup must be a store with claim, complete and release, not {type(store).__name__}")
        for name, ttl in (("claim_ttl", claim_ttl), ("done_ttl", done_ttl)):
            if isinstance(ttl, bool) or not isinstance(ttl, int | float):
                raise TypeError(f"{name} must be a number of seconds, not {type(ttl).__name__}")
            if not 0 < ttl < float("inf"):
                raise ValueError(f"{name} must be more than 0 seconds, and finite")
        self.store = store
        self.claim_ttl = claim_ttl
        self.done_ttl = done_ttl

SyncDedup: TypeAlias = DedupStore | Dedup[DedupStore] | None
AnyDedup: TypeAlias = DedupStore | AsyncDedupStore | Dedup[DedupStore | AsyncDedupStore] | None


def wired(dedup: AnyDedup) -> Dedup[Any] | None:
    """What `dedup` is given as: a store, a store with its times, or nothing."""
    return dedup if dedup is None or isinstance(dedup, Dedup) else Dedup(dedup)

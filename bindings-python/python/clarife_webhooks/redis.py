"""Stores in Redis, for receivers of several processes or machines.

They are given a client of the package `redis`, which this one does not depend on. A Redis server of version 7.0 or later is needed. The
stores of the other languages keep the same keys, so that receivers in several languages can share one server.

    from redis import Redis

    app = receiver(webhook, handlers, dedup=RedisStore(Redis.from_url("redis://localhost")))
"""

from __future__ import annotations

import secrets
from typing import Any, Protocol

from clarife_webhooks._constants import STORE_DONE, STORE_KEY_PREFIX, STORE_RELEASE_SCRIPT
from clarife_webhooks._native import store_key
from clarife_webhooks.dedup import Claim, milliseconds

__all__ = ["AsyncRedisStore", "RedisStore", "key"]


class _Client(Protocol):
    def set(self, name: Any, value: Any, /, *, nx: bool, px: int, get: bool) -> Any: ...
    def eval(self, script: Any, numkeys: int, /, *keys_and_args: Any) -> Any: ...


class RedisStore:
    """A store over a `redis.Redis` or `redis.RedisCluster`. Each step is one command, and atomic.

    Give the client time-outs (`socket_timeout`, `socket_connect_timeout`) of a few seconds, and few retries: clarife waits 10 s
    for an answer.

    >>> import os, redis
    >>> store = RedisStore(redis.Redis.from_url(os.environ["REDIS_URL"]))
    >>> claim = store.claim("evt_doctest", 60)
    >>> claim.state, store.claim("evt_doctest", 60).state
    ('new', 'in_progress')
    >>> store.release("evt_doctest", claim.token)
    """

    def __init__(self, client: _Client) -> None:
        self._client = client

    def claim(self, id: str, ttl: float, /) -> Claim:
        """Claims an id unless it is claimed or done. The claim ends by itself after `ttl` seconds."""
        token = secrets.token_hex(16)
        return _claim(token, self._client.set(key(id), token, nx=True, px=max(1, milliseconds(ttl)), get=True))

    def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an id as done for `ttl` seconds, whoever holds the claim by now."""
        self._client.set(key(id), STORE_DONE, nx=False, px=max(1, milliseconds(ttl)), get=False)

    def release(self, id: str, token: str, /) -> None:
        """Gives up the claim, unless it is no longer this token's."""
        self._client.eval(STORE_RELEASE_SCRIPT, 1, key(id), token)


class AsyncRedisStore:
    """A store over a `redis.asyncio.Redis` or `redis.asyncio.RedisCluster`. Each step is one command, and atomic.

    Give the client time-outs (`socket_timeout`, `socket_connect_timeout`) of a few seconds, and few retries: clarife waits 10 s
    for an answer.

    >>> import asyncio, os, redis.asyncio
    >>> async def claim_twice():
    ...     async with redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]) as client:
    ...         store = AsyncRedisStore(client)
    ...         first, second = await store.claim("evt_doctest", 60), await store.claim("evt_doctest", 60)
    ...         await store.release("evt_doctest", first.token)
    ...         return first.state, second.state
    >>> asyncio.run(claim_twice())
    ('new', 'in_progress')
    """

    def __init__(self, client: _Client) -> None:
        self._client = client

    async def claim(self, id: str, ttl: float, /) -> Claim:
        """Claims an id unless it is claimed or done. The claim ends by itself after `ttl` seconds."""
        token = secrets.token_hex(16)
        return _claim(token, await self._client.set(key(id), token, nx=True, px=max(1, milliseconds(ttl)), get=True))

    async def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an id as done for `ttl` seconds, whoever holds the claim by now."""
        await self._client.set(key(id), STORE_DONE, nx=False, px=max(1, milliseconds(ttl)), get=False)

    async def release(self, id: str, token: str, /) -> None:
        """Gives up the claim, unless it is no longer this token's."""
        await self._client.eval(STORE_RELEASE_SCRIPT, 1, key(id), token)


def key(id: str) -> str:
    """The key under which an event's id is kept.

    >>> key("evt_1")
    'clarife-webhooks:evt_1'
    """
    return STORE_KEY_PREFIX + store_key(id)


def _claim(token: str, before: str | bytes | None) -> Claim:
    """`before` is what was there, as text or as bytes: clients are set up for the one or the other."""
    holder = before.decode() if isinstance(before, bytes) else before
    if holder in (None, token):  # its own: the client has lost an answer and sent the command again
        return Claim("new", token)
    return Claim("done" if holder == STORE_DONE else "in_progress")

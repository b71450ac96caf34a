"""Stores in Redis, for receivers of several processes or machines.

Pass a client of the package `redis`; it is not a dependency of this package. The server must be Redis 7.0 or later. The
stores in other languages use the same keys, so receivers in several languages can share a server.

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
    """A store with a `redis.Redis` or `redis.RedisCluster`. Each method is one atomic command.

    Set the time-outs of the client (`socket_timeout`, `socket_connect_timeout`) to a few seconds, and allow few
    retries: clarife waits 10 s for a response.

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
        """Claims an event id unless it is claimed or done. The claim expires after `ttl` seconds."""
        token = secrets.token_hex(16)
        return _to_claim(token, self._client.set(key(id), token, nx=True, px=max(1, milliseconds(ttl)), get=True))

    def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an event id as done for `ttl` seconds, even if the claim has expired."""
        self._client.set(key(id), STORE_DONE, nx=False, px=max(1, milliseconds(ttl)), get=False)

    def release(self, id: str, token: str, /) -> None:
        """Releases the claim if `token` still holds it."""
        self._client.eval(STORE_RELEASE_SCRIPT, 1, key(id), token)


class AsyncRedisStore:
    """A store with a `redis.asyncio.Redis` or `redis.asyncio.RedisCluster`. Each method is one atomic command.

    Set the time-outs of the client (`socket_timeout`, `socket_connect_timeout`) to a few seconds, and allow few
    retries: clarife waits 10 s for a response.

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
        """Claims an event id unless it is claimed or done. The claim expires after `ttl` seconds."""
        token = secrets.token_hex(16)
        return _to_claim(token, await self._client.set(key(id), token, nx=True, px=max(1, milliseconds(ttl)), get=True))

    async def complete(self, id: str, token: str, ttl: float, /) -> None:
        """Marks an event id as done for `ttl` seconds, even if the claim has expired."""
        await self._client.set(key(id), STORE_DONE, nx=False, px=max(1, milliseconds(ttl)), get=False)

    async def release(self, id: str, token: str, /) -> None:
        """Releases the claim if `token` still holds it."""
        await self._client.eval(STORE_RELEASE_SCRIPT, 1, key(id), token)


def key(id: str) -> str:
    """Returns the key of an event id in Redis.

    >>> key("evt_1")
    'clarife-webhooks:evt_1'
    """
    return STORE_KEY_PREFIX + store_key(id)


def _to_claim(token: str, previous: str | bytes | None) -> Claim:
    """Converts the previous value of the key: text or bytes, by the client's `decode_responses`."""
    owner = previous.decode() if isinstance(previous, bytes) else previous
    if owner in (None, token):  # the token is there if the client lost a reply and sent the command again
        return Claim("new", token)
    return Claim("done" if owner == STORE_DONE else "in_progress")

"""Stores in memory and in Redis, also with a hundred claims at once, in threads and in an event loop."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import redis
import redis.asyncio
from helpers import SECRET
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from clarife_webhooks import Claim, Dedup, DedupStore, MemoryStore, Webhook, WebhookEvent, WebhookResponse, receive, receive_async
from clarife_webhooks.redis import AsyncRedisStore, RedisStore, key
from clarife_webhooks.testing import Clock, sample_event, signed_request

AT_ONCE = 100
WEBHOOK = Webhook(SECRET)


@pytest.fixture(params=[False, True], ids=["bytes", "text"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=request.param) as client:
        yield client


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[DedupStore]:
    if request.param == "memory":
        yield MemoryStore()
    else:
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
            yield RedisStore(client)


@pytest.fixture
def id() -> str:
    """Returns an event id that no other test run left in Redis."""
    return f"evt_{uuid4()}"


def test_a_store(store: DedupStore, id: str) -> None:
    first = store.claim(id, 60)
    assert first.state == "new" and first.token
    assert store.claim(id, 60) == Claim("in_progress")
    store.release(id, "1234567")  # not the token of the claim
    assert store.claim(id, 60) == Claim("in_progress")
    store.release(id, first.token)
    second = store.claim(id, 60)
    assert second.state == "new" and second.token != first.token
    store.release(id, first.token)  # no longer the token of the claim
    assert store.claim(id, 60) == Claim("in_progress")
    store.complete(id, second.token, 60)
    assert store.claim(id, 60) == Claim("done")
    store.release(id, second.token)
    assert store.claim(id, 60) == Claim("done")


def test_an_expired_claim_completes(store: DedupStore, id: str) -> None:
    store.claim(id, 60)
    store.complete(id, "1234567", 60)
    assert store.claim(id, 60) == Claim("done")


def wait_for(store: DedupStore, id: str) -> Claim:
    for _ in range(2000):
        claim = store.claim(id, 60)
        if claim.state == "new":
            return claim
        time.sleep(0.005)
    raise AssertionError(f"{claim.state} for ten seconds")


def test_claims_and_done_marks_expire(store: DedupStore, id: str) -> None:
    first = store.claim(id, 0.05)
    assert first.state == "new"
    second = wait_for(store, id)
    store.release(id, first.token)
    assert store.claim(id, 60) == Claim("in_progress")
    store.complete(id, second.token, 0.05)
    wait_for(store, id)


@pytest.mark.parametrize("id", ["", "x" * 5000, "🦔" * 300, "a b\r\nc\0", "ü"])
def test_unusual_ids(store: DedupStore, id: str) -> None:
    id = f"{id}{uuid4()}"
    claim = store.claim(id, 60)
    assert claim.state == "new"
    store.complete(id, claim.token, 60)
    assert store.claim(id, 60).state == "done"


# --- a hundred deliveries of one event at the same time ---


def delivery() -> Any:
    return signed_request(sample_event("document.updated"), WEBHOOK)


def check(codes: Counter[str], runs: list[str]) -> None:
    assert len(runs) == 1
    assert codes["handled"] == 1 and codes.total() == AT_ONCE
    assert set(codes) <= {"handled", "in_progress", "duplicate"}


def test_threads(store: DedupStore) -> None:
    request, runs, barrier = delivery(), [], Barrier(AT_ONCE)

    def handle(event: WebhookEvent) -> None:
        runs.append(event.id)
        time.sleep(0.05)

    def deliver(_: int) -> str:
        barrier.wait(60)
        return receive(WEBHOOK, request.body, request.headers, handle, dedup=store).code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        check(Counter(pool.map(deliver, range(AT_ONCE))), runs)


async def all_at_once(store: Any, handler: Callable[[WebhookEvent], object]) -> Counter[str]:
    request = delivery()
    responses = await asyncio.gather(
        *(receive_async(WEBHOOK, request.body, request.headers, handler, dedup=store) for _ in range(AT_ONCE))
    )
    return Counter(response.code for response in responses)


@pytest.mark.parametrize("kind", ["memory", "redis", "async redis"])
@pytest.mark.parametrize("coroutine", [True, False], ids=["a coroutine", "a function"])
def test_an_event_loop(kind: str, coroutine: bool) -> None:
    runs: list[str] = []

    async def handle_async(event: WebhookEvent) -> None:
        runs.append(event.id)
        await asyncio.sleep(0.05)

    def handle(event: WebhookEvent) -> None:
        runs.append(event.id)
        time.sleep(0.05)

    async def main() -> Counter[str]:
        handler = handle_async if coroutine else handle
        if kind == "memory":
            return await all_at_once(MemoryStore(), handler)
        if kind == "redis":
            with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
                return await all_at_once(RedisStore(client), handler)
        async with redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]) as client:
            return await all_at_once(AsyncRedisStore(client), handler)

    check(asyncio.run(main()), runs)


# --- Redis ---


def test_the_keys_in_redis(client: redis.Redis, id: str) -> None:
    """Keys and values equal those of the other languages, so that their receivers can share a server."""
    store = RedisStore(client)
    claim = store.claim(id, 60)
    assert len(claim.token) == 32 and int(claim.token, 16) >= 0

    def stored() -> tuple[str, float]:
        value: Any = client.get(f"clarife-webhooks:{id}")
        left: Any = client.pttl(f"clarife-webhooks:{id}")
        return (value if isinstance(value, str) else value.decode()), left / 1000

    value, left = stored()
    assert value == claim.token and 0 < left <= 60
    store.complete(id, claim.token, 86_400)
    value, left = stored()
    assert value == "done" and 60 < left <= 86_400
    assert store.claim(id, 60) == Claim("done")
    store.complete(id, claim.token, 2.0**80)  # limited to the range of Redis
    assert stored()[1] > 86_400


def test_long_ids_are_hashed() -> None:
    assert key("x" * 1024) == "clarife-webhooks:" + "x" * 1024
    assert key("x" * 1025) == "clarife-webhooks:c6d8e9905300876046729949cc95c2385221270d389176f7234fe7ac00c4e430"


def test_a_lost_reply_of_redis(id: str) -> None:
    """The client sends the command again and finds its own token."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:

        class Twice:
            def set(self, *arguments: Any, **options: Any) -> Any:
                client.set(*arguments, **options)
                return client.set(*arguments, **options)

            def eval(self, *arguments: Any) -> Any: ...

        assert RedisStore(Twice()).claim(id, 60).state == "new"
        assert RedisStore(client).claim(id, 60).state == "in_progress"


def test_one_command_for_each_step(id: str) -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        store = RedisStore(client)
        client.ping()  # the commands that open the connection come first

        def commands() -> Any:
            info: Any = client.info("stats")
            return info["total_commands_processed"]

        # Other clients may send commands too, so the minimum of several attempts counts.
        spent = []
        for attempt in range(5):
            name, before = f"{id}-{attempt}", commands()
            claim = store.claim(name, 60)
            store.release(name, claim.token)
            store.complete(name, claim.token, 60)
            spent.append(commands() - before)
        # Three steps, the two commands within the script's own call, and the second INFO.
        assert min(spent) <= 3 + 2 + 1


def test_the_response_is_503_while_redis_is_down(caplog: pytest.LogCaptureFixture) -> None:
    request = delivery()
    client = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    runs: list[WebhookEvent] = []
    response = receive(WEBHOOK, request.body, request.headers, runs.append, dedup=RedisStore(client))
    assert (response.status, response.code, runs) == (503, "store_unavailable", [])

    async def main() -> WebhookResponse:
        async with redis.asyncio.Redis(host="127.0.0.1", port=1, socket_connect_timeout=1, retry=AsyncRetry(NoBackoff(), 0)) as client:
            return await receive_async(WEBHOOK, request.body, request.headers, runs.append, dedup=AsyncRedisStore(client))

    response = asyncio.run(main())
    assert (response.status, response.code, runs) == (503, "store_unavailable", [])
    assert "ConnectionError" in caplog.text


# --- memory ---


def test_the_clock_of_a_store_in_memory() -> None:
    for start in (0, 1774699200.25, datetime(2026, 3, 28, 12, tzinfo=timezone(timedelta(hours=2)))):
        clock = Clock(start)
        store = MemoryStore(clock=clock)
        store.claim("evt_1", 60)
        clock.advance(59.999)
        assert store.claim("evt_1", 60).state == "in_progress"
        clock.advance(0.001)
        assert store.claim("evt_1", 60).state == "new"
    store = MemoryStore(clock=lambda: datetime.now(timezone.utc))
    assert store.claim("evt_1", 60).state == "new"


def test_a_store_full_of_claims_is_down() -> None:
    """The store never removes a claim: clarife retries the delivery."""
    store = MemoryStore(1)
    store.claim("evt_0", 60)
    request = delivery()
    reported: list[Exception] = []
    response = receive(
        WEBHOOK, request.body, request.headers, lambda event: None, dedup=store, on_error=lambda error, event: reported.append(error)
    )
    assert (response.status, response.code) == (503, "store_unavailable")
    assert str(reported[0]) == "the store is full of events that are being handled"


def test_a_store_full_of_done_marks_removes_the_oldest() -> None:
    store = MemoryStore(2)
    for id in ("evt_1", "evt_2", "evt_3"):
        store.complete(id, "", 60)
    assert [store.claim(id, 60).state for id in ("evt_3", "evt_2")] == ["done", "done"]
    assert store.claim("evt_1", 60).state == "new"


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0,), {}, ValueError, "capacity must be 1 or more"),
        ((True,), {}, TypeError, "capacity must be a whole number, not bool"),
        ((1.5,), {}, TypeError, "capacity must be a whole number, not float"),
        ((), {"clock": 5}, TypeError, "clock must be a function, not int"),
    ],
)
def test_arguments_of_a_store_in_memory(arguments: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        MemoryStore(*arguments, **options)


def test_dedup_requires_a_store() -> None:
    with pytest.raises(TypeError, match="^dedup must be a store with claim, complete and release, not dict$"):
        Dedup({})  # type: ignore[type-var]


def test_a_full_store_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    """Only of a done mark that was still alive: an event could be handled again."""
    clock = Clock()
    store = MemoryStore(2, clock=clock)
    for id in ("evt_1", "evt_2"):
        store.complete(id, "", 60)
    clock.advance(60)
    store.complete("evt_3", "", 60)
    store.complete("evt_4", "", 60)
    assert caplog.records == [], "the marks had expired"
    store.claim("evt_5", 60)
    store.complete("evt_6", "", 60)
    [record] = caplog.records
    assert (record.name, record.levelname) == ("clarife_webhooks", "WARNING")
    assert record.getMessage().endswith("raise its capacity")


def test_subscriptions_that_share_a_store_handle_their_own_events(store: DedupStore, id: str) -> None:
    handled: list[str] = []

    def deliver(subscription: str, event_id: str) -> str:
        request = signed_request(sample_event("document.updated", id=event_id), secret=SECRET)
        dedup = Dedup(store, subscription=subscription)
        return receive(WEBHOOK, request.body, request.headers, lambda event: handled.append(event.id), dedup=dedup).code

    assert [deliver("sub_1", id), deliver("sub_2", id)] == ["handled", "handled"]
    assert [deliver("sub_1", id), deliver("sub_2", id)] == ["duplicate", "duplicate"]
    # No id of an event reaches into another subscription.
    assert deliver("sub", f"1:{id}") == "handled"
    assert handled == [id, id, f"1:{id}"]


@pytest.mark.parametrize(("subscription", "kind"), [("", ValueError), ("a:b", ValueError), (5, TypeError)])
def test_a_subscription_is_a_text_without_a_colon(subscription: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="^subscription must be a "):
        Dedup(MemoryStore(), subscription=subscription)


def test_one_warning_of_a_handler_that_is_slower_than_clarife_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    monkeypatch.setattr("clarife_webhooks._delivery.time.monotonic", lambda: now)
    webhook = Webhook(SECRET)

    def deliver(seconds: float) -> None:
        def handle(event: WebhookEvent) -> None:
            nonlocal now
            now += seconds

        request = signed_request(sample_event("document.updated"), secret=SECRET)
        assert receive(webhook, request.body, request.headers, handle).code == "handled"

    deliver(10)
    assert caplog.messages == []
    deliver(10.5)
    deliver(11)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("the handler took longer than the 10 s that clarife waits")

"""A Webhook and an Event shared by many threads."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers import NOW, SECRET, envelope, verified

from clarife_webhooks import Webhook, WebhookError

THREADS = 8


@pytest.fixture(autouse=True)
def switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_at_once(work: Callable[[int], Any]) -> list[Any]:
    barrier = threading.Barrier(THREADS)

    def start(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))


@pytest.mark.parametrize("size", [0, 200_000])
def test_one_webhook(size: int) -> None:
    webhook = Webhook(SECRET)

    def work(number: int) -> None:
        body = envelope(id=f"evt_{number}", data=f'{{"text":"{"x" * size}"}}')
        for _ in range(20):
            signature = webhook.sign(body, timestamp=NOW)
            assert webhook.verify(body, signature, now=NOW).id == f"evt_{number}"
            with pytest.raises(WebhookError):
                webhook.verify(body + b" ", signature, now=NOW)

    run_at_once(work)


@pytest.mark.parametrize("text", ['{"a":[1,2,3]}', r'{"a":"\ud83d"}', f'{{"a":"{"x" * 100_000}"}}'])
def test_all_threads_get_the_same_data(text: str) -> None:
    for _ in range(50):
        event = verified(envelope(data=text))
        first, *others = run_at_once(lambda _: event.data)
        assert all(data is first for data in others)


def test_a_large_body_lets_other_threads_run() -> None:
    """Another thread makes progress while one verifies, because the GIL is released."""
    body = envelope(data=f'{{"text":"{"x" * 50_000_000}"}}')
    webhook = Webhook(SECRET)
    signature = webhook.sign(body, timestamp=NOW)
    started, done = threading.Event(), threading.Event()
    seen: list[None] = []

    def count() -> None:
        started.set()
        while not done.is_set():
            seen.append(None)

    other = threading.Thread(target=count)
    other.start()
    started.wait()
    before = len(seen)
    webhook.verify(body, signature, now=NOW)
    during = len(seen) - before
    done.set()
    other.join()
    assert during > 1000


def test_a_bytearray_may_change_while_it_is_verified() -> None:
    good = envelope(data=f'{{"text":"{"x" * 200_000}"}}')
    webhook = Webhook(SECRET)
    signature = webhook.sign(good, timestamp=NOW)
    body, done = bytearray(good), threading.Event()

    def change() -> None:
        while not done.is_set():
            body[100:] = b"y" * 10
            body[:] = good

    other = threading.Thread(target=change)
    other.start()
    for _ in range(200):
        try:
            event = webhook.verify(body, signature, now=NOW)
        except WebhookError as error:
            assert error.code == "signature_mismatch"
        else:
            assert event.raw == good
    done.set()
    other.join()

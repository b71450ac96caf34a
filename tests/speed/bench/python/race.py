"""`race.py <folder of bodies>`: measures the wheel, code by hand and the other libraries in one process.

Measures with `timeit`, one contestant after another, and prints a line of JSON for each median.
"""

import datetime
import hashlib
import hmac
import json
import statistics
import sys
import time
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import standardwebhooks
import stripe
import svix.webhooks

import clarife_webhooks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SLICE = 0.003  # seconds, or one call if it takes longer
SLICES = 7

Jobs = dict[str, Callable[[], object]]


def one_wrong_bit(header: str) -> str:
    """Returns the header with its tenth digit from the end changed."""
    return header[:-10] + ("1" if header[-10] == "0" else "0") + header[-9:]


def rejects(verify: Callable[[str], object], header: str) -> bool:
    try:
        verify(header)
    except Exception:
        return True
    return False


def parsed(verify: Callable[[str], dict[str, object]], header: str, wrong: str) -> Jobs:
    """Returns the jobs of a function that verifies a header and returns the parsed event, or raises."""

    def route() -> object:
        event = verify(header)
        return event["id"], event["type"]

    return {"route": route, "read": lambda: verify(header)["data"], "reject": lambda: rejects(verify, wrong)}


def sdk(body: bytes) -> Jobs:
    webhook = clarife_webhooks.Webhook(SECRET)
    header = webhook.sign(body)
    wrong = one_wrong_bit(header)

    def route() -> object:
        event = webhook.verify(body, header)
        return event.id, event.type

    return {
        "route": route,
        "read": lambda: webhook.verify(body, header).data,
        "reject": lambda: rejects(lambda header: webhook.verify(body, header), wrong),
    }


def by_hand(body: bytes, loads: Callable[[bytes], dict[str, object]]) -> Jobs:
    key = SECRET.encode()

    def verify(header: str) -> dict[str, object]:
        elements = dict(element.split("=") for element in header.split(","))
        if abs(time.time() - int(elements["t"])) > 300:
            raise ValueError("too old")
        expected = hmac.new(key, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, elements["v1"]):
            raise ValueError("no match")
        return loads(body)

    header = clarife_webhooks.Webhook(SECRET).sign(body)
    return parsed(verify, header, one_wrong_bit(header))


def stripe_webhook(body: bytes) -> Jobs:
    now = int(time.time())
    signature = hmac.new(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    header = f"t={now},v1={signature}"

    def verify(header: str) -> dict[str, object]:
        return stripe.Webhook.construct_event(body, header, SECRET)  # type: ignore[no-any-return,no-untyped-call]

    return parsed(verify, header, one_wrong_bit(header))


def standard_webhooks(webhook: object, verify_with: Callable[[dict[str, str]], dict[str, object]], body: bytes) -> Jobs:
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    signature = webhook.sign("msg_1", now, body.decode())  # type: ignore[attr-defined]
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp()))}

    def verify(signature: str) -> dict[str, object]:
        return verify_with({**headers, "webhook-signature": signature})

    return parsed(verify, signature, one_wrong_bit(signature))


def contestants(body: bytes) -> dict[str, Jobs]:
    standard, svix_webhook = standardwebhooks.Webhook(SECRET), svix.webhooks.Webhook(SECRET)

    def svix_verify(headers: dict[str, str]) -> dict[str, object]:
        svix_webhook.verify(body, headers)
        return json.loads(body)  # type: ignore[no-any-return]

    found = {
        "clarife-webhooks": sdk(body),
        "by hand, hmac + json": by_hand(body, json.loads),
        "by hand, hmac + orjson": by_hand(body, orjson.loads),
        "stripe": stripe_webhook(body),
        "svix": standard_webhooks(svix_webhook, svix_verify, body),
        "standardwebhooks": standard_webhooks(standard, lambda headers: standard.verify(body, headers), body),
    }
    event = json.loads(body)
    for name, jobs in found.items():
        data = jobs["read"]()
        same = json.loads(str(data)) if name == "stripe" else data
        if jobs["route"]() != (event["id"], event["type"]) or same != event["data"] or not jobs["reject"]():
            raise SystemExit(f"{name} does not do its jobs")
    return found


def median_ns(job: Callable[[], object]) -> float:
    timer = timeit.Timer(job)
    calls = max(1, int(SLICE / max(timer.timeit(1), timer.timeit(1), 1e-9)))
    return statistics.median(timer.repeat(SLICES, calls)) / calls * 1e9


def race(folder: Path) -> Iterator[dict[str, object]]:
    for path in sorted(folder.iterdir(), key=lambda path: (int(path.stem.split("-")[0]), path.stem)):
        size, text = path.stem.split("-")
        entries = contestants(path.read_bytes())
        for job in ("route", "read", "reject"):
            for contestant, jobs in entries.items():
                ns = median_ns(jobs[job])
                yield {"contestant": contestant, "job": job, "size": int(size), "text": text, "ns": ns}


if __name__ == "__main__":
    for line in race(Path(sys.argv[1])):
        print(json.dumps(line), flush=True)

"""Prints Python's verdict on each delivery:  python verdicts.py < deliveries

The forms of body and signature change from case to case, and must not change the verdict.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

from clarife_webhooks import Webhook, WebhookError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def text(raw):
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


BODIES = [lambda raw: raw, text, bytearray, memoryview]
SIGNATURES = [
    lambda value: value,
    lambda value: {"X-Clarife-Signature": value},
    lambda value: {"HTTP_X_CLARIFE_SIGNATURE": value},
    lambda value: [] if value is None else [value.encode()],
    lambda value: [(b"X-CLARIFE-SIGNATURE", value if value is None else value.encode())],
    lambda value: {"x-clarife-signature": [value]},
]


def same(ours, theirs):
    """Compares values, types and the order of members."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return list(ours) == list(theirs) and all(same(ours[name], theirs[name]) for name in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return repr(ours) == repr(theirs)


def verdict(delivery, number):
    try:
        webhook = Webhook(delivery["secrets"], tolerance=delivery["tolerance"], max_event_age=delivery["maxEventAge"])
        body = BODIES[number % len(BODIES)](bytes.fromhex(delivery["body"]))
        event = webhook.verify(body, SIGNATURES[number % len(SIGNATURES)](delivery["signature"]), now=delivery["now"])
    except WebhookError as error:
        return {"code": error.code, "message": error.message, "hint": error.hint}
    except BaseException as error:  # a panic in Rust is not an Exception
        return {"unexpected": repr(error)}
    return {
        "id": event.id,
        "type": event.type,
        "createdAt": (event.created_at - EPOCH) // timedelta(milliseconds=1),
        "raw": event.raw.hex(),
        "data": same(event.data, json.loads(event.raw)["data"]),
    }


for number, line in enumerate(sys.stdin):
    print(json.dumps(verdict(json.loads(line), number)))

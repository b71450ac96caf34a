"""Types of arguments and errors."""

from collections.abc import Awaitable, Iterable, Mapping
from datetime import datetime
from email.message import Message
from typing import Any, Literal

from starlette.requests import Request as StarletteRequest
from typing_extensions import assert_never, assert_type
from werkzeug.wrappers import Request as WerkzeugRequest

import clarife_webhooks
from clarife_webhooks import ERROR_CODES, EVENT_TYPES, ErrorCode, EventType, Webhook, WebhookError, WebhookEvent, verify_webhook_signature

webhook = Webhook("whsec_c2VjcmV0")
body = b"{}"


def containers(
    record: Mapping[str, str],
    lists: dict[str, list[str]],
    environ: dict[str, Any],
    scope: Mapping[str, Any],
    asgi: Iterable[tuple[bytes, bytes]],
    message: Message,
    starlette: StarletteRequest,
    werkzeug: WerkzeugRequest,
) -> None:
    webhook.verify(body, "t=1,v1=00")
    webhook.verify(body, b"t=1,v1=00")
    webhook.verify(body, None)
    webhook.verify(body, record)
    webhook.verify(body, record.get("x-clarife-signature"))
    webhook.verify(body, lists)
    webhook.verify(body, environ)
    webhook.verify(body, scope["headers"])
    webhook.verify(body, asgi)
    webhook.verify(body, [[b"x-clarife-signature", b"t=1,v1=00"]])
    webhook.verify(body, record.items())
    webhook.verify(body, message)
    webhook.verify(werkzeug.get_data(), werkzeug.headers)
    webhook.verify(body, starlette.headers)
    webhook.verify(body, 1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    webhook.verify(body, ["t=1,v1=00"])
    webhook.verify(body, [1])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]


def bodies(parsed: dict[str, object], unread: Awaitable[bytes]) -> None:
    webhook.verify(bytearray(body), None)
    webhook.verify(memoryview(body), None)
    webhook.verify("{}", None)
    webhook.verify(parsed, None)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    webhook.verify(unread, None)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    webhook.verify(None, None)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def others(moment: datetime, secret: str | None) -> None:
    assert_type(webhook.verify(body, None, now=moment), WebhookEvent)
    webhook.verify(body, None, now=1.5)
    webhook.verify(body, None, now="1")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    webhook.verify(body, None, 1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    assert_type(webhook.sign(body, timestamp=moment), str)
    Webhook(secret)  # an environment variable: None raises WebhookError
    Webhook(("whsec_bmV3", "whsec_b2xk"), tolerance=0, max_event_age=None)
    Webhook(b"whsec_c2VjcmV0")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    Webhook("whsec_c2VjcmV0", tolerance=1.5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert_type(verify_webhook_signature(body, None, "whsec_c2VjcmV0"), bool)


def status(error: WebhookError) -> int:
    assert_type(error.code, ErrorCode)
    assert_type(error.message, str)
    assert_type(error.hint, str)
    match error.code:
        case "invalid_secret" | "body_not_raw":
            return 500
        case "missing_signature" | "malformed_signature" | "signature_mismatch" | "malformed_payload":
            return 400
        case "timestamp_too_old" | "timestamp_in_future" | "event_too_old" | "body_incomplete":
            return 400
        case "body_too_large":
            return 413
        case _:
            assert_never(error.code)


def wrong_code(error: WebhookError) -> bool:
    return error.code == "signature_missing"  # type: ignore[comparison-overlap] # pyright: ignore[reportUnnecessaryComparison]


assert_type(EVENT_TYPES, tuple[EventType, ...])
assert_type(ERROR_CODES, tuple[ErrorCode, ...])
assert_type(clarife_webhooks.SIGNATURE_HEADER, str)
document: Literal["document.created"] = EVENT_TYPES[0]  # type: ignore[assignment] # pyright: ignore[reportAssignmentType]

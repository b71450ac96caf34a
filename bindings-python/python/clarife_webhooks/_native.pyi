"""Native module of clarife_webhooks. The docstrings are those of the Rust sources; tests/test_docs.py compares them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from types import GenericAlias
from typing import Any, Final, Generic, Protocol, TypeAlias, final

from typing_extensions import Self, TypeIs, TypeVar

from clarife_webhooks._error import WebhookError
from clarife_webhooks._types import ErrorCode, EventType, WebhookEvent

__all__ = [
    "ClaimTable",
    "ERROR_CODES",
    "EVENT_TYPES",
    "Event",
    "SIGNATURE_HEADER",
    "STANDARD_HEADERS",
    "Webhook",
    "error_from_code",
    "is_known_event_type",
    "parse_trusted",
    "store_key",
    "verify_webhook_signature",
]

_Type = TypeVar("_Type", bound=str, default=str, covariant=True)
_Data = TypeVar("_Data", default=Any, covariant=True)

class _HasItems(Protocol):
    def items(self) -> Iterable[tuple[Any, Any]]: ...

_Body: TypeAlias = bytes | bytearray | memoryview | str
_Signature: TypeAlias = str | bytes | _HasItems | Iterable[str | bytes | tuple[str | bytes, Any] | list[bytes] | list[str]] | None
_Time: TypeAlias = int | float | datetime | None

SIGNATURE_HEADER: Final[str]
STANDARD_HEADERS: Final[tuple[str, str, str]]
EVENT_TYPES: Final[tuple[EventType, ...]]
ERROR_CODES: Final[tuple[ErrorCode, ...]]

@final
class Webhook:
    """A verifier of the deliveries of one subscription. It can also sign bodies as clarife does.

    - `secrets` is the signing secret, exactly as clarife shows it. During a rotation, pass both secrets, newest first.
    - `tolerance` is the largest accepted difference between the timestamp of a delivery and the clock, in seconds. The
      default is 300.
    - `max_event_age` is the largest accepted age of an event, by its signed `created_at`, in seconds. It is off by
      default; 900 leaves room for every retry.
    - `standard_webhooks` requires the headers of Standard Webhooks, which sign the timestamp too, and ignores clarife's
      own header.
    - `clock` returns the current time, in Unix seconds or as an aware datetime. It replaces the system clock in tests.

    Create a webhook once and share it between threads. It never shows a secret, and it cannot be pickled.

    >>> webhook = Webhook("whsec_c2VjcmV0", max_event_age=900)
    >>> webhook
    <Webhook, secrets hidden>
    """

    def __new__(
        cls,
        secrets: str | Sequence[str] | None,
        *,
        tolerance: int | None = None,
        max_event_age: int | None = None,
        standard_webhooks: bool = False,
        clock: Callable[[], int | float | datetime] | None = None,
    ) -> Self: ...
    @property
    def max_event_age(self) -> int | None:
        """The maximum event age in seconds, or None if it is off."""

    def verify(self, body: _Body, signature: _Signature, *, now: _Time = None) -> WebhookEvent:
        """Verifies a delivery and returns its event.

        `body` is the raw body, byte for byte as received. `signature` is the X-Clarife-Signature header, or all headers
        of the request: a mapping, a WSGI environ or ASGI's list of pairs. Standard Webhooks need all headers. `now` is
        the current time, in Unix seconds or as an aware datetime. The default is the time of the clock.

        Raises WebhookError if the delivery is refused, TypeError if an argument has a wrong type.

        >>> webhook = Webhook("whsec_c2VjcmV0")
        >>> body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}'
        >>> headers = {"X-Clarife-Signature": webhook.sign(body)}
        >>> event = webhook.verify(body, headers)
        >>> if event.type == "document.updated":
        ...     print(event.data.get("title"))
        Start
        """

    def sign(self, body: _Body, *, timestamp: _Time = None) -> str:
        """Signs a body as clarife does, for tests. Returns the value of the X-Clarife-Signature header.

        `timestamp` is in Unix seconds or an aware datetime. The default is the time of the clock.

        >>> Webhook("whsec_c2VjcmV0").sign(b"{}", timestamp=1711612800)
        't=1711612800,v1=f2a9d48be51b03e17422a1499a4cdb7f8400afd0aa4cf50f34b9852d223553bb'
        """

    def sign_standard(self, body: _Body, *, id: str, timestamp: _Time = None) -> dict[str, str]:
        """Signs a body with the scheme of Standard Webhooks, for tests. Returns their three headers.

        `id` is the event id. `timestamp` is in Unix seconds or an aware datetime. The default is the time of the clock.
        Raises WebhookError (invalid_secret) if a secret is not base64.

        >>> Webhook("whsec_c2VjcmV0").sign_standard(b"{}", id="evt_1", timestamp=1711612800)["webhook-timestamp"]
        '1711612800'
        """

    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object) -> Self: ...

@final
class ClaimTable:
    """A table of claims and done marks in memory. Times are in milliseconds; the caller passes the current time."""

    def __new__(cls, capacity: int | None = None, /) -> Self: ...
    def claim(self, id: str, now: int, ttl: int, /) -> int:
        """Claims an event id. Returns a token of 1 or more, 0 if the event is in progress, or -1 if it is done.

        Raises RuntimeError if the table is full.
        """

    def complete(self, id: str, now: int, ttl: int, /) -> None:
        """Marks an event id as done. Raises RuntimeError if the table is full."""

    def take_evicted(self) -> bool:
        """Returns True if a full table has removed a done mark that was still alive, once for all marks until then."""

    def release(self, id: str, token: int, /) -> None:
        """Releases a claim if `token` still holds it."""

@final
class Event(Generic[_Type, _Data]):
    """A verified event. `Webhook.verify` creates it; users cannot create or change one.

    >>> from clarife_webhooks import Webhook
    >>> webhook = Webhook("whsec_c2VjcmV0")
    >>> body = b'{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{"filename":"a.png"}}'
    >>> event = webhook.verify(body, webhook.sign(body))
    >>> event
    Event(id='evt_1', type='media.uploaded', created_at=datetime.datetime(2026, 3, 28, 12, 0, tzinfo=datetime.timezone.utc))
    >>> match event.type:
    ...     case "media.uploaded":
    ...         print(event.data.get("filename"))
    ...     case other:
    ...         print("not for us:", other)
    a.png

    Events are equal if their raw bodies are equal. Events can be pickled and copied; a copy parses its data again.
    """

    __match_args__ = ("type", "data")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any: ...
    @property
    def id(self) -> str:
        """The event id. Every delivery of an event has the same id, so it is the key for deduplication."""

    @property
    def type(self) -> _Type:
        """The event type: one of `EVENT_TYPES`, or a newer type that this version does not know."""

    @property
    def created_at(self) -> datetime:
        """The time of the event in UTC, rounded down to microseconds and clamped to the range of `datetime`."""

    @property
    def data(self) -> _Data:
        """The data of the event, a dict. It is parsed on first access and kept; `raw` has the signed form."""

    @property
    def raw(self) -> bytes:
        """The whole body, byte for byte as signed."""

    @property
    def _replay_window(self) -> int:
        """The time after the verification in which a receiver can accept the event again, in seconds. It is 0 without a
        maximum event age.
        """

    @classmethod
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

def verify_webhook_signature(payload: _Body, signature: _Signature, secret: str | Sequence[str]) -> bool:
    """Returns True if a delivery is genuine. It replaces the function in clarife's documentation.

    The result is True exactly if `Webhook(secret).verify(payload, signature)` returns an event. `payload` is the raw
    body. A parsed body or an invalid secret raises WebhookError.

    >>> payload = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}'
    >>> signature = Webhook("whsec_c2VjcmV0").sign(payload)
    >>> verify_webhook_signature(payload, signature, "whsec_c2VjcmV0")
    True
    >>> verify_webhook_signature(payload + b" ", signature, "whsec_c2VjcmV0")
    False
    """

def is_known_event_type(type: str, /) -> TypeIs[EventType]:
    """Returns True if `type` is one of `EVENT_TYPES`. Type checkers narrow by it.

    >>> is_known_event_type("document.updated"), is_known_event_type("video.rendered")
    (True, False)
    """

def error_from_code(code: ErrorCode, /) -> WebhookError:
    """Creates the exception with a code and its default message."""

def store_key(id: str, /) -> str:
    """Returns the key of an event id in a shared store, without its prefix."""

def parse_trusted(raw: _Body) -> WebhookEvent:
    """Parses an event that was verified before, for example from your own queue.

    It checks **no signature**: never pass it a body from the network. `raw` is the body, as in `event.raw`. Raises
    WebhookError (malformed_payload) if `raw` is not an event.

    >>> raw = b'{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{}}'
    >>> parse_trusted(raw).id
    'evt_1'
    """

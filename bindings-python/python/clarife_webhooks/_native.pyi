"""The native half of clarife_webhooks. Its docstrings are the compiled module's (tests/test_docs.py compares them)."""

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
    "is_known_event_type",
    "parse_trusted",
    "refusal",
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
    """Verifies deliveries of one subscription, and signs bodies as clarife does.

    `secrets` is the signing secret, exactly as clarife shows it, or several of them, newest first, while it is rotated.
    `tolerance` is how far a delivery's timestamp may be from the clock, in seconds (300 unless given). `max_event_age`
    refuses events whose signed created_at is longer ago, in seconds (off unless given; 900 leave room for every retry).
    `standard_webhooks` makes it verify by the headers of Standard Webhooks, which cover the time, and by nothing else.
    `clock` is called for the time, in Unix seconds or as an aware datetime, in place of the system's clock: for tests.

    Make it once and keep it; threads can share it. It shows no secret, and it cannot be pickled.

    >>> webhook = Webhook("whsec_c2VjcmV0", max_event_age=900)
    >>> webhook
    <Webhook, secrets hidden>
    """

    def __new__(
        cls,
        secrets: str | Sequence[str],
        *,
        tolerance: int | None = None,
        max_event_age: int | None = None,
        standard_webhooks: bool = False,
        clock: Callable[[], int | float | datetime] | None = None,
    ) -> Self: ...
    @property
    def max_event_age(self) -> int | None:
        """The maximum event age, in seconds; None where it is off."""

    def verify(self, body: _Body, signature: _Signature, *, now: _Time = None) -> WebhookEvent:
        """Verifies a delivery and gives its event.

        `body` is the raw body, byte for byte as received. `signature` is the X-Clarife-Signature header, or all headers of
        the request: a mapping, a WSGI environ, ASGI's list of pairs. (Standard Webhooks need all headers.) `now` is the time
        to verify by, in Unix seconds or as an aware datetime; the clock's unless given.

        Raises WebhookError if the delivery is refused, TypeError if an argument is of a wrong type.

        >>> webhook = Webhook("whsec_c2VjcmV0")
        >>> body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}'
        >>> headers = {"X-Clarife-Signature": webhook.sign(body)}
        >>> event = webhook.verify(body, headers)
        >>> if event.type == "document.updated":
        ...     print(event.data.get("title"))
        Start
        """

    def sign(self, body: _Body, *, timestamp: _Time = None) -> str:
        """Signs a body as clarife would: the value of the X-Clarife-Signature header, to test handlers with.

        `timestamp` is in Unix seconds or an aware datetime; the clock's unless given.

        >>> Webhook("whsec_c2VjcmV0").sign(b"{}", timestamp=1711612800)
        't=1711612800,v1=f2a9d48be51b03e17422a1499a4cdb7f8400afd0aa4cf50f34b9852d223553bb'
        """

    def sign_standard(self, body: _Body, *, id: str, timestamp: _Time = None) -> dict[str, str]:
        """Signs a body as Standard Webhooks have it: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

        `id` is the event's. `timestamp` is in Unix seconds or an aware datetime; the clock's unless given. Raises
        WebhookError (invalid_secret) if a secret is not base64.

        >>> Webhook("whsec_c2VjcmV0").sign_standard(b"{}", id="evt_1", timestamp=1711612800)["webhook-timestamp"]
        '1711612800'
        """

    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object) -> Self: ...

@final
class ClaimTable:
    """Claims and done marks in memory. Times are in milliseconds, and it reads no clock."""

    def __new__(cls, capacity: int | None = None, /) -> Self: ...
    def claim(self, id: str, now: int, ttl: int, /) -> int:
        """Claims an event's id: a token from 1, 0 if it is in progress, -1 if it is done. Raises RuntimeError if the store is full."""

    def complete(self, id: str, now: int, ttl: int, /) -> None:
        """Marks an event's id as done. Raises RuntimeError if the store is full."""

    def release(self, id: str, token: int, /) -> None:
        """Gives up a claim, unless it is no longer this token's."""

@final
class Event(Generic[_Type, _Data]):
    """A verified event. `Webhook.verify` makes it; it cannot be made by hand or changed.

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

    Events are equal when their raw bodies are. They can be pickled and copied; a copy's data is read from the raw body anew.
    """

    __match_args__ = ("type", "data")

    @property
    def id(self) -> str:
        """The event's id: the same in every delivery of one event, so the key for handling it once only."""

    @property
    def type(self) -> _Type:
        """The event's type, one of `EVENT_TYPES` or one that this version does not know."""

    @property
    def created_at(self) -> datetime:
        """When the event happened, in UTC: microseconds, rounded down, within what `datetime` can hold."""

    @property
    def data(self) -> _Data:
        """The event's data, a dict. It is built when it is first read and kept; `raw` has it as it was signed."""

    @property
    def raw(self) -> bytes:
        """The whole body, byte for byte as it was signed."""

    @property
    def _replay_window(self) -> int:
        """For receivers: for how many seconds after its verification the event can be accepted once more; 0 without a maximum age."""

    @classmethod
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

def verify_webhook_signature(payload: _Body, signature: _Signature, secret: str | Sequence[str]) -> bool:
    """Whether a delivery is genuine: the function of clarife's documented example, for code that was written after it.

    True exactly where `Webhook(secret).verify(payload, signature)` gives an event. `payload` is the raw body; a parsed one,
    or a secret that cannot be used, raises WebhookError.

    >>> payload = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}'
    >>> signature = Webhook("whsec_c2VjcmV0").sign(payload)
    >>> verify_webhook_signature(payload, signature, "whsec_c2VjcmV0")
    True
    >>> verify_webhook_signature(payload + b" ", signature, "whsec_c2VjcmV0")
    False
    """

def is_known_event_type(type: str, /) -> TypeIs[EventType]:
    """Whether a type is one of `EVENT_TYPES`. Type checkers narrow by it.

    >>> is_known_event_type("document.updated"), is_known_event_type("video.rendered")
    (True, False)
    """

def refusal(code: ErrorCode, /) -> WebhookError:
    """The exception for a code that needs no particulars, to be raised in Python."""

def store_key(id: str, /) -> str:
    """The key under which stores that several processes share keep an event's id."""

def parse_trusted(raw: _Body) -> WebhookEvent:
    """Reads an event that was verified before, for example from your own queue. It checks the envelope and **no signature**:
    never give it a body that came over the network.

    `raw` is the body, as `event.raw` has it. Raises WebhookError (malformed_payload) if it is no event.

    >>> raw = b'{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{}}'
    >>> parse_trusted(raw).id
    'evt_1'
    """

"""The base class of `Handlers`. The subclass adds generated types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from clarife_webhooks._native import EVENT_TYPES
from clarife_webhooks._types import EventType, WebhookEvent

_Function = TypeVar("_Function", bound=Callable[[Any], object])
_PATTERNS = frozenset(EVENT_TYPES) | {_type.split(".")[0] + ".*" for _type in EVENT_TYPES}


class Dispatcher:
    """Functions by event type."""

    def __init__(self) -> None:
        self._functions: dict[str, Callable[[Any], object]] = {}
        self._otherwise: Callable[[Any], object] | None = None

    def _on(self, pattern: str) -> Callable[[_Function], _Function]:
        if pattern not in _PATTERNS:
            raise ValueError(f"invalid pattern {pattern!r}: unknown event type; use otherwise for unknown types")
        if pattern in self._functions:
            raise ValueError(f"invalid pattern {pattern!r}: it has a function already")

        def register(function: _Function) -> _Function:
            self._functions[pattern] = _check_callable(function)
            return function

        return register

    def otherwise(self, function: Callable[[WebhookEvent], object], /) -> Callable[[WebhookEvent], object]:
        """Registers the function for all other events, for example of a type that clarife adds later. Use it as a
        decorator.

        Raises ValueError if there is such a function already.

        >>> @Handlers().otherwise
        ... def anything_else(event):
        ...     print("not for us:", event.type)
        """
        if self._otherwise is not None:
            raise ValueError("cannot register the function: otherwise has a function already")
        self._otherwise = _check_callable(function)
        return function

    @property
    def types(self) -> tuple[EventType, ...]:
        """The event types that have a function, in the order of `EVENT_TYPES`. A group counts as the types that this
        version knows; `otherwise` does not count. Use it to set a subscription up.

        >>> handlers = Handlers()
        >>> @handlers.on("share.*")
        ... def shared(event): ...
        >>> handlers.types
        ('share.created', 'share.updated', 'share.deleted')
        """
        return tuple(type for type in EVENT_TYPES if any(pattern in self._functions for pattern in _patterns(type)))

    def find(self, type: str, /) -> Callable[[Any], object] | None:
        """Returns the function for an event type, or None.

        >>> handlers = Handlers()
        >>> handlers.find("document.updated") is None
        True
        """
        for pattern in _patterns(type):
            if pattern in self._functions:
                return self._functions[pattern]
        return self._otherwise

    def __call__(self, event: WebhookEvent, /) -> object:
        """Calls the function for an event and returns its result, or None if there is no function."""
        function = self.find(event.type)
        return None if function is None else function(event)


def _patterns(type: str) -> tuple[str, str]:
    group, dot, _ = type.partition(".")
    return type, group + dot + "*"


def _check_callable(function: Any) -> Any:
    if not callable(function):
        raise TypeError(f"a handler must be a function, not {type(function).__name__}")
    return function

"""What `Handlers` does; its types are generated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from clarife_webhooks._native import EVENT_TYPES
from clarife_webhooks._types import WebhookEvent

_Function = TypeVar("_Function", bound=Callable[[Any], object])
_PATTERNS = frozenset(EVENT_TYPES) | {_type.split(".")[0] + ".*" for _type in EVENT_TYPES}


class Dispatch:
    """Functions by the type of the event."""

    def __init__(self) -> None:
        self._functions: dict[str, Callable[[Any], object]] = {}
        self._otherwise: Callable[[Any], object] | None = None

    def _on(self, pattern: str) -> Callable[[_Function], _Function]:
        if pattern not in _PATTERNS:
            raise ValueError(f"{pattern!r} is no type of event and no group of types that this version knows; otherwise takes what is left")
        if pattern in self._functions:
            raise ValueError(f"{pattern} has its function already")

        def register(function: _Function) -> _Function:
            self._functions[pattern] = _checked(function)
            return function

        return register

    def otherwise(self, function: Callable[[WebhookEvent], object], /) -> Callable[[WebhookEvent], object]:
        """Decorates the function for every event that no other is for, such as one of a type that clarife adds later.

        Raises ValueError if there is one already.

        >>> @Handlers().otherwise
        ... def anything_else(event):
        ...     print("not for us:", event.type)
        """
        if self._otherwise is not None:
            raise ValueError("otherwise has its function already")
        self._otherwise = _checked(function)
        return function

    def find(self, type: str, /) -> Callable[[Any], object] | None:
        """The function for a type of event, or None.

        >>> handlers = Handlers()
        >>> handlers.find("document.updated") is None
        True
        """
        group, dot, _ = type.partition(".")
        for pattern in (type, group + dot + "*"):
            if pattern in self._functions:
                return self._functions[pattern]
        return self._otherwise

    def __call__(self, event: WebhookEvent, /) -> object:
        """Calls the function for the event and gives what it gives; None where there is none."""
        function = self.find(event.type)
        return None if function is None else function(event)


def _checked(function: Any) -> Any:
    if not callable(function):
        raise TypeError(f"a handler must be a function, not {type(function).__name__}")
    return function

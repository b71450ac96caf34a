"""What the native parser refuses of an event's data: lone surrogates, and integers beyond 64 bits."""

from __future__ import annotations

import json
from typing import Any


def loads(text: bytes) -> Any:
    """Read verified JSON as the standard library does, which then must not fail.

    An integer with more digits than `int` is allowed to read (4300, `sys.set_int_max_str_digits`) becomes what any other
    number beyond a double becomes: infinity.
    """
    return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)

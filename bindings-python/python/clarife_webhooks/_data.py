"""JSON that the native parser rejects: lone surrogates, and integers beyond 64 bits."""

from __future__ import annotations

import json
from typing import Any


def loads(text: bytes) -> Any:
    """Parses the data of a verified event with the standard library. It never fails.

    An integer with more digits than `int` accepts (4300, `sys.set_int_max_str_digits`) becomes infinity, as any other
    number beyond a double does.
    """
    return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)

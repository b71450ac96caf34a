"""`data` equals the result of the standard library's json, and never fails for an accepted event."""

from __future__ import annotations

import json
import math
import struct
import sys
from typing import Any

import pytest
from helpers import envelope, verified
from hypothesis import example, given
from hypothesis import strategies as st

import clarife_webhooks._data


def data(text: str) -> Any:
    return verified(envelope(data=text)).data


def same(left: Any, right: Any) -> bool:
    """Compares values, types and the order of members."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return struct.pack("d", left) == struct.pack("d", right)
    return bool(left == right)


strings = st.text(st.characters(codec="utf-8"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | strings,
    lambda inner: st.lists(inner) | st.dictionaries(strings, inner),
)


@given(st.dictionaries(strings, values), st.booleans())
def test_any_object(value: dict[str, Any], ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii)
    assert same(data(text), json.loads(text))


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
@example("-0")
@example("-0.0")
@example("1e400")
@example("-1e400")
@example("1e-400")
@example("9223372036854775807")
@example("-9223372036854775808")
@example("9223372036854775808")
@example("1" + "0" * 400)
@example("0." + "0" * 400 + "1")
@example("2.2250738585072011e-308")
@example("9007199254740993.0")
def test_any_number(number: str) -> None:
    text = f'{{"n":{number}}}'
    assert same(data(text), json.loads(text))


@given(st.lists(st.sampled_from(["\\ud83d", "\\ude00", "\\\\", "\\n", "\\u0000", "\\/", "a", "é", "😀", '\\"'])))
def test_any_escape_lone_surrogates_too(pieces: list[str]) -> None:
    text = f'{{"{"".join(pieces)}":"{"".join(pieces)}"}}'
    assert same(data(text), json.loads(text))


def test_a_lone_surrogate_reads_as_json_reads_it() -> None:
    assert data(r'{"title":"cut \ud83d"}') == {"title": "cut \ud83d"}


def test_integers_that_python_refuses_to_read_become_infinite() -> None:
    limit = sys.get_int_max_str_digits()
    exact, beyond = "9" * limit, "9" * (limit + 1)
    text = f'{{"exact":{exact},"beyond":[{beyond},-{beyond}],"float":1.5,"title":"Start"}}'
    with pytest.raises(ValueError):
        json.loads(text)
    assert data(text) == {"exact": int(exact), "beyond": [math.inf, -math.inf], "float": 1.5, "title": "Start"}


def test_the_deepest_nesting() -> None:
    inner = '{"a":[' * 63  # with the envelope and data itself: 128 levels
    text = '{"a":' + inner + "1" + "]}" * 63 + "}"
    assert data(text) == json.loads(text)


def test_a_repeated_member_keeps_its_last_value() -> None:
    assert data('{"a":1,"b":2,"a":3}') == {"a": 3, "b": 2}


def test_white_space_around_and_inside() -> None:
    assert data(' \n{\t"a" :\r[ ] } ') == {"a": []}


def test_ordinary_data_does_not_need_the_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: bytes) -> None:
        raise AssertionError(text)

    event = verified(envelope(data=r'{"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00"]}'))
    monkeypatch.setattr(json, "loads", refuse)
    assert event.data == {"a": [1, -2500.0, True, None, "é😀"]}


def test_the_fallback_is_used_once() -> None:
    event = verified(envelope(data=r'{"a":"\ud83d"}'))
    assert event.data is event.data
    assert clarife_webhooks._data.loads(rb'{"a":"\ud83d"}') == event.data

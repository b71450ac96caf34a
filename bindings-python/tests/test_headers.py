"""Headers in every container of Python's frameworks."""

from __future__ import annotations

import email.message
import io
from collections import OrderedDict, UserDict
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any
from wsgiref.headers import Headers as WsgirefHeaders

import flask
import multidict
import pytest
import werkzeug.datastructures
from helpers import NOW, SECRET, envelope
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from starlette.datastructures import Headers as StarletteHeaders
from starlette.requests import Request as StarletteRequest
from werkzeug.test import EnvironBuilder

from clarife_webhooks import Webhook, WebhookError

settings.configure(ALLOWED_HOSTS=["*"])
WEBHOOK = Webhook(SECRET)
BODY = envelope()
SIGNATURE = WEBHOOK.sign(BODY, timestamp=NOW)
ASGI = [(b"host", b"example.com"), (b"x-clarife-signature", SIGNATURE.encode()), (b"content-type", b"application/json")]
ENVIRON = EnvironBuilder(method="POST", data=BODY, headers=[("X-Clarife-Signature", SIGNATURE)]).get_environ()
SCOPE = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": ASGI}


def verdict(headers: Any) -> str:
    try:
        return WEBHOOK.verify(BODY, headers, now=NOW).id
    except WebhookError as error:
        return error.code


def message() -> email.message.Message:
    headers = email.message.Message()
    headers["Host"] = "example.com"
    headers["X-CLARIFE-Signature"] = SIGNATURE
    return headers


class OnlyItems:
    def items(self) -> Iterator[tuple[str, str]]:
        yield "x-clarife-signature", SIGNATURE


@pytest.mark.parametrize(
    "headers",
    [
        SIGNATURE,
        SIGNATURE.encode(),
        {"X-Clarife-Signature": SIGNATURE},
        {"x-clarife-signature": SIGNATURE, "content-length": 2, None: None, 5: 5},
        {"X-CLARIFE-SIGNATURE": [SIGNATURE]},
        {"x-clarife-signature": (SIGNATURE.encode(),)},
        {b"x-clarife-signature": SIGNATURE.encode()},
        OrderedDict({"X-Clarife-Signature": SIGNATURE}),
        MappingProxyType({"X-Clarife-Signature": SIGNATURE}),
        UserDict({"X-Clarife-Signature": SIGNATURE}),
        {"X-Clarife-Signature": SIGNATURE}.items(),
        ASGI,
        tuple(ASGI),
        iter(ASGI),
        [list(pair) for pair in ASGI],
        ENVIRON,
        message(),
        WsgirefHeaders([("X-Clarife-Signature", SIGNATURE)]),
        OnlyItems(),
        werkzeug.datastructures.Headers([("X-Clarife-Signature", SIGNATURE)]),
        werkzeug.datastructures.EnvironHeaders(ENVIRON),
        StarletteHeaders(raw=ASGI),
        StarletteRequest(SCOPE).headers,
        WSGIRequest(dict(ENVIRON)).headers,
        WSGIRequest(dict(ENVIRON)).META,
        ASGIRequest(SCOPE, io.BytesIO()).headers,
        ASGIRequest(SCOPE, io.BytesIO()).META,
        multidict.CIMultiDict({"X-Clarife-Signature": SIGNATURE}),
        multidict.CIMultiDictProxy(multidict.CIMultiDict({"X-Clarife-Signature": SIGNATURE})),
    ],
    ids=lambda headers: f"{type(headers).__module__}.{type(headers).__name__}",
)
def test_containers(headers: Any) -> None:
    assert verdict(headers) == "evt_1"


def test_flask() -> None:
    app = flask.Flask(__name__)

    @app.post("/")
    def receive() -> str:
        return WEBHOOK.verify(flask.request.get_data(), flask.request.headers, now=NOW).id

    @app.post("/wrong")
    def wrong() -> str:
        with pytest.raises(WebhookError) as caught:
            WEBHOOK.verify(flask.request, flask.request.headers)  # type: ignore[arg-type]
        return caught.value.code

    client = app.test_client()
    assert client.post("/", data=BODY, headers={"X-Clarife-Signature": SIGNATURE}).text == "evt_1"
    assert client.post("/wrong", data=BODY, headers={"X-Clarife-Signature": SIGNATURE}).text == "body_not_raw"


def test_a_request_in_place_of_its_body() -> None:
    requests: list[Any] = [StarletteRequest(SCOPE), WSGIRequest(dict(ENVIRON)), ASGIRequest(SCOPE, io.BytesIO())]
    for request in requests:
        with pytest.raises(WebhookError) as caught:
            WEBHOOK.verify(request, request.headers)
        assert caught.value.code == "body_not_raw"


@pytest.mark.parametrize(
    "headers",
    [None, "", b"", " \t", {}, [], {"X-Clarife-Signature": None}, {"X-Clarife-Signature": []}, {"x-clarife-signatur": SIGNATURE}, {"clarife-signature": SIGNATURE},
     {"x_clarife_signature": SIGNATURE}, {"HTTP_CLARIFE_SIGNATURE": SIGNATURE}, {"\ud83d": SIGNATURE}],
)  # fmt: skip
def test_no_signature(headers: Any) -> None:
    assert verdict(headers) == "missing_signature"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Clarife-Signature": SIGNATURE, "x-clarife-signature": SIGNATURE},
        {"X-Clarife-Signature": [SIGNATURE, SIGNATURE]},
        [*ASGI, *ASGI],
        werkzeug.datastructures.Headers([("X-Clarife-Signature", SIGNATURE)] * 2),
        StarletteHeaders(raw=ASGI * 2),
        multidict.CIMultiDict([("X-Clarife-Signature", SIGNATURE)] * 2),
        f"{SIGNATURE}, {SIGNATURE}",
        "t=1\udcff",
        "é",
    ],
)
def test_several_signatures_count_as_one_malformed_header(headers: Any) -> None:
    assert verdict(headers) == "malformed_signature"


def test_parts_of_a_split_header_are_joined() -> None:
    time, mac = SIGNATURE.split(",")
    assert verdict([("x-clarife-signature", time), (b"X-Clarife-Signature", mac.encode())]) == "evt_1"
    assert verdict({"x-clarife-signature": [time, None, mac]}) == "evt_1"
    assert verdict([time, mac.encode()]) == "evt_1"


def test_the_values_of_the_header_in_a_list() -> None:
    assert verdict([SIGNATURE]) == verdict((SIGNATURE.encode(),)) == "evt_1"
    assert verdict([SIGNATURE] * 2) == verdict(["ab"]) == "malformed_signature"
    assert verdict([]) == "missing_signature"


@pytest.mark.parametrize(
    "wrong",
    [True, 1, 1.5, object(), bytearray(b"t=1"), [("x",)], [("x", "y", "z")], [None], {1},
     {"x-clarife-signature": 1}, {"x-clarife-signature": {}}, {"x-clarife-signature": [1]}, [("x-clarife-signature", object())]],
)  # fmt: skip
def test_invalid_containers_of_headers(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^signature must "):
        WEBHOOK.verify(BODY, wrong, now=NOW)


class Broken:
    def __init__(self, where: str) -> None:
        self.where = where

    def __getattr__(self, name: str) -> Any:
        if name == "items" and self.where == "attribute":
            raise RuntimeError(self.where)
        raise AttributeError(name)

    def __iter__(self) -> Iterator[Any]:
        if self.where == "iter":
            raise RuntimeError(self.where)
        yield ("a", "b")
        raise RuntimeError(self.where)


class BrokenItems:
    def items(self) -> Any:
        raise RuntimeError("items")


@pytest.mark.parametrize("broken", [Broken("attribute"), Broken("iter"), Broken("next"), BrokenItems()])
def test_a_container_that_raises_keeps_its_own_exception(broken: Any) -> None:
    with pytest.raises(RuntimeError):
        WEBHOOK.verify(BODY, broken)


def test_a_dict_that_changes_while_it_is_read() -> None:
    headers: dict[str, Any] = {}

    class Growing(list[str]):
        def __iter__(self) -> Iterator[str]:
            headers.update({str(number): "" for number in range(100)})
            return super().__iter__()

    headers.update({"x-clarife-signature": Growing([SIGNATURE]), "host": "example.com"})
    assert verdict(headers) == "evt_1"

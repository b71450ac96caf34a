"""The code of the README runs from top to bottom, and its applications respond to requests."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from helpers import envelope

from clarife_webhooks import Webhook

README = Path(__file__).parents[1] / "README.md"
BODY = envelope(data='{"title":"Zażółć"}')
Reply = tuple[int, bytes]


@pytest.fixture
def readme() -> dict[str, Any]:
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"])
    namespace: dict[str, Any] = {"__name__": "readme"}
    for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
        exec(compile(block, README.name, "exec"), namespace)
    return namespace


def asgi(name: str) -> Callable[[dict[str, Any], str], Reply]:
    def post(readme: dict[str, Any], signature: str) -> Reply:
        headers = [(b"x-clarife-signature", signature.encode()), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/webhooks/clarife", "query_string": b"", "headers": headers}
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": BODY, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(readme[name](scope, receive, send))
        return sent[0]["status"], sent[1]["body"]

    return post


def flask(readme: dict[str, Any], signature: str) -> Reply:
    reply = readme["flask_app"].test_client().post("/webhooks/clarife", data=BODY, headers={"X-Clarife-Signature": signature})
    return reply.status_code, reply.data


def django(readme: dict[str, Any], signature: str) -> Reply:
    request = RequestFactory().post("/", BODY, content_type="application/json", headers={"X-Clarife-Signature": signature})
    reply: HttpResponse = readme["urlpatterns"][0].callback(request)
    return reply.status_code, reply.content


def aiohttp(readme: dict[str, Any], signature: str) -> Reply:
    async def main() -> Reply:
        async with TestClient(TestServer(readme["aiohttp_app"])) as client:
            reply = await client.post("/webhooks/clarife", data=BODY, headers={"X-Clarife-Signature": signature})
            return reply.status, await reply.read()

    return asyncio.run(main())


CLIENTS = {"fastapi": asgi("fastapi_app"), "starlette": asgi("starlette_app"), "flask": flask, "django": django, "aiohttp": aiohttp}


@pytest.mark.parametrize("framework", CLIENTS)
def test_genuine(framework: str, readme: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    status, _ = CLIENTS[framework](readme, Webhook("whsec_c2VjcmV0").sign(BODY))
    assert status == 200
    assert "changed: Zażółć" in capsys.readouterr().out


@pytest.mark.parametrize("framework", CLIENTS)
def test_tampered(framework: str, readme: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    status, content = CLIENTS[framework](readme, Webhook("whsec_c2VjcmV0").sign(BODY + b" "))
    reply = json.loads(content)
    assert (status, reply.get("detail", reply)["code"]) == (400, "signature_mismatch")
    assert capsys.readouterr().out == ""


def test_a_repeat(readme: dict[str, Any]) -> None:
    post = asgi("dedup_app")
    codes = [json.loads(post(readme, Webhook("whsec_c2VjcmV0").sign(BODY))[1])["code"] for _ in range(2)]
    assert codes == ["handled", "duplicate"]

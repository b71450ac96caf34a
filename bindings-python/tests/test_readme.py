"""The README's code runs, in one go from top to bottom, and its framework examples answer real requests."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import RequestFactory
from helpers import envelope
from starlette.requests import Request

from clarife_webhooks import Webhook

README = Path(__file__).parents[1] / "README.md"
BODY = envelope(data='{"title":"Zażółć"}')


@pytest.fixture(scope="module")
def readme() -> dict[str, Any]:
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"])
    namespace: dict[str, Any] = {"__name__": "readme"}
    for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
        exec(compile(block, README.name, "exec"), namespace)
    return namespace


@pytest.fixture(params=[True, False], ids=["genuine", "tampered"])
def delivery(request: pytest.FixtureRequest) -> tuple[str, int]:
    signature = Webhook("whsec_c2VjcmV0").sign(BODY)
    return (signature, 200) if request.param else (signature[:-1] + ("1" if signature[-1] == "0" else "0"), 400)


def test_flask(readme: dict[str, Any], delivery: tuple[str, int]) -> None:
    signature, status = delivery
    answer = readme["app"].test_client().post("/webhooks/clarife", data=BODY, headers={"X-Clarife-Signature": signature})
    assert answer.status_code == status


def test_django(readme: dict[str, Any], delivery: tuple[str, int]) -> None:
    signature, status = delivery
    request = RequestFactory().post("/", BODY, content_type="application/json", headers={"X-Clarife-Signature": signature})
    assert readme["django_receive"](request).status_code == status


def test_starlette(readme: dict[str, Any], delivery: tuple[str, int]) -> None:
    signature, status = delivery
    scope = {"type": "http", "method": "POST", "headers": [(b"x-clarife-signature", signature.encode())]}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    assert asyncio.run(readme["starlette_receive"](Request(scope, receive))).status_code == status

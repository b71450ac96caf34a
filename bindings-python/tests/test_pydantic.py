"""pydantic and FastAPI: the types of events as models, fields and results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import envelope
from http_client import serve
from pydantic import BaseModel, TypeAdapter, ValidationError
from test_adapters import signed
from typing_extensions import is_typeddict

import clarife_webhooks
from clarife_webhooks import Document, DocumentEvent, Event, KnownEvent, UnknownEvent, WebhookEvent, _types, parse_trusted

BODY = envelope(data='{"title":"Start","content":{"blocks":[{"type":"new"}]},"more":[1.5,null,"\\u017c"]}')
EVENT: Any = parse_trusted(BODY)


class Change(BaseModel):
    document: Document
    event: WebhookEvent


@pytest.mark.parametrize("name", [name for name in _types.__all__ if is_typeddict(getattr(_types, name))])
def test_resources(name: str) -> None:
    adapter = TypeAdapter(getattr(clarife_webhooks, name))
    assert adapter.validate_python({}) == {}
    assert adapter.json_schema()["type"] == "object"


def test_a_resource() -> None:
    assert TypeAdapter(Document).validate_python(EVENT.data)["title"] == "Start"
    with pytest.raises(ValidationError):
        TypeAdapter(Document).validate_python({"title": 5})


@pytest.mark.parametrize("annotation", [Event, DocumentEvent, KnownEvent, UnknownEvent, WebhookEvent])
def test_events(annotation: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    assert adapter.validate_python(EVENT) is EVENT
    assert adapter.dump_python(EVENT) == json.loads(BODY)
    assert json.loads(adapter.dump_json(EVENT)) == json.loads(BODY)
    for mode in ("validation", "serialization"):
        assert "created_at" in json.dumps(adapter.json_schema(mode=mode))


@pytest.mark.parametrize("wrong", [BODY, BODY.decode(), json.loads(BODY), None])
def test_only_a_verified_event_is_an_event(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Event).validate_python(wrong)
    with pytest.raises(ValidationError):
        TypeAdapter(Event).validate_json(BODY)


def test_a_model() -> None:
    change = Change(document=EVENT.data, event=EVENT)
    assert change.event is EVENT
    assert Change.model_validate({"document": EVENT.data, "event": EVENT}) == change
    assert change.model_dump()["event"] == json.loads(BODY)


def test_results_and_parameters_of_fastapi(tmp_path: Path) -> None:
    with serve("fastapi-models", tmp_path) as server:
        body = envelope(data='{"title":"Start","content":{},"more":1.5}')
        for path in ("event", "change"):
            reply = json.loads(server.post(body, signed(body), path=f"/{path}").body)
            assert (reply["event"] if path == "change" else reply) == json.loads(body), server.log()
        assert json.loads(server.post(body, signed(body), path="/resource").body)["title"] == "Start"
        assert server.post(b'{"title":"Start"}', path="/posted").body == b'"Start"'
        assert server.post(b'{"title":5}', path="/posted").status == 422
        schemas = json.loads(server.send([], [], method="GET", path="/openapi.json").body)["components"]["schemas"]
    assert {"Document", "Change"} <= set(schemas)

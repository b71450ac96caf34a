"""Support for pydantic: `Event` as a field of a model, and as the result of a path function of FastAPI."""

from __future__ import annotations

import json
from typing import Any

_JSON_SCHEMA = {
    "title": "Event",
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "type": {"type": "string"},
        "created_at": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
    "required": ["id", "type", "created_at", "data"],
}


def event_schema(cls: type) -> Any:
    """Returns the schema: an instance of the class, which is serialized as the value of its raw JSON.

    Only `Webhook.verify` and `parse_trusted` create an event. A model does not create one from JSON.
    """
    from pydantic_core import core_schema  # only pydantic calls this function

    return core_schema.is_instance_schema(
        cls,
        serialization=core_schema.plain_serializer_function_ser_schema(lambda event: json.loads(event.raw)),
        metadata={"pydantic_js_functions": [_json_schema]},
    )


def _json_schema(schema: object, handler: object) -> dict[str, Any]:
    return dict(_JSON_SCHEMA)

"""The hooks of schemathesis: endpoints that the sender never connects to, and rules that no schema can state."""

import re
from typing import Any

import schemathesis
from hypothesis import strategies as st

# The address policy forbids every address of this name, so no delivery leaves the sender.
ENDPOINT = r"https://localhost(:[1-9][0-9]{0,3})?(/[a-z0-9]{0,9}){0,3}"

# A year of the future, which has each day of any other year.
LEAP_YEAR = 9996

schemathesis.openapi.format("uri", st.from_regex(ENDPOINT, fullmatch=True))


@schemathesis.hook
def before_call(_context: object, case: Any, _kwargs: object) -> None:
    """Replaces values that a schema accepts and the sender may refuse: the names of hosts, and times of the past."""
    if not isinstance(case.body, dict):
        return
    url, expires_at = case.body.get("url"), case.body.get("expires_at")
    max_url = case.operation.schema.raw_schema["components"]["schemas"]["Url"]["maxLength"]
    if isinstance(url, str) and url.lower().startswith("https://") and len(url) <= max_url:
        if not re.fullmatch(ENDPOINT, url):
            case.body["url"] = "https://localhost/"
    if isinstance(expires_at, str) and re.match(r"\d{4}-", expires_at):
        case.body["expires_at"] = f"{LEAP_YEAR}{expires_at[4:]}"


@schemathesis.hook
def filter_body(_context: object, body: Any) -> bool:
    """Returns False for events with data that the sender refuses: JavaScript or Python would change them."""
    is_event = isinstance(body, dict) and ("data" in body or "events" in body)
    return not is_event or is_same_everywhere(body)


def is_same_everywhere(value: Any) -> bool:
    """Returns True if JavaScript and Python read the same value."""
    if isinstance(value, dict):
        return "__proto__" not in value and all(map(is_same_everywhere, value.values()))
    if isinstance(value, list):
        return all(map(is_same_everywhere, value))
    return not isinstance(value, (int, float)) or abs(value) < 2**53 or isinstance(value, float) and abs(value) >= 1e21

"""Every public thing says what it is for, and its examples run."""

from __future__ import annotations

import ast
import doctest
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import clarife_webhooks
from clarife_webhooks import _native

PACKAGE = Path(clarife_webhooks.__file__).parent
CALLABLES = ["Event", "Webhook", "WebhookError", "is_known_event_type", "verify_webhook_signature"]


def documented() -> Iterator[tuple[str, Any]]:
    yield "clarife_webhooks", clarife_webhooks
    for name in CALLABLES:
        thing = getattr(clarife_webhooks, name)
        yield name, thing
        if inspect.isclass(thing):
            yield from ((f"{name}.{member}", value) for member, value in vars(thing).items() if not member.startswith("_"))


@pytest.mark.parametrize(("name", "thing"), list(documented()), ids=lambda value: value if isinstance(value, str) else "")
def test_docstrings(name: str, thing: Any) -> None:
    text = inspect.getdoc(thing)
    assert text, f"{name} has no docstring"
    examples = doctest.DocTestParser().get_doctest(text, dict(vars(clarife_webhooks)), name, None, 0)
    assert doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(examples).failed == 0
    if name in CALLABLES or name in ("clarife_webhooks", "Webhook.verify", "Webhook.sign"):
        assert examples.examples, f"{name} has no example"


def test_the_stub_says_what_the_module_says() -> None:
    """Editors read the stub's docstrings, `help()` the module's."""
    stub = ast.parse((PACKAGE / "_native.pyi").read_text())
    compared = 0
    for node in stub.body:
        for inner in [node, *getattr(node, "body", [])]:
            if not isinstance(inner, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_Has"):  # type: ignore[attr-defined]
                continue
            owner = _native if inner is node else getattr(_native, node.name)  # type: ignore[attr-defined]
            said = ast.get_docstring(inner)
            if inner.name.startswith("__"):
                continue
            assert said == inspect.getdoc(getattr(owner, inner.name)), inner.name
            compared += 1
    assert compared == 18


def test_signatures_are_shown() -> None:
    assert str(inspect.signature(clarife_webhooks.Webhook)) == "(secrets, *, tolerance=None, max_event_age=None, standard_webhooks=False)"
    assert str(inspect.signature(clarife_webhooks.Webhook.verify)) == "(self, /, body, signature, *, now=None)"

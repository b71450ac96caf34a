"""Every public object has a docstring, and its examples run."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import GenericAlias
from typing import Any

import pytest

import clarife_webhooks
from clarife_webhooks import _native

PACKAGE = Path(clarife_webhooks.__file__).parent
MODULES = ["", *sorted(f".{path.stem}" for path in PACKAGE.glob("[!_]*.py"))]
# The examples of other objects show these.
WITHOUT_EXAMPLE = {"SampleEvent", "SignedRequest", "parse_trusted"}


def documented() -> Iterator[tuple[str, Any, bool]]:
    """Yields modules, classes, functions and members: name, object, and True if an example is required."""
    seen: set[int] = set()
    for module_name in MODULES:
        module = importlib.import_module(f"clarife_webhooks{module_name}")
        yield module.__name__, module, module_name != ".redis"
        names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        for name in names:
            thing = getattr(module, name)
            ours = getattr(thing, "__module__", "").split(".")[0] == "clarife_webhooks"
            generated = getattr(thing, "__module__", "") == "clarife_webhooks._types"
            aliased = isinstance(thing, GenericAlias)  # a class, for inspect in Python 3.10
            if not ours or generated or aliased or id(thing) in seen or not (inspect.isclass(thing) or inspect.isroutine(thing)):
                continue
            seen.add(id(thing))
            yield f"{module_name[1:]}.{name}".lstrip("."), thing, name not in WITHOUT_EXAMPLE
            if inspect.isclass(thing):
                bases = [base for base in thing.__mro__ if base.__module__.split(".")[0] == "clarife_webhooks"]
                for member, value in (item for base in bases for item in vars(base).items()):
                    if not member.startswith("_"):
                        yield f"{name}.{member}", getattr(value, "__func__", value), False


@pytest.mark.parametrize(("name", "thing", "example"), list(documented()), ids=lambda value: value if isinstance(value, str) else "")
def test_docstrings(name: str, thing: Any, example: bool) -> None:
    text = inspect.getdoc(thing)
    assert text, f"{name} has no docstring"
    module = thing if inspect.ismodule(thing) else sys.modules.get(getattr(thing, "__module__", ""), clarife_webhooks)
    names = {**vars(module), **vars(clarife_webhooks)}
    examples = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
    assert doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(examples).failed == 0
    assert bool(examples.examples) >= example, f"{name} has no example"


def test_the_stub_has_the_docstrings_of_the_module() -> None:
    """Editors read the docstrings of the stub, `help()` those of the module."""
    stub = ast.parse((PACKAGE / "_native.pyi").read_text())
    compared = 0
    for node in stub.body:
        for inner in [node, *getattr(node, "body", [])]:
            if not isinstance(inner, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_Has"):  # type: ignore[attr-defined]
                continue
            owner = _native if inner is node else getattr(_native, node.name)  # type: ignore[attr-defined]
            docstring = ast.get_docstring(inner)
            if inner.name.startswith("__"):
                continue
            assert docstring == inspect.getdoc(getattr(owner, inner.name)), inner.name
            compared += 1
    assert compared == 22


def test_signatures_are_shown() -> None:
    assert str(inspect.signature(clarife_webhooks.Webhook)) == "(secrets, *, tolerance=None, max_event_age=None, standard_webhooks=False, clock=None)"
    assert str(inspect.signature(clarife_webhooks.Webhook.verify)) == "(self, /, body, signature, *, now=None)"

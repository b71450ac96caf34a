"""Turns doctests in docstrings into fenced code, because Markdown reads `>>>` as a quotation."""

import re
from typing import Any

import griffe

_BLOCK = re.compile(r"^( *)>>> .*?(?=^\s*$|\Z)", re.MULTILINE | re.DOTALL)


class Doctests(griffe.Extension):
    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring:
            obj.docstring.value = _BLOCK.sub(lambda block: _fenced(block[0], block[1]), obj.docstring.value)


def _fenced(code: str, indent: str) -> str:
    return f"{indent}```pycon\n{code.rstrip()}\n{indent}```\n"

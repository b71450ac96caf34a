"""`WebhookError`, the one exception of this package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from clarife_webhooks._constants import ERROR_REFERENCE

if TYPE_CHECKING:
    from clarife_webhooks._types import ErrorCode


class WebhookError(Exception):
    """A refused delivery, or an invalid secret.

    `code` is stable and meant for programs. `message` is one sentence. `hint` is the way to fix the error. None of them
    contains any part of a secret or a body.

    A traceback shows the message, the hint and a link to the error's section in the reference. The last two are a note
    of the exception. Before Python 3.11 they are in `str()`, which is the message alone in later versions.

    >>> from clarife_webhooks import Webhook
    >>> try:
    ...     Webhook("whsec_c2VjcmV0").verify(b"{}", None)
    ... except WebhookError as error:
    ...     print(error.code, error.message, sep=": ")
    missing_signature: the signature header is missing
    """

    __module__ = "clarife_webhooks"  # the public module, for tracebacks and pickles

    def __init__(self, code: ErrorCode, message: str, hint: str) -> None:
        super().__init__(code, message, hint)  # pickling and copying need `args`

    @property
    def code(self) -> ErrorCode:
        """The error code, one of `ERROR_CODES`."""
        return cast("ErrorCode", self.args[0])

    @property
    def message(self) -> str:
        """The error message, one sentence."""
        return cast(str, self.args[1])

    @property
    def hint(self) -> str:
        """The way to fix the error."""
        return cast(str, self.args[2])

    @property
    def _remedy(self) -> str:
        return f"{self.hint}; see {ERROR_REFERENCE}{self.code}"

    @property
    def __notes__(self) -> list[str]:
        # Made on demand: `add_note` in the constructor would make a refusal 27 % slower.
        return cast("list[str]", self.__dict__.setdefault("__notes__", [self._remedy]))

    @__notes__.setter
    def __notes__(self, notes: list[str]) -> None:
        self.__dict__["__notes__"] = notes

    def __str__(self) -> str:
        return self.message if sys.version_info >= (3, 11) else f"{self.message}; {self._remedy}"

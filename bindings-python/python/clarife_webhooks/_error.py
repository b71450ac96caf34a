"""`WebhookError`, the one exception of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from clarife_webhooks._types import ErrorCode


class WebhookError(Exception):
    """A refused delivery, or an invalid secret.

    `code` is stable and meant for programs. `message`, also the result of `str()`, is one sentence. `hint` is the way
    to fix the error. None of them contains any part of a secret or a body.

    >>> from clarife_webhooks import Webhook
    >>> try:
    ...     Webhook("whsec_c2VjcmV0").verify(b"{}", None)
    ... except WebhookError as error:
    ...     print(error.code, error, sep=": ")
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

    def __str__(self) -> str:
        return self.message

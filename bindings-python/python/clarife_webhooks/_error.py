"""`WebhookError`, the one exception of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from clarife_webhooks._types import ErrorCode


class WebhookError(Exception):
    """A delivery that was refused, or a secret that cannot be used.

    `code` is stable and meant for programs; `message`, which `str()` gives too, is one sentence for people; `hint` says
    what to do. None of them holds anything of the secret or the body.

    >>> from clarife_webhooks import Webhook
    >>> try:
    ...     Webhook("whsec_c2VjcmV0").verify(b"{}", None)
    ... except WebhookError as error:
    ...     print(error.code, error, sep=": ")
    missing_signature: the signature header is missing
    """

    __module__ = "clarife_webhooks"  # where users import it from, in tracebacks and pickles

    def __init__(self, code: ErrorCode, message: str, hint: str) -> None:
        super().__init__(code, message, hint)  # the arguments are all that pickling and copying need

    @property
    def code(self) -> ErrorCode:
        """Says what is wrong, one of `ERROR_CODES`."""
        return cast("ErrorCode", self.args[0])

    @property
    def message(self) -> str:
        """One sentence that says what is wrong."""
        return cast(str, self.args[1])

    @property
    def hint(self) -> str:
        """What to do about it."""
        return cast(str, self.args[2])

    def __str__(self) -> str:
        return self.message

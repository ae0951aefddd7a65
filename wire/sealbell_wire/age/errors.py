"""Why an age file was not opened: one class for each verdict of the age vectors (C2SP CCTV, age)."""

from typing import ClassVar

from sealbell_wire.errors import SealError, WireError


class NotOpenedError(SealError):
    """An age file was not opened. `verdict` is the one word of the vectors, the message the reason for a person."""

    verdict: ClassVar[str]


class HeaderFailure(NotOpenedError):
    """The header does not follow the grammar, or a stanza that is addressed to an identity is malformed."""

    verdict = "header failure"


class NoMatch(NotOpenedError):
    """The header is well formed, and none of the identities is among its readers."""

    verdict = "no match"


class MacFailure(NotOpenedError):
    """A stanza opened, yet the header is not the one that was sealed: someone altered it."""

    verdict = "HMAC failure"


class PayloadFailure(NotOpenedError):
    """The payload was altered, cut, or has something after its end.

    `released` is the plaintext that was authenticated before the failure and not handed over by an earlier call.
    """

    verdict = "payload failure"

    def __init__(self, message: str, released: bytes = b"") -> None:
        super().__init__(message)
        self.released = released


class RecipientsError(WireError):
    """These recipients cannot share one header, or there are none; nothing was sealed."""

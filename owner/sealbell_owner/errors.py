"""What the owner's tools say when something could not be done."""


class OwnerError(Exception):
    """Something was not done. The message says what happened and to what; `hint`, if any, what to do next."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UnreachableError(OwnerError):
    """The relay does not answer, or the connection broke: the same may succeed later."""


class NotShownError(OwnerError):
    """The relay says that there is no such doorbell or clip for this owner: never enrolled, revoked, or withheld."""

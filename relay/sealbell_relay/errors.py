"""What can go wrong at a relay, in words for the person who runs it."""


class RelayError(Exception):
    """The relay cannot do what was asked; the message says why, and `hint` what to do next."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class StoreError(RelayError):
    """The store could not read or write: full, read-only, gone, or broken. Nothing is receipted meanwhile."""


class DamagedError(StoreError):
    """The store gave back other bytes than were put: a disk or a person changed them."""


class BrokerError(RelayError):
    """The embedded broker did not start; the message ends with the last lines of its log."""


class RequestError(RelayError):
    """An HTTP request was refused; `status` is the answer's, and `more` what stands in it beside the message."""

    def __init__(self, status: int, message: str, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.more = more

"""How much may be asked: by an address that shows nobody's token, and by an owner."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable

from sealbell_relay.errors import RequestError
from sealbell_relay.http.buckets import Buckets, Rate

STRANGER = Rate(per_second=20, burst=200)  # of an address: requests without a token, and those that were refused
OWNER = Rate(per_second=100, burst=1_000)
MAX_ADDRESSES = 16_384
MAX_OWNERS = 65_536
MAX_KNOWN_ASKERS = 65_536


class TooManyError(RequestError):
    """Somebody asks too often; `retry_after_s` is when it may help to ask again."""

    def __init__(self, wait_s: float) -> None:
        self.retry_after_s = max(1, math.ceil(wait_s))
        super().__init__(429, f"too many requests: wait {self.retry_after_s} s")


class Limits:
    """Counts what addresses and owners ask. For one event loop; `monotonic` returns seconds."""

    def __init__(self, monotonic: Callable[[], float], stranger: Rate = STRANGER, owner: Rate = OWNER) -> None:
        self._monotonic = monotonic
        self._strangers = Buckets(stranger, MAX_ADDRESSES)
        self._owners = Buckets(owner, MAX_OWNERS)
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def before(self, address: str, authorization: str | None) -> None:
        """Let a request in, or raise TooManyError.

        Whoever showed a good token before is let in whatever others at the same address did; the token is looked up
        again all the same.
        """
        now = self._monotonic()
        if authorization is None:
            wait_s = self._strangers.take(address, now)
        elif _digest(authorization) in self._known:
            wait_s = 0.0
        else:
            wait_s = self._strangers.wait_s(address, now)
        if wait_s:
            raise TooManyError(wait_s)

    def failed(self, address: str, authorization: str | None) -> None:
        """Count a request that showed a token which is nobody's, or that was none."""
        self._strangers.take(address, self._monotonic())
        if authorization is not None:
            self._known.pop(_digest(authorization), None)

    def asked(self, owner: str, authorization: str) -> None:
        """Count an owner's request, or raise TooManyError."""
        self._known[_digest(authorization)] = None
        if len(self._known) > MAX_KNOWN_ASKERS:
            self._known.popitem(last=False)
        if wait_s := self._owners.take(owner, self._monotonic()):
            raise TooManyError(wait_s)


def _digest(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode("utf-8", "surrogateescape")).digest()[:16]

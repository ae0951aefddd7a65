"""The relay over HTTP. Every answer is capped before it is read and checked before it is believed.

Redirects are not followed, since the token would go along, and nothing is decompressed, since a small answer could
become a large one.
"""

import ssl
from collections.abc import Callable, Collection, Generator, Iterator
from functools import partial
from urllib.parse import urlencode

import urllib3

from sealbell_owner import listing
from sealbell_owner.errors import NotShownError, OwnerError, UnreachableError
from sealbell_owner.listing import Offered, Page
from sealbell_owner.stored import read_stream
from sealbell_owner.trust import context_for, not_believed
from sealbell_wire import strictjson
from sealbell_wire.enrolment import DoorbellCard, RelayCard
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.ids import check_hash
from sealbell_wire.limits import MAX_JSON_BYTES, MAX_SEQ

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 30  # a relay that follows sends something every few seconds
OK, RESTORED = 200, 503
MAX_REFUSAL_BYTES = 4_096
ACCEPTED = {201: True, OK: False}  # whether it was done just now, or before
UNKNOWN = 401
NOT_KNOWN = (
    "the relay does not know this owner, or has revoked it",
    "enrol with an invite of its operator: `sealbell-owner enrol DIR`",
)

NOT_SHOWN_HINT = (
    "if the doorbell was never enrolled, `sealbell-owner pin DIR introduction.json` does it; if it was, ask whoever "
    "runs the relay: a revoked one has to be set up anew"
)


class Relay:
    """A Source, and the only one that can be followed. `token` is 64 hex digits, None for whoever has none yet.

    `on_restored` is told the nonce of a relay that was restored from a copy and shows nothing until it was given what
    it may have forgotten; afterwards it is asked again.
    """

    def __init__(self, card: RelayCard, token: str | None, on_restored: Callable[[str], None] | None = None) -> None:
        self._on_restored = on_restored
        self._base = card.http.rstrip("/")
        self._headers = {"Accept-Encoding": "identity"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
        context = context_for(card) if self._base.startswith("https:") else None
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False, ssl_context=context)

    def doorbells(self) -> tuple[DoorbellCard, ...]:
        """Return the cards of the doorbells that this relay keeps for the owner: its word alone."""
        return listing.parse_doorbells(self.get_json("/v1/doorbells"))

    def clips(self, doorbell: str, limit: int, before: str | None = None) -> Page:
        """See Source."""
        query = {"limit": str(limit)} | ({"before": before} if before else {})
        return listing.parse_clips(self.get_json(f"/v1/doorbells/{doorbell}/clips", query), limit, before)

    def health(self, doorbell: str) -> Offered | None:
        """See Source."""
        return listing.parse_health_answer(self.get_json(f"/v1/doorbells/{doorbell}/health"))

    def parts(self, doorbell: str, clip: str, from_seq: int = 0) -> Iterator[bytes]:
        """See Source."""
        query = {"from": str(from_seq), "follow": "0"}
        response = self._get(f"/v1/doorbells/{doorbell}/clips/{clip}/parts", query)
        return self._objects(response, keep_alive=False, limit=MAX_SEQ + 1)

    def follow(self, doorbell: str, after: str) -> Generator[bytes]:
        """Return every stored object of every clip newer than `after` as it arrives; it has begun on return."""
        response = self._get(f"/v1/doorbells/{doorbell}/follow", {"after": after})
        return self._objects(response, keep_alive=True, limit=None)

    def _objects(self, response: urllib3.BaseHTTPResponse, *, keep_alive: bool, limit: int | None) -> Generator[bytes]:
        try:
            read = partial(response.read, decode_content=False)
            for count, stored in enumerate(read_stream(read, keep_alive=keep_alive)):
                if count == limit:
                    raise FormatError(f"stream: holds more than the {limit} parts that a clip can have")
                yield stored
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _unreachable(error) from None
        finally:
            response.close()

    def post(self, path: str, body: bytes) -> int:
        """Post JSON and return the status of the answer; OwnerError if the relay does not know this owner."""
        url, headers = f"{self._base}{path}", {**self._headers, "Content-Type": "application/json"}
        try:
            response = self._pool.request("POST", url, body, headers=headers, preload_content=False, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise _unreachable(error) from None
        response.close()
        if response.status == UNKNOWN:
            raise OwnerError(*NOT_KNOWN)
        return response.status

    def post_statements(self, path: str, body: bytes, also: Collection[int] = ()) -> bytes:
        """Post signed statements and return the answer's bytes, at most MAX_JSON_BYTES; nothing for a status in `also`.

        Raises OwnerError on any other refusal.
        """
        url, headers = f"{self._base}{path}", {**self._headers, "Content-Type": "application/octet-stream"}
        try:
            response = self._pool.request("POST", url, body, headers=headers, preload_content=False, redirect=False)
            data = response.read(MAX_JSON_BYTES, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise _unreachable(error) from None
        response.close()
        match response.status:
            case 200:
                return data
            case status if status in also:
                return b""
            case 401:
                raise OwnerError(*NOT_KNOWN)
            case 404:
                raise OwnerError("the relay knows no such thing of this owner's", "see `sealbell-owner doorbells DIR`")
            case 409:
                raise OwnerError("the relay has newer word, or its clock is another", "set both clocks, and try again")
            case status:
                raise UnreachableError(f"the relay answered with status {status}", "try again later")

    def get_json(self, path: str, query: dict[str, str] | None = None) -> bytes:
        """Return an answer that should be JSON, one byte longer than a parser takes if it is longer than that."""
        response = self._get(path, query or {})
        try:
            # One byte more than a parser takes, so that it refuses what is longer.
            data = response.read(MAX_JSON_BYTES + 1, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _unreachable(error) from None
        finally:
            response.close()
        return data

    def _get(self, path: str, query: dict[str, str]) -> urllib3.BaseHTTPResponse:
        url = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            response = self._pool.request("GET", url, headers=self._headers, preload_content=False, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise _unreachable(error) from None
        if response.status == OK:
            return response
        nonce = _nonce(response) if response.status == RESTORED else None
        response.close()
        if nonce is not None and self._on_restored is not None:
            # Once, or a relay that always says so would keep us for ever.
            on_restored, self._on_restored = self._on_restored, None
            on_restored(nonce)
            return self._get(path, query)
        match response.status:
            case 401:
                raise OwnerError(*NOT_KNOWN)
            case 404:
                raise NotShownError(
                    "the relay has no such doorbell or clip for this owner, or the doorbell was revoked there",
                    f"{NOT_SHOWN_HINT}; list clips with `sealbell-owner clips DIR`",
                )
            case status:
                raise UnreachableError(f"the relay answered with status {status}", "try again later")


def _nonce(response: urllib3.BaseHTTPResponse) -> str | None:
    try:
        said = strictjson.load(response.read(MAX_REFUSAL_BYTES, decode_content=False), "refusal")
        nonce = said.get("nonce")
        return check_hash(nonce, "nonce") if isinstance(nonce, str) else None
    except (urllib3.exceptions.HTTPError, OSError, WireError):
        return None


def _unreachable(error: Exception) -> OwnerError:
    cause = error.args[0] if isinstance(error, urllib3.exceptions.SSLError) and error.args else error
    if isinstance(cause, ssl.SSLError):
        return not_believed(cause)
    # Only the kind of the error: its text may hold what the peer sent.
    return UnreachableError(
        f"the relay cannot be reached, or the connection broke ({type(error).__name__})", "try again"
    )

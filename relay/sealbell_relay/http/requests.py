"""What an HTTP request may say, parsed strictly: a token, a few names and numbers. Pure; raises RequestError only."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from sealbell_relay.errors import RequestError
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_id
from sealbell_wire.limits import MAX_SEQ

MAX_QUERY_CHARS = 256
MAX_PAGE_CLIPS = 50  # two records a clip keep a page below the owner's limit on JSON
DEFAULT_PAGE_CLIPS = 20

_TOKEN = re.compile(r"Bearer ([0-9a-f]{64})\Z", re.ASCII)
_PAIR = re.compile(r"([a-z]{1,16})=([0-9a-f]{1,64})\Z", re.ASCII)
_TOMBSTONE = re.compile(r"after=((?:clip-[0-9a-f]{32}-|doorbell-|token-[0-9a-f]{32})[0-9a-f]{32})\Z", re.ASCII)
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,5})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which clips to list: at most `limit`, older than `before` if given."""

    limit: int
    before: str | None


@dataclass(frozen=True, slots=True)
class PartsQuery:
    """Which parts of a clip to send: from `start` on, and whether to wait for those to come."""

    start: int
    follow: bool


def parse_token(header: str | None) -> bytes:
    """Return the 32 bytes of the token in an Authorization header; RequestError 401 on anything else."""
    found = _TOKEN.match(header) if header is not None else None
    if not found:
        raise RequestError(401, "no token: send Authorization: Bearer and 64 lower-case hex digits")
    return bytes.fromhex(found[1])


def parse_page(query: str) -> PageQuery:
    """Parse `limit=N&before=CLIP`, both optional."""
    values = _pairs(query, {"limit", "before"})
    limit = _number(values.get("limit", str(DEFAULT_PAGE_CLIPS)), "limit", 1, MAX_PAGE_CLIPS)
    return PageQuery(limit, _clip(values.get("before"), "before"))


def parse_parts(query: str) -> PartsQuery:
    """Parse `from=SEQ&follow=0|1`, both optional."""
    values = _pairs(query, {"from", "follow"})
    start = _number(values.get("from", "0"), "from", 0, MAX_SEQ)
    return PartsQuery(start, _number(values.get("follow", "0"), "follow", 0, 1) == 1)


def parse_follow(query: str) -> str | None:
    """Parse `after=CLIP`, optional."""
    return _clip(_pairs(query, {"after"}).get("after"), "after")


def parse_after_name(query: str) -> str | None:
    """Parse `after=NAME`, optional: the name of a tombstone (SPEC 16.4)."""
    if not query:
        return None
    found = _TOMBSTONE.match(query)
    if not found:
        raise RequestError(400, "the query may hold once: after, the `next` of the page before")
    return found[1]


def parse_name(text: str) -> str:
    """Return a doorbell's or clip's id from a path; RequestError 404 on anything else."""
    try:
        return check_id(text, "id")
    except FormatError:
        raise RequestError(404, "not found") from None


def _pairs(query: str, keys: Collection[str]) -> dict[str, str]:
    if len(query) > MAX_QUERY_CHARS:
        raise RequestError(400, f"the query is longer than {MAX_QUERY_CHARS} characters")
    values: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        found = _PAIR.match(pair)
        if not found or found[1] not in keys or found[1] in values:
            raise RequestError(400, f"the query may hold each once: {', '.join(sorted(keys))}")
        values[found[1]] = found[2]
    return values


def _number(text: str, what: str, lowest: int, highest: int) -> int:
    if not _NUMBER.match(text) or not lowest <= int(text) <= highest:
        raise RequestError(400, f"{what} is not a whole number from {lowest} to {highest}")
    return int(text)


def _clip(text: str | None, what: str) -> str | None:
    if text is None:
        return None
    try:
        return check_id(text, what)
    except FormatError as error:
        raise RequestError(400, str(error)) from None

"""HTTP requests, parsed strictly: each good form, and everything else refused with our own error."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.errors import RequestError
from sealbell_relay.http import requests
from sealbell_relay.http.requests import PageQuery, PartsQuery

CLIP = "0123456789abcdef" * 2
TOKEN = "00ff" * 16
PARSERS: list[Callable[[str], object]] = [
    requests.parse_token,
    requests.parse_page,
    requests.parse_parts,
    requests.parse_follow,
    requests.parse_name,
]


def test_a_token_is_read() -> None:
    assert requests.parse_token(f"Bearer {TOKEN}") == bytes.fromhex(TOKEN)


@pytest.mark.parametrize(
    "header",
    [None, "", TOKEN, f"bearer {TOKEN}", f"Bearer  {TOKEN}", f"Bearer {TOKEN} ", f"Bearer {TOKEN}\n", f"Basic {TOKEN}",
     f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}0", f"Bearer {TOKEN.upper()}", "Bearer " + "\u0660" * 64],
)  # fmt: skip
def test_anything_but_a_token_is_unauthorized(header: str | None) -> None:
    with pytest.raises(RequestError) as refused:
        requests.parse_token(header)
    assert refused.value.status == 401


def test_queries_are_read() -> None:
    assert requests.parse_page("") == PageQuery(20, None)
    assert requests.parse_page(f"limit=50&before={CLIP}") == PageQuery(50, CLIP)
    assert requests.parse_page(f"before={CLIP}&limit=1") == PageQuery(1, CLIP)
    assert requests.parse_parts("") == PartsQuery(0, follow=False)
    assert requests.parse_parts("from=9999&follow=1") == PartsQuery(9_999, follow=True)
    assert requests.parse_follow("") is None
    assert requests.parse_follow(f"after={CLIP}") == CLIP


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=51", "limit=", "limit=01", "limit=-1", "limit=1&limit=1", "limit", "=1", "&", "limit=1&",
     "before=0", f"before={CLIP}0", f"before={CLIP[:-1]}", f"before={CLIP.upper()}", "limit=1;before=1", "from=1",
     "limit=%31", "limit=1#", f"limit={'1' * 65}", "x" * 257, "limit=1&" * 100],
)  # fmt: skip
def test_a_page_that_is_asked_for_otherwise_is_refused(query: str) -> None:
    with pytest.raises(RequestError) as refused:
        requests.parse_page(query)
    assert refused.value.status == 400


@pytest.mark.parametrize("query", ["from=10000", "from=a", "follow=2", "follow=", "from=1&from=1", "after=1"])
def test_parts_that_are_asked_for_otherwise_are_refused(query: str) -> None:
    with pytest.raises(RequestError):
        requests.parse_parts(query)


def test_every_cut_of_a_query_is_read_or_refused_by_us() -> None:
    for query, parse in ((f"limit=50&before={CLIP}", requests.parse_page), (f"after={CLIP}", requests.parse_follow)):
        for end in range(len(query)):
            refused = refusal(parse, query[:end])
            assert refused is None or refused.status == 400


@given(st.text(max_size=300))
def test_only_our_own_errors_come_out_and_they_repeat_nothing(text: str) -> None:
    for parse in PARSERS:
        refused = refusal(parse, text)
        assert refused is None or (str(refused).isascii() and str(refused).isprintable())


def refusal(parse: Callable[[str], object], text: str) -> RequestError | None:
    try:
        parse(text)
    except RequestError as refused:
        return refused
    return None

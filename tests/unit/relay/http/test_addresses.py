"""Where a client is: nobody escapes a limit by an address of the same /64, or by saying to come from elsewhere."""

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.http.addresses import UNKNOWN, Addresses, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", UNKNOWN),
        ("somebody", UNKNOWN),
    ],
)
def test_a_network_is_what_one_client_has(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.text(max_size=60))
def test_whatever_is_said_gives_a_network(text: str) -> None:
    assert network_of(text) == UNKNOWN or "." in network_of(text) or ":" in network_of(text)


def address(proxies: tuple[str, ...], remote: str, *forwarded: str) -> str:
    headers = [("X-Forwarded-For", each) for each in forwarded]
    request = make_mocked_request("GET", "/", headers=dict(headers[:1])).clone(remote=remote)
    if len(headers) > 1:
        raise AssertionError("one header a test")
    return Addresses(proxies).of(request)


def test_nobody_is_believed_where_no_proxy_is_trusted() -> None:
    assert address((), "192.0.2.7", "198.51.100.1") == "192.0.2.7"


def test_a_stranger_is_not_believed_although_a_proxy_is() -> None:
    assert address(("192.0.2.1",), "192.0.2.7", "198.51.100.1") == "192.0.2.7"


def test_a_proxy_says_who_asked_and_what_its_client_wrote_counts_nothing() -> None:
    assert address(("192.0.2.1",), "192.0.2.1", "203.0.113.9, 198.51.100.1") == "198.51.100.1"
    assert address(("192.0.2.1", "192.0.2.2"), "192.0.2.1", "203.0.113.9, 198.51.100.1, 192.0.2.2") == "198.51.100.1"


@pytest.mark.parametrize("said", ["", "rubbish", "198.51.100.1, rubbish", "192.0.2.1", ",,,"])
def test_a_proxy_that_says_nothing_useful_is_taken_for_the_client(said: str) -> None:
    assert address(("192.0.2.1",), "192.0.2.1", said) == "192.0.2.1"

"""Names of hosts: one form each, and which of them a certificate or a CA is for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.errors import RelayError
from sealbell_relay.tls.names import covers, general, is_loopback, names_in, parse_name, permits, subtree


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Relay.Street.EXAMPLE", "relay.street.example"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_a_name_has_one_form_which_certificates_give_back(typed: str, name: str) -> None:
    assert parse_name(typed) == name
    assert names_in([general(name)]) == (name,)
    assert names_in([subtree(name)]) == (name,)


@pytest.mark.parametrize(
    "text",
    ["", ".", "a..b", "-a", "a-", "*.street.example", "a b", "a.example.", "h\u00f6st", "a" * 64, "a/b", "a:1",
     "1.2.3", "1.2.3.4.5", "256.1.1.1", "192.0.2.0/24", "fe80::1%eth0", "[::1]", "a_b", "x\n", "a." * 127 + "a" * 9],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(RelayError, match="neither a host's name nor an IP address"):
        parse_name(text)


@given(st.text(max_size=300))
def test_only_our_own_error_comes_out_and_every_name_fits_a_certificate(text: str) -> None:
    try:
        name = parse_name(text)
    except RelayError:
        return
    assert parse_name(name) == name
    assert names_in([general(name), subtree(name)]) == (name, name)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("LocalHost", True),
     ("0.0.0.0", False), ("::", False), ("192.0.2.7", False), ("relay.street.example", False), ("", False)],
)  # fmt: skip
def test_loopback_is_what_this_machine_alone_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_ca_for_a_domain_may_sign_for_its_hosts_and_for_no_other_that_ends_like_it() -> None:
    constraints = ("street.example", "192.0.2.7")
    for name in ("street.example", "a.street.example", "a.b.street.example", "192.0.2.7"):
        assert permits(constraints, name), name
    for name in ("badstreet.example", "net", "street.example.evil.example", "192.0.2.8", "1.192.0.2.7"):
        assert not permits(constraints, name), name


def test_a_star_stands_for_one_label_and_for_no_address() -> None:
    assert covers(["*.street.example"], "a.street.example")
    for name in ("street.example", "a.b.street.example", "net"):
        assert not covers(["*.street.example"], name), name
    assert not covers(["*.0.2.7"], "192.0.2.7")

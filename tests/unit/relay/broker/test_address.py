"""Addresses of brokers, as they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.broker.address import Address, parse_address
from sealbell_relay.errors import RelayError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mqtt://127.0.0.1:1883", Address("127.0.0.1", 1883)),
        ("mqtt://broker.example:65535", Address("broker.example", 65_535)),
        ("mqtt://[::1]:1883", Address("::1", 1883)),
        ("mqtts://broker.example:8883", Address("broker.example", 8_883, tls=True)),
        ("mqtts://[::1]:8883", Address("::1", 8_883, tls=True)),
    ],
)
def test_an_address_is_read_and_written_the_same(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert address.url == text


@pytest.mark.parametrize(
    "text",
    ["", "mqtt://", "mqtt://host", "mqtt://host:0", "mqtt://host:65536", "mqtt://host:x", "mqttss://host:1", "host:1",
     "mqtt://host:1/path", "mqtt://user:word@host:1", "mqtt://[::1:1", "mqtt://host:1?x", "MQTT://host:1",
     "mqtt://h\u00f6st:1", "mqtt://a b:1", "mqtt://host:01", "mqtt://host:1\n"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(RelayError, match="not mqtt://HOST:PORT"):
        parse_address(text)


@given(st.text())
def test_only_our_own_error_comes_out(text: str) -> None:
    for prefix in ("", "mqtt://", "mqtts://"):
        try:
            parse_address(prefix + text)
        except RelayError:
            continue

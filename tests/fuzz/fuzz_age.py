"""Fuzz targets for everything in sealbell_wire.age that reads bytes from outside: only WireErrors may come out."""

from collections.abc import Callable
from contextlib import suppress

from sealbell_wire.age import bech32, header
from sealbell_wire.age.file import Opener, open_file, split
from sealbell_wire.age.header import Stanza, encode_base64
from sealbell_wire.age.keys import parse_identity, parse_identity_file, parse_recipient
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.age.payload import Reader
from sealbell_wire.age.x25519 import X25519Identity
from sealbell_wire.errors import WireError

IDENTITIES = [X25519Identity(bytes(range(32))), HybridIdentity(bytes(range(32)))]
FILE_KEY = bytes(16)


def fuzz_header(data: bytes) -> None:
    with suppress(WireError):
        parsed = header.parse(data)
        assert header.serialise(parsed.stanzas, FILE_KEY).startswith(parsed.covered + b" ")


def fuzz_header_after_its_version_line(data: bytes) -> None:
    fuzz_header(header.VERSION_LINE + data)


def fuzz_header_before_its_mac(data: bytes) -> None:
    mac_line = b"--- " + encode_base64(bytes(32)).encode() + b"\n"
    fuzz_header(header.VERSION_LINE + b"-> " + data + b"\n" + mac_line)


def fuzz_split(data: bytes) -> None:
    with suppress(WireError):
        head, body = split(data)
        assert head + body == data


def fuzz_bech32(data: bytes) -> None:
    with suppress(WireError):
        text = _text(data)
        assert bech32.encode(*bech32.decode(text)) == text


def fuzz_bech32_with_a_good_checksum(data: bytes) -> None:
    for prefix in ("age", "age1pq", "AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-"):
        for parse in (parse_recipient, parse_identity):
            with suppress(WireError):
                parse(bech32.encode(prefix, data))


def fuzz_recipient(data: bytes) -> None:
    with suppress(WireError):
        text = _text(data)
        assert str(parse_recipient(text)) == text


def fuzz_identity_file(data: bytes) -> None:
    with suppress(WireError):
        parse_identity_file(_text(data))


def fuzz_stanza(data: bytes) -> None:
    split_at = max(0, len(data) - 32)
    for identity, stanza_type in zip(IDENTITIES, ("X25519", "mlkem768x25519"), strict=True):
        for argument in (_text(data[:split_at]), encode_base64(data[:split_at])):
            # Header.parse lets printable ASCII through, and nothing else.
            if argument.isascii() and argument.isprintable():
                with suppress(WireError):
                    assert identity.unwrap(Stanza((stanza_type, argument), data[split_at:])) is None


def fuzz_payload(data: bytes) -> None:
    cut = data[0] if data else 0
    reader = Reader(FILE_KEY)
    with suppress(WireError):
        released = reader.feed(data[:cut]) + reader.feed(data[cut:])
        assert not released + reader.finish(), "a payload was forged without its key"


def fuzz_opener(data: bytes) -> None:
    opener = Opener(IDENTITIES)
    whole, dribbled = b"", b""
    with suppress(WireError):
        whole = open_file(data, IDENTITIES)
    with suppress(WireError):
        for at in range(len(data)):
            dribbled += opener.feed(data[at : at + 1])
        dribbled += opener.finish()
    assert whole == dribbled


TARGETS: dict[str, Callable[[bytes], None]] = {
    "age_header": fuzz_header,
    "age_header_after_its_version_line": fuzz_header_after_its_version_line,
    "age_header_before_its_mac": fuzz_header_before_its_mac,
    "age_split": fuzz_split,
    "age_bech32": fuzz_bech32,
    "age_bech32_with_a_good_checksum": fuzz_bech32_with_a_good_checksum,
    "age_recipient": fuzz_recipient,
    "age_identity_file": fuzz_identity_file,
    "age_stanza": fuzz_stanza,
    "age_payload": fuzz_payload,
    "age_opener": fuzz_opener,
}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")

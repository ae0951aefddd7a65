"""One stanza: the file key reaches the reader it is wrapped for, and nobody else."""

import os

import pytest

from sealbell_wire.age.errors import HeaderFailure
from sealbell_wire.age.header import Stanza, encode_base64
from sealbell_wire.age.keys import Identity

FILE_KEY = b"0123456789abcdef"


@pytest.fixture(params=["owner", "outsider"])
def reader(request) -> Identity:
    return request.getfixturevalue(request.param)


def wrapped(reader: Identity) -> Stanza:
    return reader.recipient.wrap(FILE_KEY, os.urandom)


def test_the_reader_unwraps_the_file_key(reader):
    assert reader.unwrap(wrapped(reader)) == FILE_KEY


def test_nobody_else_does(owner, phone, outsider, neighbour):
    for reader, other in ((owner, phone), (outsider, neighbour), (owner, outsider), (outsider, owner)):
        assert other.unwrap(wrapped(reader)) is None


def test_no_two_stanzas_are_alike(reader):
    first, second = wrapped(reader), wrapped(reader)
    assert first.arguments[1] != second.arguments[1]
    assert first.body != second.body


def test_a_changed_body_does_not_open(reader):
    stanza = wrapped(reader)
    for at in range(32):
        body = bytearray(stanza.body)
        body[at] ^= 1
        assert reader.unwrap(Stanza(stanza.arguments, bytes(body))) is None


def test_malformed_stanzas_are_header_failures(reader):
    stanza_type, share = wrapped(reader).arguments
    body = wrapped(reader).body
    for arguments in (
        (stanza_type,),
        (stanza_type, share, share),
        (stanza_type, share[:-4]),
        (stanza_type, share + "="),
    ):
        with pytest.raises(HeaderFailure):
            reader.unwrap(Stanza(arguments, body))
    for wrong_body in (b"", body[:-1], body + b"x"):
        with pytest.raises(HeaderFailure):
            reader.unwrap(Stanza((stanza_type, share), wrong_body))


def test_shares_of_small_order_are_header_failures(owner, outsider):
    for point in (bytes(32), bytes([1]) + bytes(31)):
        with pytest.raises(HeaderFailure, match="small order"):
            outsider.unwrap(Stanza(("X25519", encode_base64(point)), bytes(32)))
        with pytest.raises(HeaderFailure, match="small order"):
            owner.unwrap(Stanza(("mlkem768x25519", encode_base64(bytes(1088) + point)), bytes(32)))


def test_malformed_stanzas_of_another_kind_are_ignored(owner, outsider):
    assert owner.unwrap(Stanza(("X25519",), b"")) is None
    assert outsider.unwrap(Stanza(("mlkem768x25519", "?"), b"")) is None
    assert outsider.unwrap(Stanza(("x25519", "?"), b"")) is None

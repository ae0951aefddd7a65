"""Where a given certificate is: read strictly, whoever wrote it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import relay_folder
from sealbell_relay.errors import RelayError
from sealbell_relay.tls.folder import GIVEN, MAX_GIVEN_BYTES, Given, TlsFolder, parse_given, read_ca
from sealbell_wire.errors import FormatError

FILES = Given(Path("/etc/sealbell-relay/fullchain.pem"), Path("/etc/sealbell-relay/privkey.pem"), None)
PRIVATE = Given(FILES.certificate, FILES.key, Path("/etc/sealbell-relay/ca.pem"))


@pytest.mark.parametrize("files", [FILES, PRIVATE])
def test_what_is_written_is_read_and_nothing_less_or_more(files: Given) -> None:
    data = files.encode()
    assert parse_given(data) == files
    for end in range(len(data) - 1):  # the last byte ends the line
        with pytest.raises(FormatError):
            parse_given(data[:end])
    for trailing in (b"x", b"{}", b" " * MAX_GIVEN_BYTES):
        with pytest.raises(FormatError):
            parse_given(data + trailing)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"v":1', b'"v":2'), (b'"v":1', b'"v":"1"'), (b'"key":"/etc/sealbell-relay/privkey.pem"', b'"key":""'),
     (b'"ca"', b'"cb"'), (b'"ca":""', b'"ca":null')],
)  # fmt: skip
def test_another_file_is_refused(old: bytes, new: bytes) -> None:
    data = FILES.encode()
    assert old in data
    with pytest.raises(FormatError):
        parse_given(data.replace(old, new))


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_only_our_own_error_comes_out(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_given(data)


def test_a_damaged_reference_is_said_and_no_other_certificate_taken(tmp_path: Path) -> None:
    folder = relay_folder.make(tmp_path / "relay")
    tls = TlsFolder(folder)
    assert tls.given() is None
    tls.refer(PRIVATE)
    assert tls.given() == PRIVATE
    (folder.tls / GIVEN).write_bytes(b"{")
    with pytest.raises(RelayError, match="is damaged"):
        tls.given()


def test_a_ca_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"rubbish")
    with pytest.raises(RelayError, match="not a CA's certificate in PEM"):
        read_ca(tmp_path / "ca.pem")
    with pytest.raises(RelayError, match="cannot be read"):
        read_ca(tmp_path / "absent.pem")

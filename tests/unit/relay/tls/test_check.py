"""What fsck says of the files in DIR/tls."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from certificates import TestCa
from sealbell_relay.tls.certificates import encode_certificate, encode_key, issue, make_authority, new_key
from sealbell_relay.tls.check import check_tls
from sealbell_relay.tls.folder import CA, CA_KEY, FILES, GIVEN, SERVER, Given

NOW_S = 1_790_000_000.0
AUTHORITY = make_authority(["relay.street.example"], new_key(), NOW_S)
OTHER = make_authority(["relay.street.example"], new_key(), NOW_S)
KEY = new_key()
CARD_CA = b64encode(AUTHORITY.der).decode()
OWN = {
    CA: encode_certificate(AUTHORITY.certificate),
    CA_KEY: encode_key(AUTHORITY.key),
    SERVER: encode_key(KEY) + encode_certificate(issue(AUTHORITY, AUTHORITY.names, KEY, NOW_S)),
}
GIVEN_FILES = {GIVEN: Given(Path("/a"), Path("/b"), None).encode(), SERVER: OWN[SERVER]}


def found(files: dict[str, bytes], card_ca: str = CARD_CA) -> list[tuple[str, str]]:
    return [(name, fault.what) for name, fault in check_tls(files, card_ca)]


@pytest.mark.parametrize("files", [{}, OWN, GIVEN_FILES, {**OWN, **GIVEN_FILES}])
def test_what_a_relay_makes_is_in_order(files: dict[str, bytes]) -> None:
    assert set(files) <= FILES
    assert found(files) == []
    assert found(files, "") == []


WRONGS: dict[str, tuple[Callable[[], dict[str, bytes]], str, str]] = {
    "the CA's key is lost": (lambda: {CA: OWN[CA]}, CA_KEY, "missing beside ca.pem"),
    "the CA was not finished": (lambda: {CA_KEY: OWN[CA_KEY]}, CA_KEY, "interrupted"),
    "the CA is damaged": (lambda: {**OWN, CA: OWN[CA][:-50]}, CA, "damaged, or not ca.key's"),
    "the CA's key is another's": (lambda: {**OWN, CA_KEY: encode_key(OTHER.key)}, CA, "damaged, or not ca.key's"),
    "the CA is not on the card": (
        lambda: {CA: encode_certificate(OTHER.certificate), CA_KEY: encode_key(OTHER.key)}, CA, "not the CA on"),
    "the CA is one without constraints": (lambda: {CA: TestCa().pem, CA_KEY: OWN[CA_KEY]}, CA, "damaged"),
    "the pair in use is damaged": (lambda: {**OWN, SERVER: OWN[SERVER][:-90]}, SERVER, "is damaged"),
    "the pair in use is mixed": (
        lambda: {**OWN, SERVER: encode_key(KEY) + OWN[CA]}, SERVER, "the key is not that of the certificate"),
    "the reference is damaged": (lambda: {**GIVEN_FILES, GIVEN: b"{}"}, GIVEN, "is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONGS)
def test_what_is_wrong_is_found(name: str) -> None:
    files, at, says = WRONGS[name]
    ((path, what),) = found(files())
    assert (path, says in what) == (at, True), what

"""What an operator gives as a certificate and a key: taken whole, or refused with what is wrong."""

import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from certificates import TestCa
from sealbell_relay.errors import RelayError
from sealbell_relay.tls.pair import MAX_PEM_BYTES, parse_pair

CA = TestCa()
CERTIFICATE, KEY = CA.sign()


def test_a_pair_is_one_file_that_gives_itself_back() -> None:
    pair = parse_pair(CERTIFICATE + CA.pem, KEY)
    again = parse_pair(pair.pem, pair.pem)
    assert again.leaf == pair.leaf
    assert CA.pem.strip() in pair.pem


def test_a_pair_never_shows_its_key() -> None:
    assert "PRIVATE" not in repr(parse_pair(CERTIFICATE, KEY))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_keys_in_every_usual_form_are_taken(form: PrivateFormat) -> None:
    key = load_pem_private_key(KEY, None)
    assert parse_pair(CERTIFICATE, key.private_bytes(Encoding.PEM, form, NoEncryption())).leaf


def test_the_chain_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(RelayError, match="the key is not that of the certificate") as refused:
        parse_pair(CA.pem + CERTIFICATE, KEY)
    assert "server's certificate first" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65_537, 2_048),
    ],
)
def test_another_key_is_refused(key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(RelayError, match="the key is not that of the certificate"):
        parse_pair(CERTIFICATE, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_a_key_that_asks_for_a_passphrase_is_refused_and_the_hint_takes_it_off() -> None:
    key = load_pem_private_key(KEY, None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame"))
    with pytest.raises(RelayError, match="asks for a passphrase") as refused:
        parse_pair(CERTIFICATE, locked)
    assert "openssl pkey -in KEY -out PLAIN" in (refused.value.hint or "")
    taken_off = subprocess.run(
        ["openssl", "pkey", "-passin", "pass:sesame"], input=locked, capture_output=True, check=True
    )
    assert parse_pair(CERTIFICATE, taken_off.stdout).leaf


def test_each_cut_of_either_is_refused_or_whole() -> None:
    for end in range(len(CERTIFICATE.strip())):
        with pytest.raises(RelayError):
            parse_pair(CERTIFICATE[:end], KEY)
    for end in range(len(KEY.strip())):
        with pytest.raises(RelayError):
            parse_pair(CERTIFICATE, KEY[:end])


def test_too_much_is_not_read() -> None:
    with pytest.raises(RelayError, match="longer than"):
        parse_pair(CERTIFICATE + b" " * MAX_PEM_BYTES, KEY)


@settings(max_examples=200)
@given(st.binary(max_size=400), st.sampled_from(["certificate", "key", "between"]))
def test_only_our_own_error_comes_out(rubbish: bytes, where: str) -> None:
    certificate, key = CERTIFICATE, KEY
    if where == "between":
        at = len(rubbish) % len(CERTIFICATE)
        certificate = CERTIFICATE[:at] + rubbish + CERTIFICATE[at:]
    elif where == "key":
        key = _armoured(KEY, rubbish)
    else:
        certificate = _armoured(CERTIFICATE, rubbish)
    try:
        assert parse_pair(certificate, key).leaf
    except RelayError:
        return


def _armoured(pem: bytes, inner: bytes) -> bytes:
    lines = pem.splitlines()
    return b"\n".join((lines[0], inner, lines[-1]))

"""Signatures that anyone checks with stock ssh-keygen, and keys that nobody may use."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from interop.conftest import need
from sealbell_wire import sshsig
from sealbell_wire.errors import SignatureError
from unit.wire.operations import CASES
from unit.wire.samples import DOORBELL, OTHER_DOORBELL, VERIFY_KEY, a_record

NAMESPACES = (sshsig.PART, sshsig.DROPPED, sshsig.READERS, sshsig.RECEIPT)
SMALL_ORDER = [bytes.fromhex(case["input"]["key"]) for name, case in CASES.items() if "small-order key" in name]
FORGED = bytes([1, *[0] * 63])  # R is the neutral point, S is zero: nobody's key made it


class SshKeygen:
    """Stock ssh-keygen; without it these tests fail and say how to get it."""

    def __init__(self) -> None:
        self._path = need("ssh-keygen", "apt-get install openssh-client")

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([self._path, *arguments], input=stdin, capture_output=True, check=False)


@pytest.fixture(scope="module")
def ssh_keygen() -> SshKeygen:
    return SshKeygen()


def exported(folder: Path, record: bytes, namespace: str, signers: Sequence[bytes] = (VERIFY_KEY,)) -> list[str | Path]:
    """What a release carries: `allowed_signers` and the signature as a file; the record comes on stdin."""
    lines = [sshsig.allowed_signer("front-door", sshsig.PART, key) for key in signers]
    (folder / "allowed_signers").write_text("".join(lines))
    signature = sshsig.sign(DOORBELL, sshsig.PART, record)
    (folder / "record.sig").write_text(sshsig.armor(VERIFY_KEY, sshsig.PART, signature))
    options = ["-f", folder / "allowed_signers", "-I", "front-door", "-n", namespace, "-s", folder / "record.sig"]
    return ["-Y", "verify", *options]


def test_stock_ssh_keygen_accepts_an_exported_record(ssh_keygen: SshKeygen, tmp_path: Path) -> None:
    record = a_record().encode()
    answer = ssh_keygen(*exported(tmp_path, record, sshsig.PART), stdin=record)
    assert answer.returncode == 0, answer.stderr
    assert b'Good "part@sealbell" signature for front-door' in answer.stdout


def test_stock_ssh_keygen_refuses_a_record_with_one_byte_changed(ssh_keygen: SshKeygen, tmp_path: Path) -> None:
    record = a_record().encode()
    for at in (0, len(record) // 2, len(record) - 1):
        changed = record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :]
        assert ssh_keygen(*exported(tmp_path, record, sshsig.PART), stdin=changed).returncode != 0


def test_stock_ssh_keygen_refuses_another_namespace(ssh_keygen: SshKeygen, tmp_path: Path) -> None:
    record = a_record().encode()
    assert ssh_keygen(*exported(tmp_path, record, sshsig.DROPPED), stdin=record).returncode != 0


def test_stock_ssh_keygen_refuses_another_doorbells_key(ssh_keygen: SshKeygen, tmp_path: Path) -> None:
    record = a_record().encode()
    other = sshsig.verify_key_of(OTHER_DOORBELL)
    assert ssh_keygen(*exported(tmp_path, record, sshsig.PART, [other]), stdin=record).returncode != 0


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_stock_ssh_keygen_signs_the_same_bytes(ssh_keygen: SshKeygen, tmp_path: Path, namespace: str) -> None:
    record = a_record().encode()
    key = tmp_path / "key"
    key.write_bytes(DOORBELL.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    key.chmod(0o600)
    (tmp_path / "record").write_bytes(record)
    answer = ssh_keygen("-Y", "sign", "-f", key, "-n", namespace, tmp_path / "record")
    assert answer.returncode == 0, answer.stderr
    ours = sshsig.armor(VERIFY_KEY, namespace, sshsig.sign(DOORBELL, namespace, record))
    assert (tmp_path / "record.sig").read_text() == ours


def test_stock_ssh_keygen_reads_our_key_line(ssh_keygen: SshKeygen, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(sshsig.public_line(VERIFY_KEY) + "\n")
    answer = ssh_keygen("-l", "-f", tmp_path / "key.pub")
    assert answer.returncode == 0, answer.stderr
    assert b"256 SHA256:" in answer.stdout


def test_all_seven_small_order_points_are_tried_with_either_sign() -> None:
    assert len(set(SMALL_ORDER)) == 14


@pytest.mark.parametrize("key", SMALL_ORDER, ids=bytes.hex)
def test_under_a_small_order_key_nobody_signs_for_anybody(key: bytes) -> None:
    with pytest.raises(SignatureError, match="small order"):
        sshsig.check_key(key)
    for attempt in range(64):
        with pytest.raises(SignatureError, match="small order"):
            sshsig.verify(key, sshsig.PART, b"%d" % attempt, FORGED)


@pytest.mark.parametrize("key", [key for key in SMALL_ORDER if key[31] < 0x80], ids=bytes.hex)
def test_the_raw_library_would_take_a_signature_that_nobody_made(key: bytes) -> None:
    taken = [attempt for attempt in range(64) if raw_library_accepts(key, sshsig.signed_bytes("x", b"%d" % attempt))]
    assert taken  # under a point of order n, one message in n


def raw_library_accepts(key: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(FORGED, message)
    except InvalidSignature:
        return False
    return True


@given(st.binary(max_size=200), st.sampled_from(NAMESPACES), st.sampled_from(NAMESPACES))
def test_a_statement_of_one_kind_never_counts_as_another(message: bytes, signed_as: str, taken_as: str) -> None:
    signature = sshsig.sign(DOORBELL, signed_as, message)
    if signed_as == taken_as:
        sshsig.verify(VERIFY_KEY, taken_as, message, signature)
    else:
        with pytest.raises(SignatureError):
            sshsig.verify(VERIFY_KEY, taken_as, message, signature)


@given(st.binary(max_size=200), st.integers(0, 511))
def test_one_changed_bit_of_a_signature_is_refused(message: bytes, bit: int) -> None:
    signature = bytearray(sshsig.sign(DOORBELL, sshsig.PART, message))
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SignatureError):
        sshsig.verify(VERIFY_KEY, sshsig.PART, message, bytes(signature))


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_any_bytes_for_a_key_or_a_signature_are_our_own_error(key: bytes, signature: bytes) -> None:
    with pytest.raises(SignatureError):
        sshsig.verify(key, sshsig.PART, b"message", signature)

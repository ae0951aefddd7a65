"""Other people's age opens what we seal, and we open what they seal: pyrage, npm age-encryption, Debian's age."""

import os
import subprocess
from pathlib import Path

import pyrage
import pytest

from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.file import open_file, rewrap, seal, split
from sealbell_wire.age.keys import Identity, parse_identity, parse_recipient
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.age.x25519 import X25519Identity

# Empty, within a chunk, exactly one and two chunks, and beyond: where implementations of the payload differ.
SIZES = [0, 1, 65535, 65536, 65537, 131072, 200_000]
KINDS = {"hybrid": HybridIdentity, "x25519": X25519Identity}


def picture(size: int) -> bytes:
    return os.urandom(size)


def sealed_to(*identities: Identity, plaintext: bytes) -> bytes:
    sealed = seal(plaintext, [identity.recipient for identity in identities])
    return sealed.file


@pytest.fixture
def outsider() -> X25519Identity:
    return X25519Identity(os.urandom(32))


@pytest.fixture
def identity_file(outsider, tmp_path) -> Path:
    path = tmp_path / "identity.txt"
    path.write_text(outsider.encode() + "\n")
    return path


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_and_ours_open_each_other(size, outsider):
    plaintext = picture(size)
    theirs = pyrage.x25519.Identity.from_str(outsider.encode())
    assert str(theirs.to_public()) == str(outsider.recipient)
    neighbour = X25519Identity(os.urandom(32))
    assert pyrage.decrypt(sealed_to(neighbour, outsider, plaintext=plaintext), [theirs]) == plaintext
    assert open_file(pyrage.encrypt(plaintext, [theirs.to_public()]), [outsider]) == plaintext


@pytest.mark.parametrize("size", [0, 65536, 200_000])
@pytest.mark.parametrize("kind", KINDS)
def test_typescript_age_opens_what_we_seal(kind, size, typescript_age):
    identity, other = KINDS[kind](os.urandom(32)), KINDS[kind](os.urandom(32))
    plaintext = picture(size)
    age_file = sealed_to(other, identity, plaintext=plaintext)
    assert typescript_age("open", identity.encode(), data=age_file) == plaintext


def test_typescript_age_opens_a_file_among_decoys(typescript_age):
    identity, stranger, plaintext = HybridIdentity(os.urandom(32)), HybridIdentity(os.urandom(32)), picture(200_000)
    decoy = Decoy(os.urandom)
    age_file = seal(plaintext, [decoy, identity.recipient, decoy, decoy]).file
    assert typescript_age("open", identity.encode(), data=age_file) == plaintext
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        typescript_age("open", stranger.encode(), data=age_file)
    assert b"no identity matched" in refusal.value.stderr


@pytest.mark.parametrize("size", [0, 65536, 200_000])
@pytest.mark.parametrize("kind", KINDS)
def test_we_open_what_typescript_age_seals(kind, size, typescript_age):
    identity, recipient = typescript_age("keys", kind).decode().split()
    ours = parse_identity(identity)
    assert isinstance(ours, KINDS[kind])
    assert parse_recipient(recipient) == ours.recipient
    plaintext = picture(size)
    assert open_file(typescript_age("seal", recipient, data=plaintext), [ours]) == plaintext


@pytest.mark.needs_age
@pytest.mark.parametrize("size", SIZES)
def test_debian_age_and_ours_open_each_other(size, debian_age, outsider, identity_file):
    plaintext = picture(size)
    age_file = sealed_to(outsider, X25519Identity(os.urandom(32)), plaintext=plaintext)
    assert debian_age("--decrypt", "-i", str(identity_file), data=age_file) == plaintext
    theirs = debian_age("--encrypt", "-r", str(outsider.recipient), data=plaintext)
    assert open_file(theirs, [outsider]) == plaintext


@pytest.mark.needs_age
def test_debian_age_opens_a_release_head_before_the_untouched_body(debian_age, outsider, identity_file):
    owner, plaintext = HybridIdentity(os.urandom(32)), picture(200_000)
    head, body = split(sealed_to(owner, plaintext=plaintext))
    released = rewrap(head, [owner], [outsider.recipient])
    assert debian_age("--decrypt", "-i", str(identity_file), data=released + body) == plaintext


@pytest.mark.needs_age
def test_debian_age_refuses_a_release_of_another_body(debian_age, outsider, identity_file):
    owner = HybridIdentity(os.urandom(32))
    head, _ = split(sealed_to(owner, plaintext=b"shared"))
    _, private = split(sealed_to(owner, plaintext=b"private"))
    released = rewrap(head, [owner], [outsider.recipient])
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        debian_age("--decrypt", "-i", str(identity_file), data=released + private)
    assert b"failed to decrypt and authenticate payload" in refusal.value.stderr

"""A decoy: by every rule and to every eye a stanza for some reader, and for none."""

import os
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from sealbell_wire.age import header
from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.errors import NoMatch, RecipientsError
from sealbell_wire.age.file import open_file, seal
from sealbell_wire.age.header import Stanza, decode_base64
from sealbell_wire.age.mlkem768x25519 import HybridIdentity

FILE_KEY = b"0123456789abcdef"
PICTURE = b"a face at the door" * 1000
LOOKS = 32  # stanzas in a sample: 32 shares of random bytes lie all on the curve once in four billion samples
PRIME = 2**255 - 19
MLKEM_PRIME = 3329
VALUES, VALUE_BITS, U_BYTES = 768, 10, 960  # the first part of a ciphertext: numbers below the prime, cut to ten bits


@pytest.fixture(scope="module")
def decoy() -> Decoy:
    return Decoy(os.urandom)


@pytest.fixture(params=["decoy", "real"])
def stanzas(request, owner, decoy) -> list[Stanza]:
    recipient = decoy if request.param == "decoy" else owner.recipient
    return [recipient.wrap(FILE_KEY, os.urandom) for _ in range(LOOKS)]


def ciphertext(stanza: Stanza) -> bytes:
    return decode_base64(stanza.arguments[1].encode("ascii"))[:-32]


def share(stanza: Stanza) -> bytes:
    return decode_base64(stanza.arguments[1].encode("ascii"))[-32:]


def test_it_is_written_and_read_as_a_real_one(owner, decoy):
    written = [recipient.wrap(FILE_KEY, os.urandom) for recipient in (owner.recipient, decoy)]
    real, false = header.parse(header.serialise(written, FILE_KEY)).stanzas
    assert [real, false] == written
    assert [len(text) for text in false.arguments] == [len(text) for text in real.arguments]
    assert false.arguments[0] == real.arguments[0]
    assert len(false.body) == len(real.body)


def test_every_identity_passes_it_by(owner, phone, outsider, decoy):
    for _ in range(LOOKS):
        stanza = decoy.wrap(FILE_KEY, os.urandom)
        assert [identity.unwrap(stanza) for identity in (owner, phone, outsider)] == [None] * 3


def test_no_two_are_alike_in_any_piece(stanzas):
    pieces: tuple[Callable[[Stanza], bytes], ...] = (ciphertext, share, lambda stanza: stanza.body)
    for piece in pieces:
        assert len({piece(stanza) for stanza in stanzas}) == LOOKS


def test_every_share_is_a_point_of_the_curve(stanzas):
    for stanza in stanzas:
        x = int.from_bytes(share(stanza), "little")
        assert x < PRIME
        assert pow(x**3 + 486662 * x**2 + x, PRIME // 2, PRIME) == 1


def test_values_of_the_ciphertext_are_as_uneven_as_an_encapsulations(stanzas):
    # Of the 3329 numbers four are cut to each of 257 values and three to each other. Random bytes know nothing of it.
    sources = Counter((number * 1024 + MLKEM_PRIME // 2) // MLKEM_PRIME % 1024 for number in range(MLKEM_PRIME))
    likely = {value for value, count in sources.items() if count == 4}
    seen = [value in likely for stanza in stanzas for value in values(ciphertext(stanza))]
    assert sum(seen) / len(seen) == pytest.approx(4 * len(likely) / MLKEM_PRIME, abs=0.02)  # seven deviations


def values(text: bytes) -> Iterable[int]:
    bits = int.from_bytes(text[:U_BYTES], "little")
    return ((bits >> VALUE_BITS * at) % 2**VALUE_BITS for at in range(VALUES))


def test_a_reader_among_decoys_opens_the_file_and_nobody_else_does(owner, phone, decoy):
    age_file = seal(PICTURE, [decoy, owner.recipient, decoy, decoy]).file
    assert open_file(age_file, [owner]) == PICTURE
    with pytest.raises(NoMatch):
        open_file(age_file, [phone, HybridIdentity(bytes(32))])


def test_decoys_stand_beside_no_x25519_reader(outsider, decoy):
    with pytest.raises(RecipientsError, match="cannot share a header"):
        seal(PICTURE, [outsider.recipient, decoy])

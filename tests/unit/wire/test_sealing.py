"""What a part is sealed to, and what whoever opens it is protected from."""

import os
from dataclasses import replace

import pytest

from sealbell_wire import content, sshsig
from sealbell_wire.age import file, payload
from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.errors import NoMatch
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.content import Init, Manifest, Notice, Place
from sealbell_wire.errors import ContradictionError, FormatError
from sealbell_wire.ids import doorbell_id
from sealbell_wire.opening import open_part
from sealbell_wire.part import Part, split_sealed
from sealbell_wire.sealing import Draft, drop_part, hide_number, seal_part
from unit.wire.samples import CLIP, DOORBELL, OTHER_DOORBELL, VERIFY_KEY, a_record

READERS = [HybridIdentity(bytes([number]) * 32) for number in range(5)]
STRANGER = HybridIdentity(b"s" * 32)
DECOY = Decoy(os.urandom)
PLAINTEXTS = {
    "notice": content.encode_notice(
        Place(VERIFY_KEY.hex(), CLIP, 2), Notice("button", 1, 1, "88" * 32, b"\xff\xd8\xff picture")
    ),
    "init": content.encode_init(
        Place(VERIFY_KEY.hex(), CLIP, 2), Init("0.1.0", "88" * 32), b"\0\0\0\x08ftyp\0\0\0\x08moov"
    ),
    "media": content.encode_media(Place(VERIFY_KEY.hex(), CLIP, 2), b"\0\0\0\x08moof\0\0\0\x0bmdatabc"),
    "manifest": content.encode_manifest(Place(VERIFY_KEY.hex(), CLIP, 2), Manifest(0, 1, ("11" * 32,) * 2, ())),
}


def sealed(kind: str = "media", readers: int = 2) -> Part:
    recipients = hide_number([reader.recipient for reader in READERS[:readers]], DECOY)
    return seal_part(Draft(a_record(2, kind), PLAINTEXTS[kind]), file.Head(recipients), DOORBELL)


@pytest.mark.parametrize("kind", PLAINTEXTS)
def test_every_reader_opens_every_kind_of_part(kind: str) -> None:
    part = sealed(kind)
    for reader in READERS[:2]:
        assert open_part(part, VERIFY_KEY, [reader])[0] == PLAINTEXTS[kind]


@pytest.mark.parametrize("kind", PLAINTEXTS)
def test_nobody_else_opens_any(kind: str) -> None:
    for stranger in (STRANGER, READERS[2]):
        with pytest.raises(NoMatch):
            open_part(sealed(kind), VERIFY_KEY, [stranger])


def test_nobody_counts_the_readers_of_a_part() -> None:
    heads = [split_sealed(sealed(readers=count).sealed or b"")[0] for count in (1, 2, 3, 4)]
    assert {len(head) for head in heads} == {len(heads[0])}
    assert {head.count(b"-> mlkem768x25519 ") for head in heads} == {4}
    assert split_sealed(sealed(readers=5).sealed or b"")[0].count(b"-> mlkem768x25519 ") == 8


def test_no_two_parts_are_sealed_under_one_head() -> None:
    head = file.Head(hide_number([READERS[0].recipient], DECOY))
    draft = Draft(a_record(2, "media"), PLAINTEXTS["media"])
    assert open_part(seal_part(draft, head, DOORBELL), VERIFY_KEY, [READERS[0]])
    with pytest.raises(RuntimeError, match="has sealed a file"):
        seal_part(draft, head, DOORBELL)


def test_a_part_is_sealed_to_somebody() -> None:
    with pytest.raises(ValueError, match="at least one reader"):
        hide_number([], DECOY)


def test_a_reader_cannot_make_another_body_under_the_file_key() -> None:
    part = sealed()
    head, _ = split_sealed(part.sealed or b"")
    file_key = file.unwrap(head, [READERS[1]])
    forged = replace(part, sealed=head + payload.seal(file_key, b"n" * 16, PLAINTEXTS["media"].replace(b"abc", b"xyz")))
    assert file.open_file(forged.sealed or b"", [READERS[0]])  # age alone cannot tell
    with pytest.raises(ContradictionError, match="body"):
        open_part(forged, VERIFY_KEY, [READERS[0]])


def test_another_doorbell_cannot_sign_this_ones_body_as_its_own() -> None:
    part = sealed()
    other_key = sshsig.verify_key_of(OTHER_DOORBELL)
    record = replace(part.record, doorbell=doorbell_id(other_key))
    text = record.encode()
    copied = Part(record, text, sshsig.sign(OTHER_DOORBELL, sshsig.PART, text), part.sealed)
    with pytest.raises(ContradictionError, match="sealed for another"):
        open_part(copied, other_key, [READERS[0]])


def test_a_body_cannot_move_to_another_part_of_its_clip() -> None:
    part = sealed()
    record = replace(part.record, seq=3)
    text = record.encode()
    moved = Part(record, text, sshsig.sign(DOORBELL, sshsig.PART, text), part.sealed)
    with pytest.raises(ContradictionError, match="sealed for another"):
        open_part(moved, VERIFY_KEY, [READERS[0]])


def test_a_dropped_part_cannot_be_opened_and_says_so() -> None:
    with pytest.raises(FormatError, match="dropped by a full outbox"):
        open_part(drop_part(sealed(), DOORBELL), VERIFY_KEY, READERS)


def test_the_age_file_holds_nothing_of_the_plaintext() -> None:
    for kind, plaintext in PLAINTEXTS.items():
        age_file = sealed(kind).sealed or b""
        needles = {plaintext[at : at + 8] for at in range(0, len(plaintext) - 8, 7)} - {bytes(8)}
        assert needles
        assert not any(needle in age_file for needle in needles)

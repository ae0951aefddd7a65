"""Who may decide who opens: the owner's words above all, then a phone that the words allowed."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import ids, sshsig
from sealbell_wire.errors import ContradictionError, FormatError, SignatureError, WireError
from sealbell_wire.limits import MAX_INTEGER, MAX_NAME_CHARS, MAX_READERS, MAX_STATEMENT_BYTES
from sealbell_wire.readers import (
    Reader,
    Readers,
    SignedReaders,
    check_pinned,
    check_succeeds,
    parse_signed_readers,
    sign_readers,
)
from unit.wire.samples import DOORBELL_ID, PHONE, RELAY, ROOT, key_of

NEXT_ROOT, VIEWER, NEW_PHONE = map(key_of, ("next root", "viewer", "new phone"))
Edit = Callable[[Readers], Readers]


def recipient(letter: str) -> str:
    return "age1pq1" + letter * 1952


def entry(name: str, key: Ed25519PrivateKey, letter: str, *rights: str, role: str = "phone") -> Reader:
    return Reader(name, recipient(letter), sshsig.verify_key_of(key).hex(), role, rights)


ROOT_ENTRY = entry("words", ROOT, "q", "readers", "orders", role="root")
PHONE_ENTRY = entry("phone", PHONE, "p", "readers", "orders")
VIEWER_ENTRY = entry("viewer", VIEWER, "z")


def hash_of_key(key: Ed25519PrivateKey) -> str:
    return hashlib.sha256(sshsig.verify_key_of(key)).hexdigest()


FIRST = Readers(
    doorbell=ids.ZERO_ID,
    version=1,
    generation=0,
    owner=sshsig.verify_key_of(ROOT).hex(),
    next_owner=hash_of_key(NEXT_ROOT),
    before=ids.ZERO_HASH,
    entries=(ROOT_ENTRY,),
)
CURRENT = sign_readers(
    replace(FIRST, doorbell=DOORBELL_ID, version=7, before="11" * 32, entries=(ROOT_ENTRY, PHONE_ENTRY, VIEWER_ENTRY)),
    ROOT,
)
NEXT = replace(CURRENT.readers, version=8, before=CURRENT.hash)
NEXT_GENERATION = replace(
    NEXT,
    generation=1,
    owner=sshsig.verify_key_of(NEXT_ROOT).hex(),
    next_owner="22" * 32,
    entries=(entry("new words", NEXT_ROOT, "r", role="root"),),
)


def offer(document: Readers, key: Ed25519PrivateKey) -> None:
    """The document as it arrives at the doorbell, signed by `key`."""
    check_succeeds(parse_signed_readers(sign_readers(document, key).encode()), CURRENT, DOORBELL_ID)


def test_a_document_arrives_as_it_was_signed() -> None:
    assert parse_signed_readers(CURRENT.encode()) == CURRENT


def test_the_first_version_is_pinned_under_the_root_that_it_names() -> None:
    check_pinned(sign_readers(FIRST, ROOT))
    with pytest.raises(SignatureError):
        check_pinned(sign_readers(FIRST, RELAY))


@pytest.mark.parametrize("change", [{"version": 2, "before": "11" * 32}, {"doorbell": DOORBELL_ID}])
def test_nothing_but_a_first_version_is_pinned(change: dict[str, object]) -> None:
    with pytest.raises(ContradictionError):
        check_pinned(sign_readers(replace(FIRST, **change), ROOT))


@pytest.mark.parametrize("key", [ROOT, PHONE], ids=["words", "phone"])
def test_the_words_and_an_allowed_phone_may_add_a_reader(key: Ed25519PrivateKey) -> None:
    offer(replace(NEXT, entries=(*NEXT.entries, entry("new phone", NEW_PHONE, "y"))), key)


@pytest.mark.parametrize("key", [ROOT, PHONE], ids=["words", "phone"])
def test_the_words_and_an_allowed_phone_may_remove_a_reader(key: Ed25519PrivateKey) -> None:
    offer(replace(NEXT, entries=(ROOT_ENTRY, PHONE_ENTRY)), key)


@pytest.mark.parametrize("key", [RELAY, VIEWER, NEW_PHONE], ids=["relay", "viewer", "listed only by itself"])
def test_relay_cannot_add_a_reader_nor_can_a_phone_without_the_right(key: Ed25519PrivateKey) -> None:
    added = entry("new phone", NEW_PHONE, "y", "readers")
    with pytest.raises(SignatureError):
        offer(replace(NEXT, entries=(*NEXT.entries, added)), key)


@pytest.mark.parametrize("key", [ROOT, PHONE], ids=["words", "phone"])
@pytest.mark.parametrize("version", [1, 6, 7])
def test_an_old_document_cannot_come_back(key: Ed25519PrivateKey, version: int) -> None:
    before = ids.ZERO_HASH if version == 1 else CURRENT.hash
    with pytest.raises(ContradictionError, match="not newer"):
        offer(replace(NEXT, version=version, before=before), key)


def test_another_doorbells_document_is_refused() -> None:
    with pytest.raises(ContradictionError, match="another doorbell's"):
        offer(replace(NEXT, doorbell="00" * 16), ROOT)


def test_the_words_win_over_what_any_phone_wrote() -> None:
    offer(replace(NEXT, version=9, before="33" * 32), ROOT)


def test_of_two_phones_that_wrote_at_once_one_is_told() -> None:
    with pytest.raises(ContradictionError, match="over another version"):
        offer(replace(NEXT, before="33" * 32), PHONE)


def test_a_stolen_phone_cannot_use_up_the_version_numbers() -> None:
    for version in (9, MAX_INTEGER):
        with pytest.raises(ContradictionError):
            offer(replace(NEXT, version=version), PHONE)


@pytest.mark.parametrize(
    "change",
    [{"recipient": recipient("x")}, {"name": "other words"}, {"rights": ()}],
    ids=lambda change: next(iter(change)),
)
def test_a_stolen_phone_cannot_put_itself_in_the_words_place(change: dict[str, object]) -> None:
    replaced = replace(ROOT_ENTRY, **change)
    with pytest.raises(ContradictionError, match="the root's entry"):
        offer(replace(NEXT, entries=(replaced, PHONE_ENTRY)), PHONE)
    offer(replace(NEXT, entries=(replaced, PHONE_ENTRY)), ROOT)


def test_the_words_cannot_be_left_out() -> None:
    for entries in ((PHONE_ENTRY,), (replace(ROOT_ENTRY, role="phone"), PHONE_ENTRY), (ROOT_ENTRY, ROOT_ENTRY)):
        with pytest.raises(FormatError):
            offer(replace(NEXT, entries=entries), ROOT)


@pytest.mark.parametrize("version", [2, 8, MAX_INTEGER])
def test_the_next_generation_retires_a_key_that_someone_saw(version: int) -> None:
    offer(replace(NEXT_GENERATION, version=version), NEXT_ROOT)


@pytest.mark.parametrize("key", [ROOT, PHONE, RELAY], ids=["words", "phone", "relay"])
def test_only_the_announced_key_begins_the_next_generation(key: Ed25519PrivateKey) -> None:
    with pytest.raises(SignatureError):
        offer(NEXT_GENERATION, key)
    own = replace(
        NEXT_GENERATION, owner=sshsig.verify_key_of(key).hex(), entries=(entry("own", key, "x", role="root"),)
    )
    with pytest.raises(ContradictionError, match="not the one that was announced"):
        offer(own, key)


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: replace(document, next_owner="44" * 32),
        lambda document: replace(document, generation=2),
        lambda document: replace(
            document, owner=sshsig.verify_key_of(PHONE).hex(), entries=(replace(PHONE_ENTRY, role="root"),)
        ),
    ],
    ids=["another next key", "a generation left out", "another owner"],
)
@pytest.mark.parametrize("key", [ROOT, PHONE], ids=["words", "phone"])
def test_the_owners_key_changes_only_by_the_next_generation(key: Ed25519PrivateKey, edit: Edit) -> None:
    with pytest.raises(ContradictionError, match="next generation"):
        offer(edit(NEXT), key)


def test_what_was_signed_is_what_was_carried() -> None:
    text = CURRENT.text.replace(b'"version":7', b'"version": 7')
    respaced = SignedReaders(CURRENT.readers, text, CURRENT.signature)
    with pytest.raises(WireError):
        check_succeeds(parse_signed_readers(respaced.encode()), sign_readers(FIRST, ROOT), DOORBELL_ID)
    assert parse_signed_readers(respaced.encode()).hash != CURRENT.hash


def test_the_largest_document_fits_into_its_frame() -> None:
    letters = "qpzry9x8gf2tvdw0"[:MAX_READERS]
    entries = tuple(entry("🚪" * MAX_NAME_CHARS, key_of(letter), letter, "readers", "orders") for letter in letters)
    largest = replace(CURRENT.readers, version=MAX_INTEGER, generation=MAX_INTEGER, entries=entries)
    assert len(largest.encode()) < MAX_STATEMENT_BYTES

"""What fsck finds of deletion, retention and restores: each way in which it can be wrong, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

import relay_folder
from parts_factory import STARTED_MS, Doorbell, Owner
from relay_folder import keep, let_in
from sealbell_relay.audit.fsck import Fsck
from sealbell_relay.audit.look import Finding
from sealbell_relay.folder import Folder
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.holds import Holds
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.places import clip_folder
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.resumption import Resumption
from sealbell_wire.retention import Retention
from sealbell_wire.tombstone import Kind, Tombstone

BELL = Doorbell(1, Owner(1))
OWNER = BELL.owner
CLIP, GONE = BELL.clip(3), BELL.clip(3, number=2)
LATER_S = 4_000_000_000.0
POINTERS = f"store/tombstones/{OWNER.card.key}"


def stone(kind: Kind, doorbell: str, name: str) -> tuple[Tombstone, bytes]:
    made = Tombstone(OWNER.card.key, kind, doorbell, name, STARTED_MS)
    return made, made.sign(OWNER.key)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A clip that is kept, one that was deleted, a doorbell and a token that ended, and two retention documents."""
    folder = relay_folder.make(tmp_path / "relay")
    let_in(folder, BELL)
    keep(folder, CLIP)
    store = DirectoryStore(folder.store)
    archive, register = Archive(store, lambda _: None), Register(store)
    deletion = Deletion(store, archive, register, folder.key(), lambda: STARTED_MS, None)
    third = Doorbell(3, OWNER)
    register.allow(third.card)
    deletion.obey(*stone("clip", BELL.id, GONE[0].record.clip))
    deletion.obey(*stone("doorbell", third.id, ZERO_ID))
    deletion.obey(*stone("token", ZERO_ID, "ab" * 32))
    for number in (1, 2):
        document = Retention(OWNER.card.key, BELL.id, number, 7)
        Retentions(store).keep(document, document.sign(OWNER.key))
    return folder


def look(folder: Folder, started_s: float = LATER_S) -> dict[str, str]:
    findings: list[Finding] = []
    Fsck(folder, started_s, findings.append, lambda objects, size: None).run()
    return {finding.path: finding.what for finding in findings}


def test_all_of_it_is_looked_at_and_in_order(folder: Folder) -> None:
    seen: list[int] = []
    assert Fsck(folder, LATER_S, lambda found: pytest.fail(str(found)), lambda count, _: seen.append(count)).run()
    assert seen[-1] == sum(path.is_file() for path in folder.store.rglob("*"))


def test_what_is_left_of_a_deleted_clip_is_told(folder: Folder) -> None:
    keep(folder, GONE[:1])
    ending = f"store/ended/clip/{BELL.id}/{GONE[0].record.clip}"
    assert look(folder) == {ending: "ended, and something of it is still stored"}
    assert look(folder, started_s=0.0) == {}, "what ended just now may be under way"
    for path in (folder.store / clip_folder(BELL.id, GONE[0].record.clip)).iterdir():
        path.write_bytes(b"damaged as well")
    assert "ended, and something" in look(folder)[ending]


WRONG: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a pointer with something in it": (
        f"{POINTERS}/token-{'ab' * 32}", lambda path: path.write_bytes(b"x"), "is not empty",
    ),
    "a pointer to what has not ended": (
        f"{POINTERS}/clip-{BELL.id}-{CLIP[0].record.clip}", lambda path: path.touch(0o600), "has not ended",
    ),
    "a pointer that is none": (f"{POINTERS}/clip-{BELL.id}", lambda path: path.touch(0o600), "does not belong"),
    "a damaged document": (
        f"store/retention/{BELL.id}/{2:016d}", lambda path: path.write_bytes(path.read_bytes()[:-1]), "is damaged",
    ),
    "an empty document": (f"store/retention/{BELL.id}/{2:016d}", lambda path: path.write_bytes(b""), "is empty"),
    "a document under another number": (
        f"store/retention/{BELL.id}/{3:016d}",
        lambda path: path.with_name(f"{2:016d}").rename(path),
        "is another document",
    ),
    "a number that is none": (f"store/retention/{BELL.id}/2", lambda path: path.touch(0o600), "does not belong"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told(folder: Folder, case: str) -> None:
    name, spoil, what = WRONG[case]
    spoil(folder.root / name)
    (told,) = look(folder).items()
    assert told[0] == name
    assert what in told[1]


def test_a_restore_that_is_not_over_is_told_and_who_has_resumed(folder: Folder) -> None:
    holds = Holds(DirectoryStore(folder.store), lambda: 0.0)
    nonce = holds.begin()
    said = Resumption(OWNER.card.key, nonce, STARTED_MS)
    holds.resume(OWNER.card.key, nonce, said.sign(OWNER.key))
    (held,) = look(folder).items()
    assert held[0] == f"store/restores/{nonce}/held"
    assert "holds everything" in held[1]
    other = Resumption(OWNER.card.key, "5c" * 32, STARTED_MS).sign(OWNER.key)
    (folder.store / "restores" / nonce / OWNER.card.key).write_bytes(other)
    assert any("another owner's word, or of another restore" in what for what in look(folder).values())

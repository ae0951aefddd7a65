"""A restored store shows nothing until it is let; and a copied folder is told from the original."""

import shutil
from pathlib import Path

import pytest

import relay_folder
from parts_factory import Doorbell, Owner
from sealbell_relay.folder import Folder
from sealbell_relay.keep.holds import HeldError, Holds, notice_copy
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.endings import Endings
from store_doubles import MemoryStore

OWNER, OTHER = Owner(1), Owner(2)


def test_nothing_is_shown_until_it_is_released() -> None:
    store = MemoryStore()
    holds, elsewhere = Holds(store, lambda: 0.0), Holds(store, iter(range(100)).__next__)
    holds.check(OWNER.card.key)
    nonce = holds.begin()
    for asked in (holds, elsewhere):
        with pytest.raises(HeldError) as held:
            asked.check(OWNER.card.key)
        assert (held.value.status, held.value.more) == (503, {"nonce": nonce})
    holds.release()
    holds.check(OWNER.card.key)
    elsewhere.check(OWNER.card.key)
    assert store.objects == {}


def test_each_owner_is_shown_what_is_theirs_once_they_have_resumed() -> None:
    holds = Holds(MemoryStore(), lambda: 0.0)
    nonce = holds.begin()
    holds.resume(OWNER.card.key, nonce, b"signed")
    holds.check(OWNER.card.key)
    with pytest.raises(HeldError):
        holds.check(OTHER.card.key)


def test_a_second_restore_before_the_first_is_over_holds_under_the_same_nonce() -> None:
    holds = Holds(MemoryStore(), lambda: 0.0)
    assert holds.begin() == holds.begin()


def test_a_second_restore_holds_also_whoever_resumed_after_the_first() -> None:
    store = MemoryStore()
    holds = Holds(store, lambda: 0.0)
    first = holds.begin()
    holds.resume(OWNER.card.key, first, b"signed")
    assert holds.begin() != first, "the resumption came with the copy, and is older than what was deleted since"
    with pytest.raises(HeldError):
        holds.check(OWNER.card.key)
    assert not any(first in name for name in store.objects)


def test_a_resumption_of_an_earlier_restore_shows_nothing() -> None:
    holds = Holds(MemoryStore(), lambda: 0.0)
    old = holds.begin()
    holds.release()
    assert holds.begin() != old
    holds.resume(OWNER.card.key, old, b"signed")
    with pytest.raises(HeldError):
        holds.check(OWNER.card.key)


def notice(folder: Folder) -> bool:
    store = DirectoryStore(folder.store)
    with folder.lock():
        return notice_copy(folder, store, Holds(store, lambda: 0.0))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = relay_folder.make(tmp_path / "relay")
    assert not notice(made)
    return made


def held(folder: Folder) -> bool:
    return Holds(DirectoryStore(folder.store), lambda: 0.0).nonce is not None


def test_the_folder_that_served_last_is_no_copy(folder: Folder) -> None:
    assert not notice(folder)
    moved = folder.root.rename(folder.root.with_name("moved"))
    assert not notice(Folder(moved))
    assert not held(Folder(moved))


def test_a_copied_folder_is_held_however_it_was_copied(folder: Folder, tmp_path: Path) -> None:
    shutil.copytree(folder.root, copy := tmp_path / "copy", copy_function=shutil.copy2)
    assert notice(Folder(copy))
    assert held(Folder(copy))
    assert not notice(Folder(copy)), "it is the one that served last from now on"
    assert held(Folder(copy)), "and is held all the same"


def test_a_copy_that_was_put_in_the_originals_place_is_held(folder: Folder, tmp_path: Path) -> None:
    shutil.copytree(folder.root, backup := tmp_path / "backup")
    shutil.rmtree(folder.root)
    shutil.copytree(backup, folder.root)
    assert notice(folder)


def test_a_copy_from_which_the_place_was_left_out_is_held_if_anything_was_ever_ended(folder: Folder) -> None:
    (folder.root / "place").unlink()
    assert not notice(folder)
    Endings(DirectoryStore(folder.store)).end("doorbell", Doorbell(1).id, b"x")
    (folder.root / "place").unlink()
    assert notice(folder)


def test_a_relay_killed_while_it_notices_a_copy_notices_it_again(folder: Folder, tmp_path: Path) -> None:
    shutil.copytree(folder.root, copy := tmp_path / "copy")
    store = DirectoryStore(copy / "store")
    Holds(store, lambda: 0.0).begin()  # and there it died
    assert notice(Folder(copy))

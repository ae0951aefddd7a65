"""What fsck finds of who is let in: each way in which it can be wrong, and nothing where nothing is."""

from collections.abc import Callable
from pathlib import Path

import pytest

import relay_folder
from parts_factory import Doorbell, Owner
from relay_folder import ADDED, let_in, phone_of
from sealbell_relay.audit.fsck import Fsck
from sealbell_relay.audit.look import Finding
from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.folder import Folder
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import Endings, operators_word
from sealbell_relay.tenants.invites import Invites
from sealbell_relay.tenants.revocation import Revocation
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.invite import invite_hash
from sealbell_wire.tombstone import Tombstone

BELL, OTHER = Doorbell(1, Owner(1)), Doorbell(2, Owner(2))
OWNER, PHONE = BELL.owner.card, phone_of(BELL)
LATER_S = 4_000_000_000.0
CLIP = BELL.clip_id()
OPEN, USED = (invite_hash(bytes([n]) * 17) for n in (1, 2))
WORD = operators_word("2026-11-24 15:00:00 UTC", delete=False)


def stone(kind: str, name: str, doorbell: str = BELL.id, owner: Owner = BELL.owner) -> bytes:
    return Tombstone(owner.card.key, kind, doorbell, name, 1).sign(owner.key)  # type: ignore[arg-type] # the test's


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Two tenants, an open invite and a used one, and endings of every kind by whoever may end it."""
    folder = relay_folder.make(tmp_path / "relay")
    store = DirectoryStore(folder.store)
    for bell in (BELL, OTHER):
        let_in(folder, bell)
    invites, endings = Invites(store), Endings(store)
    for number in (1, 2):
        invites.make(bytes([number]) * 17, 4_000_000_000_000, 0)
    invites.use(USED, OWNER.encode(), 0)
    endings.end("clip", f"{BELL.id}/{CLIP}", stone("clip", CLIP))
    endings.end("token", "ab" * 32, stone("token", "ab" * 32, ZERO_ID))
    endings.end("token", "cd" * 32, WORD)
    third = Doorbell(3, BELL.owner)
    Register(store).allow(third.card)
    endings.end("doorbell", third.id, stone("doorbell", ZERO_ID, third.id))
    endings.end("owner", Owner(9).card.key, WORD)
    return folder


def look(folder: Folder, started_s: float = LATER_S) -> list[Finding]:
    findings: list[Finding] = []
    Fsck(folder, started_s, findings.append, lambda objects, size: None).run()
    return findings


def test_all_that_lets_in_and_keeps_out_is_looked_at_and_in_order(folder: Folder) -> None:
    seen: list[int] = []
    assert Fsck(folder, LATER_S, lambda found: pytest.fail(str(found)), lambda count, _: seen.append(count)).run()
    assert seen[-1] == sum(path.is_file() for path in folder.store.rglob("*"))


def replace(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def gone(*names: str) -> Callable[[Path], object]:
    """What lies elsewhere in the same store is gone."""
    return lambda path: next(above for above in path.parents if above.name == "store").joinpath(*names).unlink()


DAMAGES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a credential cut": (f"credentials/{BELL.id}", replace(b'{"bcrypt":"'), "two hashes"),
    "a credential emptied": (f"credentials/{BELL.id}", replace(b""), "is empty"),
    "a credential gone": (f"doorbells/{BELL.id}.json", gone("credentials", BELL.id), "has no credential"),
    "a credential of nobody": (f"credentials/{'0f' * 16}", replace(b'{"bcrypt":"'), "two hashes"),
    "a phone's day": (f"phones/{OWNER.key}/{PHONE}", replace(b"soon"), "is not a day"),
    "a phone of another's token": (f"phones/{OWNER.key}/{phone_of(OTHER)}", replace(ADDED.encode()),
                                   "not this owner's"),
    "a phone whose token is gone": (f"phones/{OWNER.key}/{PHONE}", gone("tokens", PHONE), "not this owner's"),
    "a token that no phone has": (f"tokens/{PHONE}", gone("phones", OWNER.key, PHONE), "does not know this token"),
    "a token of nobody": (f"tokens/{'ef' * 32}", replace(b"ef" * 32), "does not know this token"),
    "an invite": (f"invites/{OPEN}", replace(b"-5"), "is not a time"),
    "a stray invite": ("invites/CODE", replace(b"5"), "does not belong here"),
    "an ending without a proof": (f"ended/doorbell/{BELL.id}", replace(b""), "who ended it"),
    "an ending of something else": (f"ended/doorbell/{BELL.id}", replace(stone("clip", CLIP)), "something else"),
    "an ending of another doorbell": (f"ended/doorbell/{BELL.id}", replace(stone("doorbell", ZERO_ID, OTHER.id)),
                                      "something else"),
    "an ending cut": (f"ended/clip/{BELL.id}/{CLIP}", replace(stone("clip", CLIP)[:-1]), "is damaged"),
    "a clip that the operator ended": (f"ended/clip/{BELL.id}/{CLIP}", replace(WORD), "who ended it"),
    "an invite used by nobody": (f"ended/invite/{USED}", replace(b"{}"), "is damaged"),
    "an invite used by a doorbell": (f"ended/invite/{USED}", replace(BELL.card.encode()), "no owner's card"),
    "an ending of no kind": ("ended/photo/x", replace(b""), "does not belong here"),
    "an ending of no name": ("ended/owner/x", replace(b""), "does not belong here"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_told_with_what_to_do(folder: Folder, damage: str) -> None:
    name, change, what = DAMAGES[damage]
    path = folder.store / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    change(path)
    path.chmod(0o600)
    found = [finding for finding in look(folder) if what in finding.what]
    assert found, look(folder)
    assert found[0].path in (f"store/{name}", f"store/{'/'.join(name.split('/')[:2])}")
    assert found[0].advice


def test_what_is_being_enrolled_just_now_is_not_wrong(tmp_path: Path) -> None:
    folder = relay_folder.make(tmp_path / "relay")
    store = DirectoryStore(folder.store)
    store.put(f"tokens/{OWNER.token_hash}", OWNER.key.encode())
    store.put(f"doorbells/{OTHER.id}.json", OTHER.card.encode())
    Credentials(store).enrol(BELL.id, "5e" * 32)
    assert look(folder, started_s=0.0) == []
    assert len(look(folder)) == 4


def test_a_doorbell_that_ended_needs_no_credential(folder: Folder) -> None:
    store = DirectoryStore(folder.store)
    Credentials(store).remove(BELL.id)
    assert look(folder)
    Revocation(store).end("doorbell", BELL.id, WORD)
    assert look(folder) == []

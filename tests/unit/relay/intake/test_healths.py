"""Which health messages a relay takes, and which one it keeps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from parts_factory import Doorbell
from sealbell_relay.errors import DamagedError, StoreError
from sealbell_relay.intake.healths import HEALTH, HealthIntake, HealthShelf, Kept, beat_of
from sealbell_relay.intake.ingest import Refuse
from sealbell_relay.store.store import DirectoryStore, Store
from sealbell_relay.tenants.allow import Register
from sealbell_wire import sshsig, topics
from sealbell_wire.health import Health
from sealbell_wire.limits import MAX_HEALTH_BYTES
from store_doubles import FailingStore, MemoryStore

BELL, OTHER = Doorbell(1), Doorbell(2)
TOPIC = topics.parse_up(topics.health(BELL.id))


class Scene:
    """A relay's way of taking health, over a store; `clock_ms` is when it is."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock_ms = store, 5_000
        register = Register(store)
        register.allow(BELL.card)
        self.shelf = HealthShelf(store)
        self.intake = HealthIntake(self.shelf, register, lambda: self.clock_ms)

    def take(self, health: Health | bytes) -> bool | str:
        """Whether it was kept, or why it was refused."""
        message = health if isinstance(health, bytes) else health.encode()
        outcome = self.intake.take(TOPIC, message)
        return outcome.reason if isinstance(outcome, Refuse) else outcome

    @property
    def newest(self) -> Kept | None:
        return self.shelf.newest(BELL.id)


@pytest.fixture(params=["memory", "folder"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    if request.param == "memory":
        return Scene(MemoryStore())
    store = DirectoryStore(tmp_path / "store")
    store.make()
    return Scene(store)


def test_newest_health_is_kept_as_it_came_with_its_arrival_and_no_other(scene: Scene) -> None:
    for number in (1, 2, 9, 2**53 - 1):
        scene.clock_ms += 1
        assert scene.take(BELL.health(number)) is True
        assert scene.newest == Kept(number, scene.clock_ms, BELL.health(number).encode())
        assert len(scene.store.list(f"{HEALTH}/{BELL.id}").objects) == 1


def test_older_health_is_refused_and_the_newest_stays(scene: Scene) -> None:
    scene.take(BELL.health(9))
    before = scene.newest
    for number in (1, 8):
        assert scene.take(BELL.health(number)) == "not-newer"
    assert scene.take(BELL.health(9)) is False, "what a doorbell repeats on each connection is no news"
    assert scene.take(BELL.health(9, wall_ms=0)) == "differs-from-stored"
    assert scene.newest == before


def changed(health: Health, **changes: object) -> Health:
    return replace(health, **changes)  # type: ignore[arg-type] # names are the test's


FORGERIES: dict[str, tuple[Callable[[Health], Health | bytes], str]] = {
    "nothing": (lambda _: b"", "malformed"),
    "a part": (lambda _: BELL.clip(1)[0].encode(), "malformed"),
    "a byte after": (lambda health: health.encode() + b"x", "malformed"),
    "a gibibyte": (lambda health: health.encode()[: 6 + len(health.text) + 64] + b"\x40\0\0\0", "malformed"),
    "too large": (lambda health: health.encode().ljust(MAX_HEALTH_BYTES + 1, b"\0"), "malformed"),
    "another doorbell's": (lambda _: OTHER.health(9), "wrong-topic"),
    "another doorbell's in this one's name": (lambda _: OTHER.health(9, doorbell=BELL.id), "forged-signature"),
    "no signature": (lambda health: changed(health, signature=bytes(64)), "forged-signature"),
    "signed as a part": (
        lambda health: changed(health, signature=sshsig.sign(BELL.key, sshsig.PART, health.text)),
        "forged-signature",
    ),
    "a higher number": (lambda health: changed(health, text=health.text.replace(b"number 9", b"number 10")),
                        "forged-signature"),
    "other bytes": (lambda health: changed(health, sealed=health.sealed[:-1] + b"!"), "forged-content"),
    "another head": (lambda health: changed(health, sealed=health.sealed.replace(b"X made", b"Y made")),
                     "forged-content"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_health_is_refused_and_nothing_is_kept(scene: Scene, name: str) -> None:
    forge, reason = FORGERIES[name]
    assert scene.take(forge(BELL.health(9))) == reason
    assert scene.newest is None
    assert scene.take(BELL.health(1)) is True


def test_health_of_a_stranger_is_refused(scene: Scene) -> None:
    outcome = scene.intake.take(topics.parse_up(topics.health(OTHER.id)), OTHER.health(1).encode())
    assert isinstance(outcome, Refuse)
    assert outcome.reason == "unknown-doorbell"


def test_relay_that_died_between_two_healths_shows_the_newer_one() -> None:
    store = FailingStore(MemoryStore())
    scene = Scene(store)
    scene.take(BELL.health(1))
    store.broken = frozenset({"remove"})
    with pytest.raises(StoreError):
        scene.take(BELL.health(2))
    store.broken = frozenset()
    assert scene.newest == Kept(2, 5_000, BELL.health(2).encode())
    assert scene.take(BELL.health(3)) is True
    assert len(store.list(f"{HEALTH}/{BELL.id}").objects) == 1, "what was left over is removed with the next"


def test_store_that_fails_keeps_what_it_had() -> None:
    store = FailingStore(MemoryStore())
    scene = Scene(store)
    scene.take(BELL.health(1))
    store.broken = frozenset({"put"})
    with pytest.raises(StoreError):
        scene.take(BELL.health(2))
    assert scene.newest == Kept(1, 5_000, BELL.health(1).encode())


def test_damaged_health_in_the_store_is_said() -> None:
    kept = Kept(1, 2, BELL.health(1).encode()[:-1])
    with pytest.raises(DamagedError, match="damaged health"):
        beat_of(BELL.id, kept)

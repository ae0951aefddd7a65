"""When clips are packed: once they have rested, and what was missed in a sweep; a failure is told and stops nothing."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parts_factory import STARTED_MS, Doorbell
from relay_folder import SEED, stored_bytes
from sealbell_relay.log import Log
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.packer import MAX_WAITING_CLIPS, Packer
from sealbell_relay.store.packing import Packing
from sealbell_relay.store.places import clip_folder, object_path
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import Register
from sealbell_wire.sshsig import verify_key_of
from store_doubles import FailingStore, MemoryStore

BELL, OTHER = Doorbell(1), Doorbell(2)
CLIP = BELL.clip_id()
DEADLINE_S = 10.0


class Scene:
    """A packer by a clock that is set, over a store with a complete clip of each of two doorbells."""

    def __init__(self, store: Store | None = None, mine: str | None = None) -> None:
        self.memory = MemoryStore()
        self.now, self.wall_ms, self.lines = 0.0, STARTED_MS + 100_000, io.StringIO()
        register = Register(self.memory)
        for bell in (BELL, OTHER):
            register.allow(bell.card)
            for part in bell.clip(4):
                path = object_path(bell.id, part.record.clip, part.record.seq, False)
                self.memory.put(path, stored_bytes(part))
        self.store = FailingStore(self.memory)
        packing = Packing(self.store, verify_key_of(Ed25519PrivateKey.from_private_bytes(SEED)))
        self.packer = Packer(
            packing,
            Archive(self.store, lambda _: None),
            register,
            Log(self.lines, lambda: 0.0),
            lambda: self.wall_ms,
            lambda: self.now,
            lambda doorbell: mine in (None, doorbell),
            rest_s=30.0,
            look_s=0.0,
        )

    def packed(self, bell: Doorbell = BELL) -> bool:
        names = [entry.name for entry in self.memory.list(clip_folder(bell.id, bell.clip_id())).objects]
        return names == ["000000-000003.pack"]

    async def turn(self, turns: int = 50) -> None:
        """Let the packer look around several times."""
        with ThreadPoolExecutor(1) as threads:
            running = asyncio.create_task(self.packer.run(threads))
            for _ in range(turns):
                await asyncio.sleep(0)
                await asyncio.get_running_loop().run_in_executor(threads, int)  # behind what it gave them to do
            running.cancel()


def run(scene: Scene) -> None:
    asyncio.run(asyncio.wait_for(scene.turn(), DEADLINE_S))


def test_a_clip_is_packed_once_it_has_rested_and_not_before() -> None:
    scene = Scene()
    scene.packer.note(BELL.id, CLIP)
    scene.now = 29.0
    run(scene)
    assert not scene.packed()
    scene.packer.note(BELL.id, CLIP)  # one more part came: it rests anew
    scene.now = 31.0
    run(scene)
    assert not scene.packed()
    scene.now = 60.0
    run(scene)
    assert scene.packed()
    assert not scene.packed(OTHER)


def test_a_sweep_packs_what_was_missed_of_ones_own_doorbells() -> None:
    scene = Scene(mine=OTHER.id)
    for doorbell in scene.packer.doorbells():
        scene.packer.sweep(doorbell)
    assert scene.packed(OTHER)
    assert not scene.packed(BELL)


def test_a_sweep_leaves_clips_of_long_ago() -> None:
    scene = Scene()
    scene.wall_ms += 1_000_000_000
    scene.packer.sweep(BELL.id)
    assert not scene.packed()


def test_a_store_that_fails_and_a_damaged_part_are_told_and_stop_nothing() -> None:
    scene = Scene()
    path = object_path(OTHER.id, OTHER.clip_id(), 1, False)
    scene.memory.objects[path] = scene.memory.objects[path][:-1]
    scene.store.broken = frozenset({"put"})
    assert scene.packer.pack(BELL.id, CLIP) == 0
    scene.store.broken = frozenset()
    assert scene.packer.pack(OTHER.id, OTHER.clip_id()) == 0
    assert scene.packer.pack(BELL.id, CLIP) == 4
    told = scene.lines.getvalue()
    assert "no space left" in told
    assert "part 1 of" in told
    assert scene.packer.pack("0" * 32, CLIP) == 0


def test_what_waits_is_bounded() -> None:
    scene = Scene()
    for number in range(MAX_WAITING_CLIPS + 10):
        scene.packer.note(BELL.id, f"{number:032x}")
    assert scene.packer.waiting == MAX_WAITING_CLIPS

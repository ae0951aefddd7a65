"""Two relays take parts of one clip, and one of them has packed it: each part is stored once all the same."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parts_factory import Doorbell, topic_of
from sealbell_relay.intake.intake import Intake
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.packing import Packing
from sealbell_relay.tenants.allow import Register
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.topics import parse_up
from store_doubles import MemoryStore

BELL = Doorbell(1)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLIP = BELL.clip(6)


class Relay:
    """One relay's way of taking parts, by a clock of its own."""

    def __init__(self, store: MemoryStore, now_ms: int) -> None:
        register = Register(store)
        register.allow(BELL.card)
        self.archive = Archive(store, lambda _: None)
        self.intake = Intake(self.archive, register, KEY, lambda: now_ms)

    def takes(self, seq: int) -> bytes:
        receipt = self.intake.take(parse_up(topic_of(CLIP[seq])), CLIP[seq].encode()).receipt
        assert receipt is not None
        return receipt


def test_a_part_that_another_relay_stored_and_packed_is_not_stored_again() -> None:
    store = MemoryStore()
    one, other = Relay(store, 1_000), Relay(store, 2_000)
    other.takes(0)  # so it remembers the clip
    first = [one.takes(seq) for seq in range(1, len(CLIP))]
    assert Packing(store, verify_key_of(KEY)).pack(BELL.id, BELL.clip_id(), BELL.verify_key) == len(CLIP)
    packed = store.list(f"clips/{BELL.id}/{BELL.clip_id()[:6]}/{BELL.clip_id()}").objects
    other.intake.forget_all()  # as when relays come, go and hand over
    assert [other.takes(seq) for seq in range(1, len(CLIP))] == first
    assert store.list(f"clips/{BELL.id}/{BELL.clip_id()[:6]}/{BELL.clip_id()}").objects == packed

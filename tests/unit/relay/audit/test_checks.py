"""Whatever the disk gives, the rules of fsck answer with what is wrong, and nothing else comes out of them."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from parts_factory import Doorbell, Owner
from sealbell_relay.audit.checks import check_doorbell, check_health, check_owner, check_part
from sealbell_wire.receipt import Receipt
from sealbell_wire.sshsig import verify_key_of

BELL = Doorbell(1, Owner(1))
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOTICE = BELL.clip(1)[0]
PLACE = (BELL.id, BELL.clip_id(), 0)
PART = NOTICE.encode() + Receipt(*PLACE, NOTICE.hash, "stored", "-", 5).sign(KEY)
HEALTH = BELL.health(7).encode()


def spoilt(sound: bytes) -> st.SearchStrategy[bytes]:
    """Garbage, or sound bytes with a piece of them replaced by garbage."""
    return st.binary(max_size=300) | st.tuples(st.integers(0, len(sound)), st.binary(min_size=1, max_size=80)).map(
        lambda change: sound[: change[0]] + change[1] + sound[change[0] + len(change[1]) :]
    )


@given(spoilt(PART))
def test_any_bytes_in_the_place_of_a_part_are_told(data: bytes) -> None:
    link, faults = check_part(PLACE, False, data, BELL.verify_key, verify_key_of(KEY))
    assert bool(faults) is (data != PART)
    assert link is None or link.record == NOTICE.record


@given(spoilt(HEALTH))
def test_any_bytes_in_the_place_of_health_are_told(data: bytes) -> None:
    assert bool(check_health(BELL.id, 7, data, BELL.verify_key)) is (data != HEALTH)


@given(spoilt(BELL.card.encode()))
def test_any_bytes_in_the_place_of_a_doorbells_card_are_told(data: bytes) -> None:
    card, faults = check_doorbell(BELL.id, data)
    assert faults or card is not None
    assert bool(faults) is (data != BELL.card.encode()) or (card is not None and card.key == BELL.card.key)


@given(spoilt(BELL.owner.card.encode()))
def test_any_bytes_in_the_place_of_an_owners_card_are_told(data: bytes) -> None:
    card, faults = check_owner(BELL.owner.card.key, data)
    assert faults or (card is not None and card.key == BELL.owner.card.key)

"""The doorbell's word of itself on its way out: on every connection once, at every change, and never for ever."""

from collections.abc import Iterator

import pytest

import ramdisk
from crafted import HEAD, Bell
from sealbell.spool import HEALTH
from sealbell.uplink.courier import WINDOW_PARTS
from sealbell_wire import sshsig, topics
from sealbell_wire.health import Beat, Health
from sealbell_wire.ids import ZERO_HASH
from streets import Street

S = 1_000_000


@pytest.fixture
def street() -> Iterator[Street]:
    with ramdisk.folder() as folder:
        street = Street(folder)
        yield street
        street.close()


def health(bell: Bell, number: int) -> Health:
    """A message whose frame and signature are right; what stands for the age file is filling."""
    text = Beat(bell.id, number, "b0" * 16, number, number, True, ZERO_HASH, ZERO_HASH, len(HEAD)).encode()
    beat = Beat(bell.id, number, "b0" * 16, number, number, True, ZERO_HASH, ZERO_HASH, len(HEAD))
    return Health(beat, text, sshsig.sign(bell.key, sshsig.HEALTH, text), HEAD)


def heard(street: Street) -> list[bytes]:
    """The health messages that reached the relay."""
    return [payload for topic, payload in street.relay.heard if topic == topics.health(street.bell.id)]


def test_health_leaves_at_once_when_it_is_committed(street: Street) -> None:
    street.live(S)
    street.outbox.commit_health(health(street.bell, 1))
    before_us = street.clock.now_us()
    street.turn(timeout_s=60)
    assert street.clock.now_us() == before_us, "the bell wakes it"
    street.live(30_000)
    assert heard(street) == [health(street.bell, 1).encode()]


def test_health_goes_out_once_on_every_connection_and_at_every_change_and_never_for_ever(street: Street) -> None:
    street.outbox.commit_health(health(street.bell, 1))
    street.live(3_600 * S, step_s=5)
    assert len(heard(street)) == 1, "an hour without a change"
    street.outbox.commit_health(health(street.bell, 2))
    street.live(S)
    assert len(heard(street)) == 2
    street.broker.cut()
    street.live(60 * S)
    assert heard(street) == [health(street.bell, number).encode() for number in (1, 2, 2)]


def test_health_is_not_held_up_by_a_full_window_of_parts(street: Street) -> None:
    street.relay.disk_full = True
    for _ in range(3):
        street.commit(*street.bell.spell("n" + "v" * WINDOW_PARTS))
    street.live(S)
    street.outbox.commit_health(health(street.bell, 1))
    street.live(100_000)
    assert len(heard(street)) == 1
    assert len(street.waiting) == 3 * (1 + WINDOW_PARTS), "nothing of the backlog was signed for"


def test_health_of_an_outage_is_told_as_it_stands_at_its_end(street: Street) -> None:
    street.broker.away = True
    for number in range(1, 6):
        street.outbox.commit_health(health(street.bell, number))
        street.live(60 * S, step_s=5)
    street.broker.away = False
    street.live(60 * S)
    assert heard(street) == [health(street.bell, 5).encode()]


def test_damaged_health_is_told_once_and_stops_nothing(street: Street, caplog: pytest.LogCaptureFixture) -> None:
    (street.folder / HEALTH).write_bytes(health(street.bell, 1).encode()[:-1])
    street.commit(*street.bell.spell("nivf"))
    street.live(10 * S)
    street.check_all_arrived_once()
    assert heard(street) == []
    assert caplog.text.count("health message in the outbox is damaged") == 1


def test_health_is_no_part_and_is_never_deleted(street: Street) -> None:
    street.outbox.commit_health(health(street.bell, 1))
    street.commit(*street.bell.spell("nivf"))
    street.live(10 * S)
    street.check_all_arrived_once()
    assert (street.folder / HEALTH).read_bytes() == health(street.bell, 1).encode()


def test_uplink_tells_of_its_connection(street: Street) -> None:
    assert not street.link.connected
    street.live(S)
    assert street.link.connected
    street.broker.away = True
    street.broker.cut()
    street.live(S)
    assert not street.link.connected

"""The whole uplink on a simulated relay: every receipt that counts, every one that does not, and an hour of outage."""

import logging
import select
import threading
from collections.abc import Iterator

import pytest

import ramdisk
from crafted import key_of
from sealbell.notify import Notifier
from sealbell.seams import Connected, Lost, Message
from sealbell.uplink.courier import REFUSED_US, UNHEARD_US
from sealbell.watch.outbox import Outbox
from sealbell_wire import topics
from sealbell_wire.part import Part
from sealbell_wire.receipt import Receipt
from simulator import RELAY_KEY, Weather
from streets import NO_CAP, Street

HOUR_US = 3_600_000_000
S = 1_000_000


@pytest.fixture
def street() -> Iterator[Street]:
    with ramdisk.folder() as folder:
        street = Street(folder)
        yield street
        street.close()


def receipt(part: Part, key_seed: int | None = None, **changes: object) -> Message:
    """A receipt for `part`, signed by the relay or by another key, in a message on its clip's topic."""
    record = part.record
    fields = {
        "doorbell": record.doorbell, "clip": record.clip, "seq": record.seq, "record": part.hash,
        "verdict": "stored", "reason": "-", "arrived_ms": 0, **changes,
    }  # fmt: skip
    signed = Receipt(**fields).sign(RELAY_KEY if key_seed is None else key_of(key_seed))  # type: ignore[arg-type]
    return Message(topics.receipt(record.doorbell, record.clip), signed)


def test_parts_arrive_and_are_deleted_but_the_newest(street: Street) -> None:
    street.commit(*street.bell.spell("nivvf"))
    street.live(S)
    street.check_all_arrived_once()
    street.commit(*street.bell.spell("n"))
    street.live(S)
    street.check_all_arrived_once()
    sent = [topic for topic, _ in street.relay.heard if "/part/" in topic]
    assert len(sent) == len(set(sent)) == 6, "nothing is sent twice where nothing is lost"


def test_part_leaves_at_once_when_it_is_committed(street: Street) -> None:
    street.live(S)
    street.commit(*street.bell.spell("n"))
    before_us = street.clock.now_us()
    street.turn(timeout_s=60)
    assert street.clock.now_us() == before_us, "the bell wakes it; it does not look around first"
    street.live(30_000)
    assert len(street.relay.kept) == 1


def test_what_the_relay_has_already_is_not_sent_again(street: Street) -> None:
    parts = street.bell.spell("nivvf")
    street.commit(*parts)
    for part in parts:
        street.relay.hear(topics.part(street.bell.id, part.record.clip, part.record.seq), part.encode())
    street.relay.heard.clear()
    street.live(S)
    street.check_all_arrived_once()
    assert [topic for topic, _ in street.relay.heard] == [topics.have(street.bell.id, parts[0].record.clip)]


@pytest.mark.parametrize(
    "changes",
    [
        {"record": "0" * 64},
        {"doorbell": "ab" * 16},
        {"seq": 1},
        {"clip": "ab" * 16},
        {"verdict": "refused", "reason": "too-large"},
    ],
)
def test_receipt_that_is_not_for_exactly_this_part_deletes_nothing(street: Street, changes: dict[str, object]) -> None:
    parts = street.bell.spell("nvf")
    street.commit(*parts)
    before = street.waiting
    street.hear(receipt(parts[0], **changes))
    street.uplink.turn([])
    assert street.waiting == before


def test_receipt_for_exactly_this_part_deletes_it_and_no_other(street: Street) -> None:
    parts = street.bell.spell("nvf")
    street.commit(*parts)
    street.hear(receipt(parts[1]))
    assert [entry.seq for entry in street.waiting] == [0, 2]


@pytest.mark.parametrize("seed", [1, 2, 51])
def test_receipt_signed_by_anyone_else_deletes_nothing(street: Street, seed: int) -> None:
    # 1 is the doorbell's own key: what it says itself is no proof either.
    parts = street.bell.spell("nvf")
    street.commit(*parts)
    street.hear(receipt(parts[0], key_seed=seed))
    assert len(street.waiting) == 3


def test_receipt_with_a_forged_one_beside_it_deletes_nothing(street: Street) -> None:
    parts = street.bell.spell("nvf")
    street.commit(*parts)
    good, forged = receipt(parts[0]), receipt(parts[1], key_seed=2)
    street.hear(Message(good.topic, good.payload + forged.payload))
    assert len(street.waiting) == 3, "a message is taken whole or not at all"


@pytest.mark.parametrize("topic", ["", "sb", "sb/1/00/x/dn/receipt/y", "\N{SKULL}" * 100, "a" * 200])
def test_receipt_on_a_strange_topic_deletes_nothing(street: Street, topic: str) -> None:
    parts = street.bell.spell("nvf")
    street.commit(*parts)
    street.hear(Message(topic, receipt(parts[0]).payload))
    assert len(street.waiting) == 3


@pytest.mark.parametrize("payload", [b"\0", b"SBR1", b"SBR1" + bytes(70), bytes(100_000), b"\xff" * 64])
def test_garbage_from_the_relay_is_logged_and_goes_no_further(
    street: Street, caplog: pytest.LogCaptureFixture, payload: bytes
) -> None:
    parts = street.bell.spell("nvf")
    street.commit(*parts)
    street.hear(Message(topics.receipt(street.bell.id, parts[0].record.clip), payload))
    assert len(street.waiting) == 3
    assert "counts for nothing" in caplog.text


def test_refused_part_stays_and_is_tried_again_much_later(street: Street) -> None:
    parts = street.bell.spell("nv")
    street.commit(*parts)
    street.hear(receipt(parts[0], verdict="refused", reason="too-large"))
    street.live(REFUSED_US // 2)
    assert {name[2] for name in street.relay.kept} == {1}
    street.live(2 * REFUSED_US)
    street.check_all_arrived_once()


def test_damaged_file_is_told_and_never_taken_for_delivered(street: Street, caplog: pytest.LogCaptureFixture) -> None:
    parts = street.bell.spell("nvf")
    street.commit(*parts)
    damaged = street.folder / street.waiting[1].name
    damaged.write_bytes(damaged.read_bytes()[:-100])
    street.hear(receipt(parts[1]))
    street.live(10 * S)
    assert [entry.seq for entry in street.waiting] == [1, 2]
    assert "damaged" in caplog.text


def test_restarted_uplink_goes_on_where_the_relay_is(street: Street) -> None:
    street.commit(*street.bell.spell("nivvvvvvvvf"))
    for _ in range(6):
        street.live(15_000)
        street.start_uplink()
    street.live(5 * S)
    street.check_all_arrived_once()


@pytest.mark.parametrize("away", ["broker", "broker that died", "relay", "disk"])
def test_an_hour_away_loses_nothing_and_everything_arrives_once_after_it(street: Street, away: str) -> None:
    street.commit(*street.bell.spell("nivvf"))
    street.live(200_000)
    match away:
        case "broker":
            street.broker.away = True
            street.broker.cut()
        case "broker that died":
            street.broker.die()
        case "relay":
            street.relay.away = True
        case "disk":
            street.relay.disk_full = True
    for _ in range(30):
        street.commit(*street.bell.spell("nivvvf"), pressed=bool(street.bell.counter % 3))
        street.live(HOUR_US // 30, step_s=5)
    assert len(street.waiting) >= 30 * 6
    street.broker.away = street.relay.away = street.relay.disk_full = False
    street.live(600 * S)
    street.check_all_arrived_once()


def test_newest_notice_is_the_first_thing_that_arrives_after_an_outage(street: Street) -> None:
    street.broker.weather = Weather(longest_us=1)
    street.broker.away = True
    for _ in range(12):
        street.commit(*street.bell.spell("nivvf"))
        street.live(60 * S, step_s=5)
    street.commit(*street.bell.spell("n"), pressed=True)
    street.broker.away = False
    street.live(30 * S)
    arrived = [topic for topic, _ in street.relay.heard if "/part/" in topic]
    assert arrived[0] == topics.part(street.bell.id, street.committed[-1].record.clip, 0)


@pytest.mark.parametrize("bytes_per_s", [60_000, 125_000, 250_000, 1_000_000])
def test_slow_line_carries_everything_once_and_a_ring_before_the_backlog(street: Street, bytes_per_s: int) -> None:
    street.broker.bytes_per_s = bytes_per_s
    for _ in range(4):
        street.bell.begin()
        street.commit(street.bell.add("n", 66_000), *[street.bell.add("v", 250_000) for _ in range(8)])
    street.live(5 * S)
    street.bell.begin()
    street.commit(street.bell.add("n", 66_000), pressed=True)
    rang_us, name = street.clock.now_us(), (street.bell.id, street.bell.clip[0].record.clip, 0)
    while name not in street.relay.kept:
        street.turn(0.1)
    waited_s = (street.clock.now_us() - rang_us) / 1e6
    assert waited_s < 1 + 1_316_000 / bytes_per_s, "it waits for what is under way alone"
    street.live(400 * S, step_s=5)
    street.check_all_arrived_once()
    carried = sum(len(part.encode()) for part in street.committed)
    assert street.broker.sent_bytes == carried, "a line that is slow loses nothing, so nothing is sent twice"


def test_part_lost_on_the_way_is_sent_again_while_others_arrive(street: Street) -> None:
    street.live(S)
    lost = street.bell.spell("n")[0]
    street.broker.weather = Weather(lose=1.0)
    street.commit(lost)
    street.live(100_000)
    street.broker.weather = Weather()
    began_us = street.clock.now_us()
    while (street.bell.id, lost.record.clip, 0) not in street.relay.kept:
        street.commit(street.bell.add("v"))
        street.live(S)
    assert street.clock.now_us() - began_us < 10 * S, "it is not waited for until everything else is silent"


def test_what_a_full_outbox_dropped_arrives_as_dropped(street: Street) -> None:
    street.outbox = Outbox(street.folder, 60_000, 0, street.bell.drop, lambda _: NO_CAP)
    street.broker.away = True
    for _ in range(4):
        street.commit(*street.bell.spell("nivvf"))
    street.broker.away = False
    street.live(60 * S)
    street.check_all_arrived_once()
    dropped = [kept.receipt.verdict for kept in street.relay.kept.values() if kept.part.sealed is None]
    assert len(dropped) == len(street.dropped) > 4
    assert set(dropped) == {"dropped"}


@pytest.mark.parametrize("seed", range(4))
def test_bad_weather_loses_nothing(seed: int) -> None:
    with ramdisk.folder() as folder:
        street = Street(folder, Weather(seed, lose=0.3, double=0.3, longest_us=3 * S))
        for _ in range(8):
            street.commit(*street.bell.spell("nivvf"))
            street.live(5 * S)
        street.live(HOUR_US)
        street.check_all_arrived_once()
        street.close()


def test_messages_beyond_the_window_wait_and_none_is_forgotten(street: Street) -> None:
    street.commit(*street.bell.spell("n" + "v" * 150 + "f"))
    street.live(30 * S)
    street.check_all_arrived_once()


def test_connection_and_loss_are_noticed_in_any_order(street: Street) -> None:
    street.commit(*street.bell.spell("nvf"))
    street.uplink.turn([Lost(), Connected(), Lost(), Lost()])
    street.live(10 * S)
    street.check_all_arrived_once()


def test_uplink_ends_when_it_is_told_to_or_everything_is_signed_for(street: Street) -> None:
    stopped = threading.Event()
    street.commit(*street.bell.spell("nvf"))
    street.uplink.run(stopped, Notifier(None), until_empty=True)
    assert len(street.relay.kept) == 3
    street.start_uplink()
    stopped.set()
    street.uplink.run(stopped, Notifier(None))


def test_bell_is_silenced_so_that_the_uplink_does_not_spin(street: Street) -> None:
    street.commit(*street.bell.spell("nvf"))
    street.live(S)
    assert street.fd is not None
    assert select.select([street.fd], [], [], 0)[0] == []


def test_relays_refusals_are_logged_in_words(street: Street, caplog: pytest.LogCaptureFixture) -> None:
    parts = street.bell.spell("nv")
    street.commit(*parts)
    with caplog.at_level(logging.WARNING):
        street.hear(receipt(parts[0], verdict="refused", reason="contradicts-neighbour"))
    assert "refused part 0" in caplog.text
    assert "contradicts-neighbour" in caplog.text


def test_doorbell_whose_parts_nobody_signs_for_says_so_once_and_until_somebody_does(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    street.relay.away = True  # the broker still takes everything
    street.commit(*street.bell.spell("nivvf"))
    street.live(S)
    assert street.link.connected
    street.live(UNHEARD_US)
    assert not street.link.connected
    street.live(UNHEARD_US)
    assert caplog.text.count("no relay signs for it") == 1
    street.relay.away = False
    street.live(300 * S)
    assert street.link.connected
    street.check_all_arrived_once()

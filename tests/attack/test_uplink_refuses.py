"""What a relay, a broker, or anyone who has got hold of either cannot make the doorbell do: forget what it holds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import bundles
import ramdisk
from crafted import Bell, key_of
from sealbell.home import HomeError, set_up
from sealbell.seams import Message
from sealbell.uplink.courier import REFUSED_US
from sealbell.uplink.outbox import OutboxReader
from sealbell_wire import sshsig, topics
from sealbell_wire.limits import MAX_RECEIPTS_PER_MESSAGE
from sealbell_wire.part import Part
from sealbell_wire.receipt import MAGIC, NO_REASON, Receipt
from sealbell_wire.statement import encode_statement
from simulator import RELAY_KEY
from streets import Street

S = 1_000_000


@pytest.fixture
def street() -> Iterator[Street]:
    """A doorbell that holds two clips of three parts, while the relay is away."""
    with ramdisk.folder() as folder:
        street = Street(folder)
        street.relay.away = True
        street.commit(*street.bell.spell("nvf"))
        street.commit(*street.bell.spell("nvf"))
        yield street
        street.close()


def stored(part: Part) -> Receipt:
    record = part.record
    return Receipt(record.doorbell, record.clip, record.seq, part.hash, "stored", NO_REASON, 0)


def message(receipt: Receipt, payload: bytes | None = None) -> Message:
    topic = topics.receipt(receipt.doorbell, receipt.clip)
    return Message(topic, receipt.sign(RELAY_KEY) if payload is None else payload)


def check_everything_is_still_there_and_arrives(street: Street) -> None:
    assert len(street.waiting) == 6
    street.relay.away = False
    street.live(REFUSED_US * 3, step_s=5)
    street.check_all_arrived_once()


def test_honest_receipt_is_taken(street: Street) -> None:
    """Without this the tests below would show nothing."""
    street.hear(message(stored(street.committed[0])))
    assert len(street.waiting) == 5


def test_nobody_but_the_relay_can_sign_a_receipt(street: Street) -> None:
    for seed in (1, 2, 9):
        receipt = stored(street.committed[0])
        street.hear(message(receipt, receipt.sign(key_of(seed))))
    check_everything_is_still_there_and_arrives(street)


def test_signature_for_another_purpose_is_no_receipt(street: Street) -> None:
    receipt = stored(street.committed[0])
    for namespace in (sshsig.PART, sshsig.DROPPED, sshsig.READERS):
        forged = encode_statement(MAGIC, receipt.encode(), sshsig.sign(RELAY_KEY, namespace, receipt.encode()))
        street.hear(message(receipt, forged))
    check_everything_is_still_there_and_arrives(street)


def test_changed_byte_anywhere_makes_a_receipt_worthless(street: Street) -> None:
    receipt = stored(street.committed[0])
    signed = receipt.sign(RELAY_KEY)
    street.hear(
        *[message(receipt, signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]) for at in range(len(signed))]
    )
    street.hear(*[message(receipt, signed[:cut]) for cut in range(len(signed))])
    street.hear(message(receipt, signed + b"\0"))
    check_everything_is_still_there_and_arrives(street)


def test_receipt_of_another_doorbells_part_deletes_nothing_here(street: Street) -> None:
    other = Bell(seed=2).spell("nvf")[0]
    assert (other.record.clip, other.record.seq) == (street.committed[0].record.clip, 0), "the same names"
    mine = topics.receipt(street.bell.id, other.record.clip)
    street.hear(message(stored(other)), Message(mine, stored(other).sign(RELAY_KEY)))
    street.hear(message(replace(stored(other), doorbell=street.bell.id)))
    street.hear(Message(mine, replace(stored(street.committed[0]), doorbell=other.record.doorbell).sign(RELAY_KEY)))
    check_everything_is_still_there_and_arrives(street)


def test_receipt_under_another_clips_topic_deletes_nothing(street: Street) -> None:
    first, second = street.committed[0], street.committed[3]
    street.hear(Message(topics.receipt(street.bell.id, second.record.clip), stored(first).sign(RELAY_KEY)))
    check_everything_is_still_there_and_arrives(street)


def test_receipt_of_one_part_deletes_no_other(street: Street) -> None:
    first, second = street.committed[0], street.committed[1]
    street.hear(message(replace(stored(first), record=second.hash)))
    street.hear(message(replace(stored(second), record=first.hash)))
    check_everything_is_still_there_and_arrives(street)


def test_relay_that_calls_a_whole_part_dropped_does_not_make_it_so(street: Street) -> None:
    street.hear(message(replace(stored(street.committed[1]), verdict="dropped")))
    check_everything_is_still_there_and_arrives(street)


def test_relay_that_refuses_everything_deletes_nothing_and_is_asked_again(street: Street) -> None:
    for part in street.committed:
        street.hear(message(replace(stored(part), verdict="refused", reason="too-large")))
    check_everything_is_still_there_and_arrives(street)


def test_old_receipt_played_again_deletes_nothing_new(street: Street) -> None:
    old = [message(stored(part)) for part in street.committed[:3]]
    street.hear(*old)
    assert len(street.waiting) == 3
    street.commit(*street.bell.spell("nvf"))
    before = street.waiting
    street.hear(*old, *old)
    assert street.waiting == before


def test_more_receipts_than_a_message_may_hold_are_taken_for_none(street: Street) -> None:
    signed = stored(street.committed[0]).sign(RELAY_KEY)
    receipt = stored(street.committed[0])
    street.hear(message(receipt, signed * (MAX_RECEIPTS_PER_MESSAGE + 1)))
    assert len(street.waiting) == 6
    street.hear(message(receipt, signed * MAX_RECEIPTS_PER_MESSAGE))
    assert len(street.waiting) == 5


def test_receipt_that_announces_more_than_it_holds_is_refused(street: Street) -> None:
    receipt = stored(street.committed[0])
    street.hear(message(receipt, MAGIC + b"\xff\xff" + receipt.encode()))
    street.hear(message(receipt, MAGIC + b"\x00\x00" + receipt.encode()))
    check_everything_is_still_there_and_arrives(street)


@pytest.mark.parametrize("topic", ["dn/order/1", "dn/receipt", "up/part/x/0", "dn/receipt/x/y", "dn/RECEIPT/z"])
def test_topic_that_is_not_a_clips_receipts_counts_for_nothing(street: Street, topic: str) -> None:
    base = topics.down_filter(street.bell.id).removesuffix("dn/#")
    street.hear(Message(base + topic, stored(street.committed[0]).sign(RELAY_KEY)))
    check_everything_is_still_there_and_arrives(street)


def test_newest_part_stays_even_when_the_relay_has_signed_for_it(street: Street) -> None:
    street.hear(*[message(stored(part)) for part in street.committed])
    assert [entry.seq for entry in street.waiting] == [2], "so that a cut end shows when the doorbell is heard again"
    assert OutboxReader(street.folder).entries() == street.waiting


def test_relay_cannot_write_what_it_likes_into_the_log(street: Street, caplog: pytest.LogCaptureFixture) -> None:
    receipt = replace(stored(street.committed[0]), verdict="refused", reason="a\x1b[2J\nerror: all is well")
    street.hear(message(receipt))
    street.hear(Message("sb/\x1b[2J", b"\x1b[2J"), message(stored(street.committed[1]), b"\x1b[2J" * 100))
    assert "\x1b" not in caplog.text
    assert "all is well" not in caplog.text


@pytest.mark.parametrize(
    "key",
    [
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    ],
)
def test_receipt_key_under_which_any_signature_fits_is_not_pinned(tmp_path: Path, key: str) -> None:
    bundle = bundles.write(tmp_path, replace(bundles.RELAY, receipt_key=key))
    with pytest.raises(HomeError, match="small order"):
        set_up(tmp_path / "doorbell", bundle, bytes)

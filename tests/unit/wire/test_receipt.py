"""A doorbell deletes on a receipt that verifies, and on nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire import receipt, sshsig
from sealbell_wire.errors import FormatError, SignatureError
from sealbell_wire.limits import MAX_INTEGER, MAX_PART_BYTES, MAX_RECEIPTS_PER_MESSAGE, MAX_SEQ, MAX_STATEMENT_BYTES
from sealbell_wire.statement import encode_statement, take_statement
from unit.wire.samples import DOORBELL, RELAY, hashes, names, numbers

RELAY_KEY = sshsig.verify_key_of(RELAY)
words = st.from_regex(r"[a-z]{1,9}(-[a-z]{1,9}){0,7}", fullmatch=True)
verdicts = st.sampled_from(["stored", "dropped"]).map(lambda verdict: (verdict, "-")) | words.map(
    lambda reason: ("refused", reason)
)
receipts = st.builds(
    lambda doorbell, clip, seq, record, verdict, arrived_ms: receipt.Receipt(
        doorbell, clip, seq, record, *verdict, arrived_ms
    ),
    names, names, st.integers(0, MAX_SEQ), hashes, verdicts, numbers,
)  # fmt: skip


@given(st.lists(receipts, max_size=4))
def test_the_doorbell_reads_what_the_relay_signed(sent: list[receipt.Receipt]) -> None:
    message = b"".join(one.sign(RELAY) for one in sent)
    assert receipt.read_receipts(message, RELAY_KEY) == sent


@given(receipts)
def test_nobody_else_can_make_a_receipt(one: receipt.Receipt) -> None:
    with pytest.raises(SignatureError):
        receipt.read_receipts(one.sign(DOORBELL), RELAY_KEY)


@given(receipts, st.data())
def test_any_changed_byte_is_refused(one: receipt.Receipt, data: st.DataObject) -> None:
    message = bytearray(one.sign(RELAY))
    message[data.draw(st.integers(0, len(message) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises((FormatError, SignatureError)):
        receipt.read_receipts(bytes(message), RELAY_KEY)


@given(receipts, receipts)
def test_a_message_is_taken_whole_or_not_at_all(good: receipt.Receipt, forged: receipt.Receipt) -> None:
    for message in (good.sign(RELAY) + forged.sign(DOORBELL), forged.sign(DOORBELL) + good.sign(RELAY)):
        with pytest.raises(SignatureError):
            receipt.read_receipts(message, RELAY_KEY)


def test_an_empty_answer_is_no_receipt() -> None:
    assert receipt.read_receipts(b"", RELAY_KEY) == []


def test_a_message_holds_a_bounded_number() -> None:
    one = receipt.Receipt("00" * 16, "11" * 16, 1, "22" * 32, "stored", receipt.NO_REASON, 1).sign(RELAY)
    assert len(receipt.read_receipts(one * MAX_RECEIPTS_PER_MESSAGE, RELAY_KEY)) == MAX_RECEIPTS_PER_MESSAGE
    with pytest.raises(FormatError, match="more than 1024"):
        receipt.read_receipts(one * (MAX_RECEIPTS_PER_MESSAGE + 1), RELAY_KEY)


def test_a_full_message_of_receipts_fits_into_a_message() -> None:
    largest = receipt.Receipt("00" * 16, "11" * 16, MAX_SEQ, "22" * 32, "stored", receipt.NO_REASON, MAX_INTEGER)
    assert len(largest.sign(RELAY)) * MAX_RECEIPTS_PER_MESSAGE < MAX_PART_BYTES


@given(st.binary(max_size=200), st.binary(min_size=64, max_size=64), st.binary(max_size=20))
def test_a_statement_arrives_as_it_was_sent(text: bytes, signature: bytes, after: bytes) -> None:
    assert take_statement(encode_statement(b"SBR1", text, signature) + after, b"SBR1") == (text, signature, after)


def test_a_statement_over_its_limit_is_never_written() -> None:
    with pytest.raises(ValueError, match="longer than"):
        encode_statement(b"SBR1", bytes(MAX_STATEMENT_BYTES + 1), bytes(64))

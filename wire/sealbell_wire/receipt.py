"""The relay's signed word on one part: stored, when it arrived, or refused and why (SPEC 7).

A receipt speaks of exactly one record by its hash, so it can be kept beside the part as evidence of its arrival, and
a doorbell that lost its connection asks for all of them again (`have`).
"""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import sshsig
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_hash, check_id
from sealbell_wire.limits import MAX_RECEIPTS_PER_MESSAGE, MAX_RECORD_BYTES, MAX_SEQ
from sealbell_wire.lines import LineReader, encode_lines
from sealbell_wire.statement import encode_statement, take_statement

VERSION = "sealbell-receipt-v1"
MAGIC = b"SBR1"
NO_REASON = "-"
_REASON = re.compile(r"[a-z]+(-[a-z]+){0,7}\Z", re.ASCII)

Verdict = Literal["stored", "dropped", "deleted", "refused"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """`record` is the hash of the record; `arrived_ms` the relay's Unix milliseconds.

    `reason` is words-with-hyphens for a refusal, else NO_REASON.
    """

    doorbell: str
    clip: str
    seq: int
    record: str
    verdict: Verdict
    reason: str
    arrived_ms: int

    def encode(self) -> bytes:
        """Return the text that is signed."""
        return encode_lines(
            VERSION,
            [
                ("doorbell", self.doorbell),
                ("clip", self.clip),
                ("seq", str(self.seq)),
                ("record", self.record),
                ("verdict", self.verdict),
                ("reason", self.reason),
                ("arrived", str(self.arrived_ms)),
            ],
        )

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """Return the signed frame."""
        text = self.encode()
        return encode_statement(MAGIC, text, sshsig.sign(key, sshsig.RECEIPT, text))


def parse_receipt(text: bytes) -> Receipt:
    """Parse the text of a receipt; FormatError on anything but the grammar."""
    lines = LineReader(text, VERSION, MAX_RECORD_BYTES)
    doorbell = check_id(lines.take("doorbell"), "receipt's doorbell")
    clip = check_id(lines.take("clip"), "receipt's clip")
    seq = lines.number("seq", MAX_SEQ)
    record = check_hash(lines.take("record"), "receipt's record")
    verdict = lines.take("verdict")
    if verdict not in get_args(Verdict):
        raise FormatError("receipt: verdict is not stored, dropped, deleted or refused")
    reason = lines.take("reason")
    if not (_REASON.match(reason) if verdict == "refused" else reason == NO_REASON):
        raise FormatError("receipt: only a refusal has a reason, in words joined by hyphens")
    arrived_ms = lines.number("arrived")
    lines.end()
    return Receipt(doorbell, clip, seq, record, cast(Verdict, verdict), reason, arrived_ms)


def read_receipts(message: bytes, relay_key: bytes) -> list[Receipt]:
    """Return every receipt in a message, each verified under the relay's receipt key.

    Raises FormatError or SignatureError if any one of them does not hold: a message is taken whole or not at all.
    """
    receipts: list[Receipt] = []
    while message:
        if len(receipts) == MAX_RECEIPTS_PER_MESSAGE:
            raise FormatError(f"receipt: more than {MAX_RECEIPTS_PER_MESSAGE} in one message")
        text, signature, message = take_statement(message, MAGIC)
        sshsig.verify(relay_key, sshsig.RECEIPT, text, signature)
        receipts.append(parse_receipt(text))
    return receipts

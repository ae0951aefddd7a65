"""Takes messages from doorbells: looks up what the rules need, keeps what they allow, and signs what came of it.

Synchronous and blocking: it runs in worker threads, one message of a doorbell at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_relay.errors import DamagedError, StoreError
from sealbell_relay.follow.hub import Stored
from sealbell_relay.follow.noticed import Noticed
from sealbell_relay.intake.ingest import Refuse, Resend, Verdict, admit, judge, prove
from sealbell_relay.intake.neighbours import Neighbours
from sealbell_relay.keep.quota import Quota
from sealbell_relay.store.archive import Archive, arrived_ms
from sealbell_relay.store.stored import Link
from sealbell_relay.tenants.allow import Register
from sealbell_wire.ids import ZERO_HASH, ZERO_ID
from sealbell_wire.limits import MAX_RECEIPTS_PER_MESSAGE
from sealbell_wire.part import Part
from sealbell_wire.receipt import NO_REASON, Receipt
from sealbell_wire.receipt import Verdict as ReceiptVerdict
from sealbell_wire.record import Record
from sealbell_wire.topics import UpTopic

MAX_ANSWER_BYTES = 900_000  # of receipts a message: below what any broker that carries parts lets through


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a part: `receipt` to send (None for a stranger), and what was stored or why it was refused.

    `ends` if the clip's final part is stored now, though others may be missing.
    """

    receipt: bytes | None
    stored: Stored | None = None
    refused: Refuse | None = None
    ends: bool = False


class Intake:
    """One relay's way of taking parts. `wall_ms` returns Unix milliseconds."""

    def __init__(
        self,
        archive: Archive,
        register: Register,
        key: Ed25519PrivateKey,
        wall_ms: Callable[[], int],
        quota: Quota | None = None,
    ) -> None:
        self._archive = archive
        self._register = register
        self._neighbours = Neighbours(archive)
        self._key = key
        self._wall_ms = wall_ms
        self._quota = quota

    def take(self, topic: UpTopic, message: bytes) -> Outcome:
        """Judge one message on a `part` topic and keep it if the rules say so.

        StoreError if the store fails: then nothing may be said to the doorbell, which tries again later.
        """
        return self.take_all([(topic, message)])[0]

    def take_all(self, messages: Sequence[tuple[UpTopic, bytes]]) -> list[Outcome]:
        """Do the same with several in turn, and wait for the disk once for all of a clip.

        StoreError if the store fails: then nothing may be said of any of them. Take them again one by one.
        """
        taken = [self._take(topic, message) for topic, message in messages]
        clips = {(kept.record.doorbell, kept.record.clip) for _, kept in taken if kept}
        for bell in {doorbell for doorbell, _ in clips}:
            self._archive.settle(bell, *(clip for doorbell, clip in clips if doorbell == bell))
        self._archive.notices.add(*filter(None, (_noticed(outcome, kept) for outcome, kept in taken)))
        # Asked once more: whoever deleted a clip may have listed it before these parts were there.
        ended = {named for named in clips if self._archive.ended(*named)}
        return [self._unless_ended(outcome, kept, ended) for outcome, kept in taken]

    def _unless_ended(self, outcome: Outcome, kept: Link | None, ended: set[tuple[str, str]]) -> Outcome:
        if kept is not None and (kept.record.doorbell, kept.record.clip) in ended:
            return self._deleted(kept.record, kept.hash)
        return outcome

    def _take(self, topic: UpTopic, message: bytes) -> tuple[Outcome, Link | None]:
        """Return what became of a message, and what is now kept under its name, if anything: perhaps not durably."""
        card = self._register.doorbell(topic.doorbell)
        if card is None:
            refuse = Refuse("unknown-doorbell", "it is not enrolled here", proven=False)
            return Outcome(None, refused=refuse), None
        part = admit(topic, message)
        if isinstance(part, Refuse):
            return self._refused(topic, part, ZERO_HASH), None
        if forged := prove(part, bytes.fromhex(card.key)):
            return self._refused(topic, forged, part.hash), None
        clip = part.record.clip
        if self._may_have_ended(part.record) and self._archive.ended(topic.doorbell, clip):
            return self._deleted(part.record, part.hash), None
        try:
            return self._keep(topic, card.owner, part, message)
        except DamagedError:  # what is remembered of the clip may have been removed by another relay
            self._neighbours.forget(topic.doorbell, clip)
            return self._keep(topic, card.owner, part, message)

    def _may_have_ended(self, record: Record) -> bool:
        """Whether to ask before a part is stored: that only saves work. What counts is to be asked after it.

        But a quota removes other clips to make room, which it must not for one that has ended.
        """
        clip = record.doorbell, record.clip
        if self._neighbours.remembers(*clip):
            return False
        begins = record.seq == 0 and self._neighbours.begins(*clip)
        return not begins or (self._quota is not None and self._quota.limits.any)

    def forget(self, doorbell: str, clip: str) -> None:
        """Look at the store again before the next part of a clip: some of it was removed."""
        self._neighbours.forget(doorbell, clip)

    def forget_all(self) -> None:
        """Look at the store again before the next part of any clip: another relay may have stored some of it.

        A part that is in a pack has its own name free again, and would be stored a second time.
        """
        self._neighbours.forget_all()

    def have(self, topic: UpTopic) -> list[bytes]:
        """Return the stored receipts of the clip in a `have` topic as messages; one empty message if there are none.

        StoreError if the store fails.
        """
        clip = topic.clip or ""
        if self._register.doorbell(topic.doorbell) is None:
            return []
        names = self._archive.names(topic.doorbell, clip)
        if names:
            self._archive.settle(topic.doorbell, clip)
        return batches([self._archive.receipt(topic.doorbell, clip, name.seq, name.dropped) for name in names])

    def _keep(self, topic: UpTopic, owner: str, part: Part, message: bytes) -> tuple[Outcome, Link | None]:
        record, dropped = part.record, part.sealed is None
        for _ in range(2):
            around = self._neighbours.around(record.doorbell, record.clip, record.seq)
            verdict: Verdict = judge(part, around)
            if isinstance(verdict, Refuse):
                return self._refused(topic, verdict, part.hash), None
            if isinstance(verdict, Resend):
                return self._kept_already(verdict.kept), verdict.kept
            receipt = self._receipt(topic, part.hash, "dropped" if dropped else "stored", NO_REASON)
            data, new = message + receipt, around.highest is None
            if self._quota is not None and not self._quota.admit(owner, record.clip, len(data), new=new):
                refuse = Refuse("over-quota", "its owner's quota is full", proven=True)
                return self._refused(topic, refuse, part.hash), None
            if self._archive.stage(record.doorbell, record.clip, record.seq, dropped, data):
                if self._quota is not None:
                    self._quota.note(owner, len(data), int(new))
                kept = Link(record, part.hash, dropped)
                self._neighbours.add(kept)
                ends = record.final or (around.highest is not None and around.highest.record.final)
                return Outcome(receipt, Stored(record.clip, record.seq, dropped, data), ends=ends), kept
            self._neighbours.doubt(record.doorbell, record.clip)  # someone else stored one of this name: look again
        raise StoreError(f"the store says that part {record.seq} is there, and does not show it")

    def _kept_already(self, kept: Link) -> Outcome:
        record = kept.record
        return Outcome(self._archive.receipt(record.doorbell, record.clip, record.seq, kept.dropped))

    def _deleted(self, record: Record, record_hash: str) -> Outcome:
        self._archive.remove_all(record.doorbell, record.clip)
        self._neighbours.forget(record.doorbell, record.clip)
        topic = UpTopic(record.doorbell, "part", record.clip, record.seq)
        return Outcome(self._receipt(topic, record_hash, "deleted", NO_REASON))

    def _refused(self, topic: UpTopic, refuse: Refuse, record_hash: str) -> Outcome:
        named = record_hash if refuse.proven else ZERO_HASH
        return Outcome(self._receipt(topic, named, "refused", refuse.reason), refused=refuse)

    def _receipt(self, topic: UpTopic, record_hash: str, verdict: ReceiptVerdict, reason: str) -> bytes:
        clip, seq = topic.clip or ZERO_ID, topic.seq or 0
        return Receipt(topic.doorbell, clip, seq, record_hash, verdict, reason, self._wall_ms()).sign(self._key)


def _noticed(outcome: Outcome, kept: Link | None) -> Noticed | None:
    if kept is None or kept.dropped or kept.record.kind != "notice" or outcome.receipt is None:
        return None
    return Noticed(arrived_ms(outcome.receipt), kept.record.doorbell, kept.record.clip, kept.record.seq)


def batches(receipts: list[bytes]) -> list[bytes]:
    """Join receipts into as few messages as hold them; none make one empty message, which is an answer, too."""
    messages, last, count = [], b"", 0
    for receipt in receipts:
        if count == MAX_RECEIPTS_PER_MESSAGE or len(last) + len(receipt) > MAX_ANSWER_BYTES:
            messages.append(last)
            last, count = b"", 0
        last += receipt
        count += 1
    return [*messages, last]

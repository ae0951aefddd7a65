"""One clip as far as it is held: parts in, in any order, each verified on its own, against its neighbours and the end.

Theory. A part is taken only if all of this holds: its frame and receipt parse; the relay's receipt is of this very
record; the doorbell's signature fits record, head and body; it is of this clip; it joins the parts held beside it;
kinds come in a clip's order; nothing lies beyond a signed end; the seal opens; the plaintext says that it belongs to
this doorbell, clip and place; and its hash is the manifest's, if that is held (if the manifest comes later, it is
checked against all parts held). What is refused leaves the state as it was. So at any moment the parts held are true;
what is missing or was dropped is known by its number; and without a manifest the clip is interrupted, whoever may
have cut it. That the end was not cut by the relay shows only in the clip after (history.py).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sealbell_owner import fragments
from sealbell_owner.history import Seen
from sealbell_owner.stored import SignedReceipt, parse_stored
from sealbell_wire import chain
from sealbell_wire.age.keys import Identity
from sealbell_wire.content import Init, Manifest, Notice, Trigger, TriggerKind
from sealbell_wire.errors import ContradictionError, FormatError
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.opening import Content, open_part
from sealbell_wire.part import Part, verify_part
from sealbell_wire.record import Kind, Record

_MS_PER_S = 1_000


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the owner believes: the doorbell's signing key, the relay's receipt key (32 bytes each), own identities."""

    doorbell_key: bytes
    relay_key: bytes
    identities: Sequence[Identity] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Held:
    """A part that was taken. `digest` is SHA-256 of its plaintext, None if it was dropped; `ticks` its duration."""

    record: Record
    hash: str
    arrived_ms: int
    digest: str | None
    ticks: int


@dataclass(frozen=True, slots=True)
class Opened:
    """What a stored object turned out to be. `plaintext` is None if the part was dropped by a full outbox."""

    part: Part
    receipt: SignedReceipt
    plaintext: bytes | None
    content: Content


class Clip:
    """A clip of one doorbell, growing part by part."""

    def __init__(self, clip: str, trust: Trust) -> None:
        self.clip = clip
        self.init: Init | None = None
        self.manifest: Manifest | None = None
        self.notices: dict[int, Notice] = {}
        self.faults: list[str] = []
        self._trust = trust
        self._held: dict[int, Held] = {}
        self._kinds: list[Kind] = []
        self._newest_seq = self._known_seq = -1
        self._init_seq: int | None = None
        self._timescale_hz = 0

    def take(self, stored: bytes) -> Opened | None:
        """Verify, open and keep one stored object; None if this very part is already held.

        Raises WireError, and then nothing has changed.
        """
        part, receipt = parse_stored(stored, self._trust.relay_key)
        verify_part(part, self._trust.doorbell_key)
        record = part.record
        if record.clip != self.clip:
            raise ContradictionError(f"part {record.seq} is of another clip")
        known = self._held.get(record.seq)
        if known and known.hash != part.hash:
            raise ContradictionError(f"the doorbell signed two parts {record.seq} of this clip")
        if known and (known.digest or part.sealed is None):
            return None
        self._check_place(record, part.hash)
        kinds = self._check_kinds(record)
        plaintext, content = None, None
        if part.sealed is not None:
            plaintext, content = open_part(part, self._trust.doorbell_key, self._trust.identities)
        digest = None if plaintext is None else hashlib.sha256(plaintext).hexdigest()
        self._check_manifest(record.seq, digest, content)
        opened = Opened(part, receipt, plaintext, content)
        self._held[record.seq] = Held(record, part.hash, receipt.receipt.arrived_ms, digest, self._ticks(opened))
        self._kinds += kinds
        self._keep(record.seq, content)
        return opened

    def expect(self, seq: int) -> None:
        """Note that a part of this number was signed, so that it reads as missing if it does not come."""
        self._known_seq = max(self._known_seq, seq)

    @property
    def held(self) -> Mapping[int, Held]:
        """The parts held by number, dropped ones included, in no order."""
        return self._held

    @property
    def first(self) -> Held | None:
        """The part of seq 0."""
        return self._held.get(0)

    @property
    def newest(self) -> Held | None:
        """The part of the highest seq."""
        return self._held.get(self._newest_seq)

    @property
    def interrupted(self) -> bool:
        """Whether the clip's signed end is not held."""
        return self.manifest is None

    @property
    def dropped(self) -> list[int]:
        """Parts that a full outbox dropped, by their signed word or by the manifest's."""
        told = self.manifest.dropped if self.manifest else ()
        gone = {seq for seq in told if seq not in self._held}
        return sorted(gone | {seq for seq, held in self._held.items() if held.digest is None})

    @property
    def missing(self) -> list[int]:
        """Parts that must exist, and are neither held nor known to be dropped."""
        absent = set(range(max(self._known_seq, self._newest_seq) + 1)) - self._held.keys()
        return sorted(absent.difference(self.dropped))

    @property
    def verified(self) -> bool:
        """Whether nothing was refused and nothing is missing between the first part and the newest one."""
        return bool(self._held) and not self.faults and not self.missing

    @property
    def triggers(self) -> list[Trigger]:
        """What triggered the clip: by its manifest, or else by the notices held."""
        if self.manifest:
            return list(self.manifest.triggers)
        return [
            Trigger(notice.trigger, notice.monotonic_ms, notice.monotonic_ms)
            for _, notice in sorted(self.notices.items())
            if notice.trigger != "update"
        ]

    @property
    def trigger(self) -> TriggerKind | None:
        """What began the clip: by its first notice, or else by its manifest."""
        first = self.notices.get(0)
        if first and first.trigger != "update":
            return first.trigger
        return self.triggers[0].kind if self.triggers else None

    @property
    def alert(self) -> bool | None:
        """Whether the doorbell called the owner as the clip began; None if its first notice is not held."""
        return self.notices[0].alert if 0 in self.notices else None

    @property
    def readers(self) -> set[str]:
        """The hashes of the readers documents that the parts held say were in force."""
        named = {notice.readers for notice in self.notices.values()}
        return named | ({self.init.readers} if self.init else set())

    @property
    def span_ms(self) -> tuple[int, int] | None:
        """Begin and end of the pictures in the doorbell's monotonic ms: the manifest's, or else an estimate.

        The estimate goes from the header's record to the newest fragment's plus how long that lasts.
        """
        if self.manifest:
            return self.manifest.start_ms, self.manifest.end_ms
        if not self._held:
            return None
        start = self._held[min(self._held) if self._init_seq is None else self._init_seq]
        end = self._last_media() or start
        return start.record.monotonic_ms, end.record.monotonic_ms + self._lasts_ms(end)

    @property
    def last_moment_ms(self) -> int | None:
        """Where an interrupted clip ends, in the doorbell's wall time (Unix ms); None if it has its end."""
        last = self._last_media() or self.newest
        if self.manifest or last is None:
            return None
        return last.record.wall_ms + self._lasts_ms(last)

    def as_seen(self) -> Seen | None:
        """Return what is to be remembered of the clip."""
        newest = self.newest
        if newest is None:
            return None
        counter = self.first.record.counter if self.first else None
        first = self.first.hash if self.first else ZERO_HASH
        return Seen(self.clip, counter or 0, first, newest.record.seq, newest.hash, newest.record.final)

    def _check_place(self, record: Record, record_hash: str) -> None:
        before, after = self._held.get(record.seq - 1), self._held.get(record.seq + 1)
        if before:
            chain.check_joins(before.record, before.hash, record)
        if after:
            chain.check_joins(record, record_hash, after.record)
        if self.newest:
            early, late = sorted((self.newest.record, record), key=lambda r: r.seq)
            if early.final and late.seq > early.seq:
                raise ContradictionError(f"part {late.seq} comes after the signed end of its clip")

    def _check_kinds(self, record: Record) -> list[Kind]:
        """Return the kinds by which the parts without a hole, from 0 on, grow if `record` is taken."""
        if record.seq != len(self._kinds):
            return []
        kinds = [record.kind]
        while held := self._held.get(record.seq + len(kinds)):
            kinds.append(held.record.kind)
        chain.check_kinds([*self._kinds, *kinds])
        return kinds

    def _check_manifest(self, seq: int, digest: str | None, content: Content) -> None:
        if isinstance(content, Manifest):
            listed = [(held_seq, held.digest, content.parts[held_seq]) for held_seq, held in self._held.items()]
        elif self.manifest and digest:
            listed = [(seq, digest, self.manifest.parts[seq])]
        else:
            return
        for of_seq, held_digest, listed_digest in listed:
            if held_digest is not None and held_digest != listed_digest:
                raise ContradictionError(f"the manifest lists another part {of_seq} than the one that was signed")

    def _ticks(self, opened: Opened) -> int:
        kind, plaintext = opened.part.record.kind, opened.plaintext or b""
        try:
            if kind == "init":
                self._timescale_hz = fragments.timescale_hz(plaintext)
            return fragments.duration_ticks(plaintext) if kind == "media" else 0
        except FormatError:
            return 0  # the doorbell signed it, so it is kept; only an estimate is lost

    def _keep(self, seq: int, content: Content) -> None:
        self._newest_seq = max(self._newest_seq, seq)
        match content:
            case Notice():
                self.notices[seq] = content
            case Init():
                self.init, self._init_seq = content, seq
            case Manifest():
                self.manifest = content

    def _last_media(self) -> Held | None:
        media = [seq for seq, held in self._held.items() if held.record.kind == "media" and held.digest]
        return self._held[max(media)] if media else None

    def _lasts_ms(self, held: Held) -> int:
        return held.ticks * _MS_PER_S // self._timescale_hz if self._timescale_hz else 0

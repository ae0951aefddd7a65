"""Drafts into parts: sealed to the readers, signed, chained, committed (wire/SPEC.md 5, 6, 9).

The chain moves on only with a commit. What cannot be committed is either owed (notices and headers: tried again
before anything else) or lost and counted (pictures), so that a disk that comes back finds a chain that still joins.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell.items import ClipBegins, ClipEnds, Condition, Draft, HealthDraft, InitDraft, MediaDraft, NoticeDraft
from sealbell.seams import Clock
from sealbell.spool import Entry, OutboxError
from sealbell.watch.heads import Heads
from sealbell.watch.health_sealer import HealthPost, HealthSealer
from sealbell_wire import content, sealing
from sealbell_wire.age.decoy import PostQuantumRecipient
from sealbell_wire.age.file import Head
from sealbell_wire.content import Init, Manifest, Notice, Place
from sealbell_wire.ids import CLIP_RANDOM_BYTES, ZERO_HASH, new_clip_id
from sealbell_wire.limits import MAX_SEQ
from sealbell_wire.part import Part
from sealbell_wire.record import Kind, Record
from sealbell_wire.report import Tip
from sealbell_wire.sshsig import verify_key_of

MAX_OWED_DRAFTS = 32
_log = logging.getLogger(__name__)


SealPart = Callable[[sealing.Draft, Head, Ed25519PrivateKey], Part]


class Post(HealthPost, Protocol):
    """Where parts are committed."""

    def newest(self) -> tuple[Entry, Part | None] | None:
        """Return the newest committed part; no part where its file is spoilt and its record is lost."""

    def commit(self, part: Part, *, pressed: bool, counter: int) -> list[Entry]:
        """Commit a part; return what was dropped for it. OutboxError if nothing can be committed."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may open: recipients filled up to a multiple of four, and the hash of the document that names them."""

    recipients: Sequence[PostQuantumRecipient]
    hash: str


@dataclass(slots=True)
class _Clip:
    clip: str
    counter: int
    continues: str | None
    seq: int = 0
    prev: str = ZERO_HASH
    pressed: bool = False
    has_init: bool = False
    plaintexts: list[str] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    lost: int = 0


class Sealer:
    """A stage: takes drafts in order, commits parts."""

    def __init__(
        self,
        key: Ed25519PrivateKey,
        readers: Readers,
        firmware: str,
        clock: Clock,
        post: Post,
        random_bytes: Callable[[int], bytes],
        seal: SealPart = sealing.seal_part,
        tell: Callable[[Condition], None] = lambda _: None,
    ) -> None:
        """`tell` is told of each trouble with the outbox as it begins and ends."""
        self._key = key
        self._doorbell_key = verify_key_of(key).hex()
        self._doorbell = hashlib.sha256(verify_key_of(key)).hexdigest()[:32]
        self._readers = readers
        self._heads = Heads(readers.recipients)
        self._firmware = firmware
        self._clock = clock
        self._post = post
        self._random_bytes = random_bytes
        self._seal_part = seal
        self._owed: list[NoticeDraft | InitDraft] = []
        self._clip: _Clip | None = None
        self._ended: str | None = None
        self._dropped = 0
        self._tip = Tip()
        if newest := post.newest():
            entry, part = newest
            self._tip = Tip(entry.counter, entry.clip, entry.seq, part.hash if part else ZERO_HASH)
        self._health = HealthSealer(key, self._heads.take, readers.hash, firmware, clock, post, tell)

    def prepare(self) -> bool:
        """Do ahead of the next parts what does not depend on them, one head a call; return whether one was missing."""
        return self._heads.prepare()

    def step(self, draft: Draft) -> None:
        """Seal and commit what `draft` asks for. A full or broken disk raises nothing: it is logged and counted."""
        match draft:
            case ClipBegins():
                self._owed.clear()
                self._begin(continues=draft.continues)
            case NoticeDraft() | InitDraft():
                self._owe(draft)
                self._pay()
            case MediaDraft():
                if not (self._pay() and self._current().has_init and self._media(draft)):
                    self._current().lost += draft.pictures
            case ClipEnds():
                self._end(draft)
            case HealthDraft():
                self._health.step(draft, self._tip, self._dropped)

    def _begin(self, *, continues: bool) -> None:
        # The number and name count only once a part of the clip is committed.
        wall_ms = self._clock.wall_ms(self._clock.now_us())
        previous = self._tip.clip if self._tip.counter else None
        clip = new_clip_id(previous, wall_ms, self._random_bytes(CLIP_RANDOM_BYTES))
        self._clip = _Clip(clip, self._tip.counter + 1, self._ended if continues else None)

    def _owe(self, draft: NoticeDraft | InitDraft) -> None:
        if len(self._owed) < MAX_OWED_DRAFTS:
            self._owed.append(draft)

    def _pay(self) -> bool:
        while self._owed:
            draft = self._owed[0]
            done = self._notice(draft) if isinstance(draft, NoticeDraft) else self._init(draft)
            if not done:
                return False
            self._owed.pop(0)
        return True

    def _notice(self, draft: NoticeDraft) -> bool:
        clip = self._current()
        clip.pressed |= draft.trigger == "button"
        notice = Notice(
            draft.trigger,
            self._clock.wall_ms(draft.t_us),
            draft.t_us // 1_000,
            self._readers.hash,
            draft.snapshot,
            clip.continues,
            draft.alert,
        )
        told_us = draft.t_us if draft.shown_us is None else draft.shown_us
        return self._seal("notice", told_us, content.encode_notice(self._place(), notice))

    def _init(self, draft: InitDraft) -> bool:
        said = Init(self._firmware, self._readers.hash)
        done = self._seal("init", draft.t_us, content.encode_init(self._place(), said, draft.header))
        self._current().has_init |= done
        return done

    def _media(self, draft: MediaDraft) -> bool:
        plaintext = content.encode_media(self._place(), draft.fragment)
        return self._seal("media", draft.t_us, plaintext, keyframe=draft.keyframe)

    def _end(self, draft: ClipEnds) -> None:
        clip = self._current()
        if self._pay() and clip.seq > 0:
            manifest = Manifest(
                draft.start_us // 1_000,
                draft.end_us // 1_000,
                tuple(clip.plaintexts),
                draft.triggers,
                tuple(clip.dropped),
                draft.lost + clip.lost,
            )
            self._seal("manifest", draft.end_us, content.encode_manifest(self._place(), manifest))
        self._ended = clip.clip if clip.seq > 0 else None
        self._clip = None

    def _place(self) -> Place:
        clip = self._current()
        return Place(self._doorbell_key, clip.clip, clip.seq)

    def _seal(self, kind: Kind, t_us: int, plaintext: bytes, *, keyframe: bool | None = None) -> bool:
        clip = self._current()
        if clip.seq > MAX_SEQ - (kind != "manifest"):  # the last number is the manifest's
            return False
        first = clip.seq == 0
        record = Record(
            self._doorbell, clip.clip, clip.seq, kind, clip.prev, "", "", 0, kind == "manifest",
            self._clock.boot, t_us // 1_000, self._clock.wall_ms(t_us), self._clock.synced(), keyframe,
            clip.counter if first else None, self._tip.hash if first else None,
        )  # fmt: skip
        part = self._seal_part(sealing.Draft(record, plaintext), self._heads.take(), self._key)
        try:
            dropped = self._post.commit(part, pressed=clip.pressed, counter=clip.counter)
        except OutboxError as error:
            _log.error("nothing can be kept: %s", error)
            self._health.committed(kept=False, dropped=False)
            return False
        self._advance(clip, part, plaintext, dropped)
        self._health.committed(kept=True, dropped=bool(dropped))
        return True

    def _advance(self, clip: _Clip, part: Part, plaintext: bytes, dropped: list[Entry]) -> None:
        clip.plaintexts.append(hashlib.sha256(plaintext).hexdigest())
        clip.dropped += [entry.seq for entry in dropped if entry.clip == clip.clip]
        for entry in dropped:
            _log.warning("outbox full: dropped part %d of clip %s", entry.seq, entry.clip)
        self._dropped += len(dropped)
        self._tip = Tip(clip.counter, clip.clip, clip.seq, part.hash, self._clock.now_us() // 1_000)
        clip.seq += 1
        clip.prev = part.hash

    def _current(self) -> _Clip:
        if self._clip is None:
            raise AssertionError("drafts come between a ClipBegins and its ClipEnds")
        return self._clip

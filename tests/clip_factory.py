"""Clips of doorbells that do not exist: really filmed, sealed and signed, so that every check runs for real.

bell = Doorbell(readers=[identity.recipient])
parts = bell.record(media=3)          # notice, init, three GOPs, manifest; the doorbell's history goes on
store = Store(relay_key)              # keeps them as a relay does, receipts beside them
store.keep(parts)
store.write(folder)                   # in a relay's layout
"""

import functools
import hashlib
import io
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import content, sshsig
from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.file import Head
from sealbell_wire.age.mlkem768x25519 import HybridIdentity, HybridRecipient
from sealbell_wire.content import Init, Manifest, Notice, NoticeKind, Place, Trigger, TriggerKind
from sealbell_wire.enrolment import DoorbellCard
from sealbell_wire.health import Beat, Health, next_number
from sealbell_wire.ids import ZERO_HASH, doorbell_id, new_clip_id
from sealbell_wire.part import Part
from sealbell_wire.receipt import NO_REASON, Receipt
from sealbell_wire.record import Kind, Record
from sealbell_wire.report import Report, Tip, encode_report, seal_health
from sealbell_wire.sealing import Draft, drop_part, hide_number, seal_part

GOPS, PICTURES_A_GOP, PICTURES_A_SECOND = 6, 5, 5
GOP_MS = 1_000
WALL_MS = 1_764_000_000_000
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) + b"\xff\xd9"
IDENTITY = HybridIdentity(bytes([7]) * 32)
DECOY = Decoy(os.urandom)


def key_of(seed: int) -> Ed25519PrivateKey:
    """A signing key that is the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


@functools.cache
def film() -> tuple[bytes, tuple[bytes, ...]]:
    """A real fragmented MP4 of GOPS seconds: (ftyp and moov, one moof+mdat a GOP)."""
    file = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(file, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=PICTURES_A_SECOND, options={"x264-params": "scenecut=0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.gop_size, stream.max_b_frames = PICTURES_A_GOP, 0
        for number in range(GOPS * PICTURES_A_GOP):
            picture = np.full((48, 64, 3), number * 7 % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    boxes = list(_boxes(file.getvalue()))
    header = b"".join(box for box in boxes if box[4:8] in (b"ftyp", b"moov"))
    moofs = [place for place, box in enumerate(boxes) if box[4:8] == b"moof"]
    return header, tuple(boxes[place] + boxes[place + 1] for place in moofs)


class Doorbell:
    """A doorbell with a key and a history. Clips come out as lists of parts in order of seq."""

    def __init__(
        self,
        seed: int = 1,
        readers: Sequence[HybridRecipient] = (IDENTITY.recipient,),
        readers_hash: str = "5e" * 32,
        owner: str = sshsig.verify_key_of(key_of(99)).hex(),
    ) -> None:
        self.key = key_of(seed)
        self.verify_key = sshsig.verify_key_of(self.key)
        self.doorbell = doorbell_id(self.verify_key)
        self.card = DoorbellCard(self.verify_key.hex(), owner)
        self.recipients = hide_number(readers, DECOY)
        self.readers_hash = readers_hash
        self.boot = f"{seed:032x}"
        self.counter = 0
        self.last = ZERO_HASH
        self.clip: str | None = None
        self.wall_ms = WALL_MS
        self.monotonic_ms = 10_000
        self.tip = Tip()
        self.number = 0

    def record(
        self,
        *,
        media: int = 3,
        trigger: TriggerKind = "button",
        alert: bool = True,
        press_before: Sequence[int] = (),
        update_before: Sequence[int] = (),
        snapshot: bytes = JPEG,
        continues: str | None = None,
        end: bool = True,
        drop: Sequence[int] = (),
        synced: bool = True,
    ) -> list[Part]:
        """Record a clip of `media` GOPs, one second each.

        Without `alert`, which a press cannot be, its notice calls nobody. `press_before` names fragments, counted from
        0, before which somebody rings again, `update_before` those before which a newer picture leaves. With `end`
        false the doorbell dies before the manifest; parts in `drop` are dropped by a full outbox.
        """
        self.wall_ms += 60_000
        self.counter += 1
        self.clip = new_clip_id(self.clip, self.wall_ms, hashlib.sha256(bytes([self.counter])).digest()[:10])
        taping = _Taping(self, synced)
        base_ms, header, fragments = self.monotonic_ms, *film()
        taping.notice(trigger, base_ms, snapshot, continues, alert=alert)
        if media:
            taping.add("init", content.encode_init(taping.place, Init("1.2.3", self.readers_hash), header), base_ms)
        for number in range(media):
            at_ms = base_ms + number * GOP_MS
            if number in press_before:
                taping.notice("button", at_ms, snapshot, None)
            if number in update_before:
                taping.notice("update", at_ms, snapshot, None, alert=False)
            taping.add("media", content.encode_media(taping.place, fragments[number]), at_ms)
        self.monotonic_ms = base_ms + media * GOP_MS
        if end:
            manifest = Manifest(base_ms, self.monotonic_ms, taping.digests, tuple(taping.triggers), tuple(drop))
            taping.add("manifest", content.encode_manifest(taping.place, manifest), self.monotonic_ms)
        self.last = taping.parts[-1].hash
        self.tip = Tip(self.counter, self.clip, taping.parts[-1].record.seq, self.last, self.monotonic_ms)
        self.wall_ms += media * GOP_MS
        self.monotonic_ms += 20_000
        return [drop_part(part, self.key) if part.record.seq in drop else part for part in taping.parts]

    def say(self, wall_ms: int, *, later_ms: int = 900_000, synced: bool = True, **changes: object) -> Health:
        """The doorbell says how it is, `later_ms` after the last thing that it did; `changes` are of the report."""
        self.monotonic_ms += later_ms
        self.number = next_number(self.number, wall_ms)
        beat = Beat(self.doorbell, self.number, self.boot, self.monotonic_ms, wall_ms, synced, ZERO_HASH, ZERO_HASH, 0)
        report = Report(
            firmware="1.2.3", readers=self.readers_hash, started_ms=0, tip=self.tip, dropped=0, damaged=0, waiting=1,
            waiting_bytes=1_000, troubles=(), mode="home", free_bytes=9_000_000_000, celsius=51, throttled=0, link=None,
        )  # fmt: skip
        report = replace(report, **changes)  # type: ignore[arg-type]  # names and types are the test's
        plaintext = encode_report(self.verify_key.hex(), self.number, report)
        return seal_health(beat, plaintext, Head(self.recipients), self.key)

    def sign_again(self, part: Part, **changes: object) -> Part:
        """The same part under a record with `changes`, signed by this doorbell."""
        text = replace(part.record, **changes).encode()  # type: ignore[arg-type]  # names and types are the test's
        return replace(part, record=replace(part.record, **changes), record_bytes=text,  # type: ignore[arg-type]
                       signature=sshsig.sign(self.key, sshsig.PART, text))  # fmt: skip


class _Taping:
    def __init__(self, bell: Doorbell, synced: bool) -> None:
        assert bell.clip is not None
        self._bell, self._clip, self._synced = bell, bell.clip, synced
        self._began_ms = bell.monotonic_ms
        self.parts: list[Part] = []
        self.digests: tuple[str, ...] = ()
        self.triggers: list[Trigger] = []

    @property
    def place(self) -> Place:
        return Place(self._bell.verify_key.hex(), self._clip, len(self.parts))

    def notice(
        self, kind: NoticeKind, at_ms: int, snapshot: bytes, continues: str | None, *, alert: bool = True
    ) -> None:
        wall_ms = self._bell.wall_ms + at_ms - self._began_ms
        notice = Notice(kind, wall_ms, at_ms, self._bell.readers_hash, snapshot, continues, alert)
        if kind != "update":
            self.triggers.append(Trigger(kind, at_ms, at_ms))
        self.add("notice", content.encode_notice(self.place, notice), at_ms)

    def add(self, kind: Kind, plaintext: bytes, at_ms: int) -> None:
        bell, seq = self._bell, len(self.parts)
        record = Record(
            bell.doorbell, self._clip, seq, kind,
            prev=self.parts[-1].hash if self.parts else ZERO_HASH,
            head=ZERO_HASH, body=ZERO_HASH, size=0,
            final=kind == "manifest",
            boot=bell.boot,
            monotonic_ms=at_ms,
            wall_ms=bell.wall_ms + at_ms - self._began_ms,
            synced=self._synced,
            keyframe=True if kind == "media" else None,
            counter=bell.counter if seq == 0 else None,
            last=bell.last if seq == 0 else None,
        )  # fmt: skip
        self.digests += (hashlib.sha256(plaintext).hexdigest(),)
        self.parts.append(seal_part(Draft(record, plaintext), Head(bell.recipients), bell.key))


class Store:
    """What a relay keeps: `objects[doorbell][clip][seq]` are the stored bytes, to be tampered with at will."""

    def __init__(self, relay_key: Ed25519PrivateKey | None = None) -> None:
        self.relay_key = relay_key or key_of(50)
        self.verify_key = sshsig.verify_key_of(self.relay_key)
        self.objects: dict[str, dict[str, dict[int, bytes]]] = {}
        self.healths: dict[str, tuple[Health, int]] = {}

    def hear(self, health: Health, arrived_ms: int | None = None) -> None:
        """Keep a health message as the newest of its doorbell, which arrived a moment after it was made."""
        self.healths[health.beat.doorbell] = health, health.beat.wall_ms + 40 if arrived_ms is None else arrived_ms

    def keep(self, parts: Iterable[Part], arrived_ms: int | None = None) -> None:
        """Store parts with receipts of their arrival, a moment after they were recorded if nothing else is said."""
        for part in parts:
            clips = self.objects.setdefault(part.record.doorbell, {})
            clips.setdefault(part.record.clip, {})[part.record.seq] = self.stored(part, arrived_ms)

    def stored(self, part: Part, arrived_ms: int | None = None) -> bytes:
        """The bytes of one stored object."""
        record = part.record
        verdict = "dropped" if part.sealed is None else "stored"
        at_ms = record.wall_ms + 40 if arrived_ms is None else arrived_ms
        receipt = Receipt(record.doorbell, record.clip, record.seq, part.hash, verdict, NO_REASON, at_ms)
        return part.encode() + receipt.sign(self.relay_key)

    def clip(self, part: Part) -> dict[int, bytes]:
        """The objects of the clip to which a part belongs."""
        return self.objects[part.record.doorbell][part.record.clip]

    def write(self, folder: Path) -> Path:
        """Write everything in a relay's layout below `folder`; return it."""
        for doorbell, (health, arrived_ms) in self.healths.items():
            path = folder / "store" / "health" / doorbell
            path.mkdir(parents=True, exist_ok=True)
            (path / f"{health.beat.number:016d}-{arrived_ms:016d}").write_bytes(health.encode())
        for doorbell, clips in self.objects.items():
            for clip, objects in clips.items():
                path = folder / "store" / "clips" / doorbell / clip[:6] / clip
                path.mkdir(parents=True, exist_ok=True)
                for seq, stored in objects.items():
                    suffix = "dropped" if stored[:4] == b"SBD1" else "part"
                    (path / f"{seq:06d}.{suffix}").write_bytes(stored)
        return folder


def _boxes(data: bytes) -> Iterable[bytes]:
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield data[at : at + size]
        at += size

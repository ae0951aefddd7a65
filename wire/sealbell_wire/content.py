"""What stands inside the seals: fragments bound to their doorbell, notices, manifests (SPEC 9).

Whoever holds one file key can put another body under it, and another doorbell could sign a body that it copied. So
every plaintext says which doorbell made it, for which clip, at which place.
"""

import struct
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from sealbell_wire import boxes, strictjson
from sealbell_wire.errors import ContradictionError, FormatError
from sealbell_wire.ids import check_hash, check_id, check_name
from sealbell_wire.limits import NOTICE_BYTES
from sealbell_wire.padding import padme

TriggerKind = Literal["button", "motion", "pir"]
NoticeKind = Literal["button", "motion", "pir", "update"]
MAX_TRIGGERS = 256
_TAIL = struct.Struct(">II")  # lengths of the picture and of the text, at the very end of a notice
MAX_SNAPSHOT_BYTES = NOTICE_BYTES - 2_048  # leaves room for the text and the lengths
_JPEG_START = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a plaintext belongs: `doorbell_key` is the 32-byte signing key in hex."""

    doorbell_key: str
    clip: str
    seq: int

    def keys(self) -> dict[str, Any]:
        """Return the place as the JSON keys that every sealed text carries."""
        return {"clip": self.clip, "doorbell": self.doorbell_key, "seq": self.seq, "v": 1}


_PLACE_KEYS: dict[str, type] = {"clip": str, "doorbell": str, "seq": int, "v": int}


def _check_place(value: dict[str, Any], place: Place, what: str) -> None:
    if {key: value[key] for key in _PLACE_KEYS} != place.keys():
        raise ContradictionError(f"{what}: was sealed for another doorbell, clip or place than it was signed for")


@dataclass(frozen=True, slots=True)
class Init:
    """What an init part says beside its MP4 header: firmware version, hash of the readers document in force."""

    firmware: str
    readers: str


def encode_init(place: Place, init: Init, header: bytes) -> bytes:
    """Return an init part's plaintext: `header` is ftyp and moov; ftyp stays first, since players look there."""
    text = strictjson.dump({**place.keys(), "firmware": init.firmware, "readers": init.readers})
    return boxes.pad(header + boxes.binding_box(text))


def read_init(plaintext: bytes, place: Place) -> Init:
    """Check an init part's plaintext against its place and return what it says; FormatError, ContradictionError."""
    value = strictjson.load(boxes.take_binding(plaintext, after=(b"ftyp", b"moov")), "init part")
    strictjson.exact_keys(value, {**_PLACE_KEYS, "firmware": str, "readers": str}, "init part")
    _check_place(value, place, "init part")
    firmware = check_name(value["firmware"], "init part's firmware version")
    return Init(firmware, check_hash(value["readers"], "init part's readers"))


def encode_media(place: Place, fragments: bytes) -> bytes:
    """Return a media part's plaintext: `fragments` is one or more moof+mdat."""
    return boxes.pad(boxes.binding_box(strictjson.dump(place.keys())) + fragments)


def media_overhead_bytes(place: Place) -> int:
    """Return how many bytes `encode_media` adds before padding: for a recorder that cuts below a limit."""
    return len(boxes.binding_box(strictjson.dump(place.keys()))) + boxes.BOX_HEADER_BYTES


def check_media(plaintext: bytes, place: Place) -> None:
    """Check a media part's plaintext against its place; FormatError, ContradictionError."""
    value = strictjson.load(boxes.take_binding(plaintext), "media part")
    strictjson.exact_keys(value, _PLACE_KEYS, "media part")
    _check_place(value, place, "media part")


@dataclass(frozen=True, slots=True)
class Notice:
    """Why the doorbell calls. `snapshot` is a JPEG or empty; `continues` the clip that this one extends, or None.

    `alert` is whether the owner is to be called now, as for every press, or the clip is only to be listed. An
    `update` is a newer picture in a clip, for which nobody is called: so a press does not stand out (SPEC 9.3).
    """

    trigger: NoticeKind
    wall_ms: int
    monotonic_ms: int
    readers: str
    snapshot: bytes
    continues: str | None = None
    alert: bool = True


def encode_notice(place: Place, notice: Notice) -> bytes:
    """Return a notice's plaintext, NOTICE_BYTES long: the JPEG first, so that any viewer shows what `age -d` wrote."""
    if len(notice.snapshot) > MAX_SNAPSHOT_BYTES:
        raise FormatError(f"notice: a snapshot of {len(notice.snapshot)} bytes is more than {MAX_SNAPSHOT_BYTES}")
    _check_kind(place, notice.trigger, notice.alert)
    text = strictjson.dump(
        {
            **place.keys(),
            "trigger": notice.trigger,
            "alert": notice.alert,
            "wall_ms": notice.wall_ms,
            "monotonic_ms": notice.monotonic_ms,
            "readers": notice.readers,
            "continues": notice.continues or "",
        }
    )
    tail = text + _TAIL.pack(len(notice.snapshot), len(text))
    return notice.snapshot + bytes(NOTICE_BYTES - len(notice.snapshot) - len(tail)) + tail


def read_notice(plaintext: bytes, place: Place) -> Notice:
    """Parse a notice and check it against its place; FormatError, ContradictionError."""
    if len(plaintext) != NOTICE_BYTES:
        raise FormatError(f"notice: is not {NOTICE_BYTES} bytes long")
    picture_bytes, text_bytes = _TAIL.unpack(plaintext[-_TAIL.size :])
    text_at = NOTICE_BYTES - _TAIL.size - text_bytes
    if picture_bytes > MAX_SNAPSHOT_BYTES or text_at < picture_bytes:
        raise FormatError("notice: its lengths do not fit its size")
    snapshot = plaintext[:picture_bytes]
    if any(plaintext[picture_bytes:text_at]) or not (not snapshot or snapshot.startswith(_JPEG_START)):
        raise FormatError("notice: holds something other than a jpeg, padding and its text")
    value = strictjson.load(plaintext[text_at : -_TAIL.size], "notice")
    keys = {"trigger": str, "alert": bool, "wall_ms": int, "monotonic_ms": int, "readers": str, "continues": str}
    strictjson.exact_keys(value, {**_PLACE_KEYS, **keys}, "notice")
    _check_place(value, place, "notice")
    trigger = _notice_kind(value["trigger"])
    _check_kind(place, trigger, value["alert"])
    return Notice(
        trigger,
        _count(value["wall_ms"], "notice"),
        _count(value["monotonic_ms"], "notice"),
        check_hash(value["readers"], "notice's readers"),
        snapshot,
        check_id(value["continues"], "notice's continued clip") if value["continues"] else None,
        value["alert"],
    )


@dataclass(frozen=True, slots=True)
class Trigger:
    """When something was seen or pressed, in the doorbell's monotonic milliseconds; both ends alike for a press."""

    kind: TriggerKind
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The sealed end of a clip. `parts[i]` is SHA-256 of the plaintext of part i, the manifest itself not counted.

    `start_ms` and `end_ms` span the media in the doorbell's monotonic milliseconds, pre-roll included. `dropped`
    names each part that a full outbox dropped while the clip was recorded, and `lost` counts pictures that never
    became part of one (a disk that refused, a queue that overflowed).
    """

    start_ms: int
    end_ms: int
    parts: tuple[str, ...]
    triggers: tuple[Trigger, ...]
    dropped: tuple[int, ...] = ()
    lost: int = 0


def encode_manifest(place: Place, manifest: Manifest) -> bytes:
    """Return a manifest's plaintext: JSON padded by spaces to a Padme length."""
    text = strictjson.dump(
        {
            **place.keys(),
            "start_ms": manifest.start_ms,
            "end_ms": manifest.end_ms,
            "parts": list(manifest.parts),
            "triggers": [[t.kind, t.from_ms, t.to_ms] for t in manifest.triggers],
            "dropped": list(manifest.dropped),
            "lost": manifest.lost,
        }
    )
    return text.ljust(padme(len(text)))


def read_manifest(plaintext: bytes, place: Place) -> Manifest:
    """Parse a manifest and check it against its place; FormatError, ContradictionError."""
    value = strictjson.load(plaintext, "manifest", limit_bytes=1_000_000)
    keys = {"start_ms": int, "end_ms": int, "parts": list, "triggers": list, "dropped": list, "lost": int}
    strictjson.exact_keys(value, {**_PLACE_KEYS, **keys}, "manifest")
    _check_place(value, place, "manifest")
    if len(value["parts"]) != place.seq or len(value["triggers"]) > MAX_TRIGGERS:
        raise FormatError("manifest: does not list exactly the parts before it")
    if not all(isinstance(digest, str) for digest in value["parts"]):
        raise FormatError("manifest: a part's hash is not text")
    if not all(type(seq) is int and 0 <= seq < place.seq for seq in value["dropped"]):
        raise FormatError("manifest: a dropped part is not the number of a part before it")
    start_ms, end_ms = _span(value["start_ms"], value["end_ms"])
    return Manifest(
        start_ms,
        end_ms,
        tuple(check_hash(digest, "manifest's part") for digest in value["parts"]),
        tuple(_read_trigger(item) for item in value["triggers"]),
        tuple(value["dropped"]),
        _count(value["lost"], "manifest"),
    )


def _read_trigger(item: Any) -> Trigger:
    if not (isinstance(item, list) and [type(field) for field in item] == [str, int, int]):
        raise FormatError("manifest: a trigger is not [kind, from, to]")
    return Trigger(_trigger_kind(item[0], "manifest"), *_span(item[1], item[2]))


def _span(from_ms: int, to_ms: int) -> tuple[int, int]:
    if not 0 <= from_ms <= to_ms:
        raise FormatError("manifest: a span of time ends before it begins")
    return from_ms, to_ms


def _count(value: int, what: str) -> int:
    if value < 0:
        raise FormatError(f"{what}: holds a negative number")
    return value


def _check_kind(place: Place, kind: NoticeKind, alert: bool) -> None:
    if kind == "button" and not alert:
        raise FormatError("notice: is of a press, and would call nobody")
    if kind == "update" and (alert or place.seq == 0):
        raise FormatError("notice: is an update, and would call somebody or begin a clip")


def _notice_kind(text: str) -> NoticeKind:
    if text not in get_args(NoticeKind):
        raise FormatError("notice: its trigger is not button, motion, pir or update")
    return cast(NoticeKind, text)


def _trigger_kind(text: str, what: str) -> TriggerKind:
    if text not in get_args(TriggerKind):
        raise FormatError(f"{what}: its trigger is not button, motion or pir")
    return cast(TriggerKind, text)

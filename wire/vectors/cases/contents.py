"""What stands inside the seals (SPEC 9)."""

import struct
from typing import Any

from cases.base import (
    CLIP,
    WALL_MS,
    Case,
    Pieces,
    accepted,
    compact,
    join,
    padded_length,
    public,
    refused,
    sha256,
    zeros,
)

BINDING_TYPE = "7e1b5ea1be110001a0d97c35f2b0c4d6"
NOTICE_BYTES = 32_768
READERS = "88" * 32
JPEG: Pieces = [{"hex": "ffd8ffe000104a46494600"}, {"text": "a small picture"}, {"hex": "ffd9"}]
HEADER = struct.pack(">I4s4sI4s", 20, b"ftyp", b"iso5", 512, b"iso6") + struct.pack(">I4s", 16, b"moov") + bytes(8)
FRAGMENT = struct.pack(">I4s", 16, b"moof") + bytes(8) + struct.pack(">I4s", 12, b"mdat") + b"\0\0\0\1"
CONTRADICTION = "ContradictionError"


def place(seq: int, **changes: Any) -> dict[str, Any]:
    """The four keys that every sealed text carries."""
    return {"clip": CLIP, "doorbell": public("doorbell").hex(), "seq": seq, "v": 1} | changes


def binding(text: str, box_type: str = BINDING_TYPE) -> Pieces:
    """The box that says whose a fragment is."""
    size = 24 + len(text.encode())
    return [{"hex": struct.pack(">I4s", size, b"uuid").hex() + box_type}, {"text": text}]


def padded(pieces: Pieces) -> Pieces:
    """The boxes with a `free` box behind (SPEC 9.1)."""
    size = len(join(pieces))
    free_bytes = padded_length(size + 8) - size
    return [*pieces, {"hex": struct.pack(">I4s", free_bytes, b"free").hex()}, zeros(free_bytes - 8)]


def notice_text(seq: int = 0, **changes: Any) -> dict[str, Any]:
    """A notice's text."""
    fields = {"trigger": "button", "alert": True, "wall_ms": WALL_MS, "monotonic_ms": 61_000, "readers": READERS}
    return place(seq) | fields | {"continues": ""} | changes


def notice(
    text: str, picture: Pieces = JPEG, *, picture_bytes: int | None = None, text_bytes: int | None = None
) -> Pieces:
    """A notice: picture, zeros, text, the two lengths (SPEC 9.3), which tell the truth unless they are given."""
    size = len(text.encode())
    shown = len(join(picture))
    said = (shown if picture_bytes is None else picture_bytes, size if text_bytes is None else text_bytes)
    return [*picture, zeros(NOTICE_BYTES - shown - size - 8), {"text": text}, {"hex": struct.pack(">II", *said).hex()}]


def manifest_text(**changes: Any) -> dict[str, Any]:
    """A manifest's text, at place 3."""
    fields = {
        "start_ms": 58_000,
        "end_ms": 64_000,
        "parts": ["aa" * 32, "bb" * 32, "cc" * 32],
        "triggers": [["motion", 60_500, 62_000], ["button", 61_000, 61_000]],
        "dropped": [2],
        "lost": 0,
    }
    return place(3) | fields | changes


def contents() -> list[Case]:
    """Reading and writing of all four kinds."""
    return [*_notices(), *_inits(), *_media(), *_manifests()]


def _read(do: str, seq: int, pieces: Pieces) -> tuple[str, dict[str, Any]]:
    return do, {"bytes": pieces, "place": {"doorbell_key": public("doorbell").hex(), "clip": CLIP, "seq": seq}}


def _foreign(do: str, seq: int, build: Any) -> list[Case]:
    """A text that was sealed for another place, by each of its keys."""
    changes: list[tuple[str, dict[str, Any]]] = [
        ("another doorbell", {"doorbell": public("other doorbell").hex()}),
        ("another clip", {"clip": "0190f3a1b2ff" + "a5" * 10}),
        ("another place in the clip", {"seq": seq + 1}),
        ("another version", {"v": 2}),
    ]
    return [
        refused(f"{do}: {name}", "sealed bytes moved or copied", *_read(do, seq, build(change)), CONTRADICTION)
        for name, change in changes
    ]


def _notices() -> list[Case]:
    def ok(name: str, why: str, picture: Pieces = JPEG, **changes: Any) -> Case:
        text = notice_text(**changes)
        value = {key: text[key] for key in ("trigger", "alert", "wall_ms", "monotonic_ms", "readers")}
        value |= {"snapshot": sha256(join(picture)), "continues": text["continues"] or None}
        return accepted(name, why, *_read("notice", 0, notice(compact(text), picture)), value)

    def bad(name: str, why: str, pieces: Pieces) -> Case:
        return refused(name, why, *_read("notice", 0, pieces))

    def changed(name: str, why: str, **changes: Any) -> Case:
        return bad(name, why, notice(compact(notice_text(**changes))))

    text = compact(notice_text())
    plain = notice(text)
    largest = [{"hex": "ffd8ffe0"}, zeros(NOTICE_BYTES - 2_048 - 4)]
    written = {"place": {"doorbell_key": public("doorbell").hex(), "clip": CLIP, "seq": 0}, "trigger": "button"}
    written |= {"alert": True, "wall_ms": WALL_MS, "monotonic_ms": 61_000}
    written |= {"readers": READERS, "snapshot": join(JPEG).hex()}
    return [
        accepted("write a notice", "jpeg first, text last, 32,768 bytes", "write_notice", written | {"continues": None},
                 {"sha256": sha256(join(plain)), "bytes": NOTICE_BYTES}),
        ok("a notice of a press", "jpeg and text"),
        ok("a notice of motion", "the relay sees no difference", trigger="motion"),
        ok("a notice of motion that calls nobody", "the mode wants it only recorded", trigger="motion", alert=False),
        ok("a notice of the PIR", "nothing in the picture moved", trigger="pir"),
        ok("a notice without a picture", "the camera had none yet", []),
        ok("a notice with the largest picture", "30,720 bytes", largest),
        ok("a notice that continues a clip", "after a minute a next one follows", continues="0190f3a1b100" + "77" * 10),
        bad("a notice one byte short", "32,768 bytes", [*plain[:-1], {"hex": join(plain)[-8:-1].hex()}]),
        bad("a notice with a byte after", "32,768 bytes", [*plain, {"hex": "00"}]),
        bad("an empty notice", "32,768 bytes", []),
        bad("a picture beyond the limit", "30,720 bytes", notice(text, [*largest, zeros(1)])),
        bad("a picture that overlaps the text", "picture, zeros, text",
            notice(text, picture_bytes=NOTICE_BYTES - 8 - len(text) + 1)),
        bad("a picture that overlaps a long text", "picture, zeros, text",
            notice(text.ljust(4_000), picture_bytes=NOTICE_BYTES - 8 - 4_000 + 1)),
        bad("a text longer than the notice", "picture, zeros, text", notice(text, text_bytes=2**32 - 1)),
        bad("a text of no bytes", "one json object", notice("")),
        bad("a text that begins early", "one json object", notice(text, text_bytes=len(text) + 1)),
        bad("bytes in the padding", "zeros", notice(text, [*JPEG, {"hex": "0001"}], picture_bytes=len(join(JPEG)))),
        bad("a picture that is no jpeg", "ff d8 ff", notice(text, [{"hex": "89504e47"}, *JPEG])),
        accepted("a notice of a newer picture", "a press among such does not stand out",
                 *_read("notice", 4, notice(compact(notice_text(4, trigger="update", alert=False)))),
                 {"trigger": "update", "alert": False, "wall_ms": WALL_MS, "monotonic_ms": 61_000, "readers": READERS,
                  "snapshot": sha256(join(JPEG)), "continues": None}),
        refused("an update that calls somebody", "nobody caused it",
                *_read("notice", 4, notice(compact(notice_text(4, trigger="update"))))),
        changed("an update that begins a clip", "something does begin it", trigger="update", alert=False),
        changed("an unknown trigger", "button, motion, pir or update", trigger="live"),
        changed("a press that calls nobody", "a press always calls", alert=False),
        changed("an alert that is a number", "true or false", trigger="motion", alert=1),
        changed("a negative time", "counted from 0", wall_ms=-1),
        changed("a time that is text", "a whole number", monotonic_ms="61000"),
        changed("a readers hash cut", "64 digits", readers="88" * 31),
        changed("a continued clip in capitals", "lower case only", continues="A" * 32),
        changed("a key too many in a notice", "exact keys", note=""),
        *_foreign("notice", 0, lambda change: notice(compact(notice_text() | change))),
    ]  # fmt: skip


def _inits() -> list[Case]:
    text = compact(place(1) | {"firmware": "0.1.0", "readers": READERS})
    mp4: Pieces = [{"hex": HEADER.hex()}]
    boxes = [*mp4, *binding(text)]
    written = {"place": {"doorbell_key": public("doorbell").hex(), "clip": CLIP, "seq": 1}, "firmware": "0.1.0"}
    written |= {"readers": READERS, "header": HEADER.hex()}

    def bad(name: str, why: str, pieces: Pieces) -> Case:
        return refused(name, why, *_read("init", 1, pieces))

    def changed(name: str, why: str, **changes: Any) -> Case:
        fields = place(1) | {"firmware": "0.1.0", "readers": READERS} | changes
        return bad(name, why, [*mp4, *binding(compact(fields))])

    value = {"firmware": "0.1.0", "readers": READERS}
    whole = padded(boxes)
    return [
        accepted("write an init part", "ftyp and moov first, Padme length", "write_init", written,
                 {"sha256": sha256(join(whole)), "bytes": len(join(whole))}),
        accepted("an init part", "ftyp, moov, uuid, free", *_read("init", 1, whole), value),
        accepted("an init part without padding", "a reader does not insist on it", *_read("init", 1, boxes), value),
        bad("no uuid box behind moov", "it says whose the part is", mp4),
        bad("the uuid box first", "ftyp and moov come first", [*binding(text), *mp4]),
        bad("moov before ftyp", "ftyp comes first", [{"hex": (HEADER[20:] + HEADER[:20]).hex()}, *binding(text)]),
        bad("a moov larger than the part", "boxes fit", [
            {"hex": HEADER[:20].hex()}, {"hex": struct.pack(">I4s", 2**31, b"moov").hex()}, *binding(text)]),
        bad("a moov of size 0", "open ends are not allowed", [
            {"hex": HEADER[:20].hex()}, {"hex": struct.pack(">I4s", 0, b"moov").hex()}, *binding(text)]),
        bad("a moov of size 1", "64-bit sizes are not allowed", [
            {"hex": HEADER[:20].hex()}, {"hex": struct.pack(">I4sQ", 1, b"moov", 16).hex()}, *binding(text)]),
        changed("a firmware version with an escape", "see the vectors of names", firmware="0.1\x1b[2J"),
        changed("no firmware version", "at least one character", firmware=""),
        changed("a readers hash in capitals", "lower case only", readers="AA" * 32),
        changed("a key too many in an init part", "exact keys", note=""),
        *_foreign("init", 1, lambda change: [
            *mp4, *binding(compact(place(1) | {"firmware": "0.1.0", "readers": READERS} | change))]),
    ]  # fmt: skip


def _media() -> list[Case]:
    text = compact(place(2))
    fragment: Pieces = [{"hex": FRAGMENT.hex()}]
    boxes = [*binding(text), *fragment]
    written = {"place": {"doorbell_key": public("doorbell").hex(), "clip": CLIP, "seq": 2}, "fragment": FRAGMENT.hex()}

    def bad(name: str, why: str, pieces: Pieces) -> Case:
        return refused(name, why, *_read("media", 2, pieces))

    whole = padded(boxes)
    return [
        accepted("write a media part", "uuid first, Padme length", "write_media", written,
                 {"sha256": sha256(join(whole)), "bytes": len(join(whole))}),
        accepted("a media part", "uuid, moof, mdat, free", *_read("media", 2, whole), {}),
        bad("nothing sealed", "it says whose the part is", []),
        bad("no uuid box", "it says whose the part is", fragment),
        bad("a uuid box of another type", "the type is Sealbell's", [*binding(text, "00" * 16), *fragment]),
        bad("Sealbell's type in a box that is no uuid", "the box says what its content is", [
            {"hex": struct.pack(">I4s", 24 + len(text), b"free").hex() + BINDING_TYPE}, {"text": text}, *fragment]),
        bad("a uuid box cut", "boxes fit", binding(text)[:1]),
        bad("a uuid box larger than the part", "boxes fit", [
            {"hex": struct.pack(">I4s", 4000, b"uuid").hex() + BINDING_TYPE}, {"text": text}]),
        bad("a uuid box of 8 bytes", "it holds no text", [
            {"hex": struct.pack(">I4s", 8, b"uuid").hex() + BINDING_TYPE}, {"text": text}]),
        accepted("a uuid box of 4,096 bytes", "the most", *_read("media", 2, binding(text.ljust(4096 - 24))), {}),
        bad("a uuid box of 4,097 bytes", "one too many", binding(text.ljust(4097 - 24))),
        bad("an init part's text in a media part", "exact keys",
            binding(compact(place(2) | {"firmware": "0.1.0", "readers": READERS}))),
        *_foreign("media", 2, lambda change: [*binding(compact(place(2) | change)), *fragment]),
    ]  # fmt: skip


def _manifests() -> list[Case]:
    text = compact(manifest_text())
    written = {key: value for key, value in manifest_text().items() if key not in place(3)}
    written |= {"place": {"doorbell_key": public("doorbell").hex(), "clip": CLIP, "seq": 3}}
    value = {key: found for key, found in manifest_text().items() if key not in place(3)}

    def bad(name: str, why: str, pieces: Pieces) -> Case:
        return refused(name, why, *_read("manifest", 3, pieces))

    def changed(name: str, why: str, **changes: Any) -> Case:
        return bad(name, why, [{"text": compact(manifest_text(**changes))}])

    whole = text + " " * (padded_length(len(text)) - len(text))
    return [
        accepted("write a manifest", "spaces up to a Padme length", "write_manifest", written,
                 {"sha256": sha256(whole.encode()), "bytes": len(whole)}),
        accepted("a manifest", "json, padded by spaces", *_read("manifest", 3, [{"text": whole}]), value),
        accepted("a manifest without padding", "a reader does not insist on it",
                 *_read("manifest", 3, [{"text": text}]), value),
        bad("a manifest padded by zeros", "json", [{"text": text}, zeros(8)]),
        changed("a part too few", "each part before it", parts=["aa" * 32]),
        changed("a part too many", "each part before it", parts=["aa" * 32] * 4),
        changed("a part's hash cut", "64 digits", parts=["aa" * 32, "bb" * 32, "cc" * 31]),
        changed("a part's hash that is a number", "text", parts=["aa" * 32, "bb" * 32, 7]),
        changed("a trigger of two fields", "kind, from, to", triggers=[["motion", 1]]),
        changed("a trigger that is an object", "kind, from, to", triggers=[{"motion": 1}]),
        changed("an unknown kind of trigger", "button or motion", triggers=[["live", 1, 2]]),
        changed("an update among the triggers", "it triggers nothing", triggers=[["update", 1, 1]]),
        changed("a trigger with true for a time", "whole numbers", triggers=[["motion", True, 2]]),
        changed("a trigger that ends before it begins", "from, then to", triggers=[["motion", 2, 1]]),
        changed("a trigger at a negative time", "counted from 0", triggers=[["motion", -2, 1]]),
        changed("257 triggers", "256 at most", triggers=[["motion", 1, 2]] * 257),
        changed("a clip that ends before it begins", "from, then to", start_ms=64_000, end_ms=58_000),
        changed("a dropped part beyond the clip", "a part before it", dropped=[3]),
        changed("a dropped part that is negative", "a part before it", dropped=[-1]),
        changed("a dropped part that is true", "a whole number", dropped=[True]),
        changed("a negative loss", "counted from 0", lost=-1),
        changed("a key too many in a manifest", "exact keys", note=""),
        *_foreign("manifest", 3, lambda change: [{"text": compact(manifest_text() | change)}]),
    ]  # fmt: skip

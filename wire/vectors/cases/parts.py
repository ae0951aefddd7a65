"""Records, parts and receipts (SPEC 5, 7)."""

import struct
from typing import Any

from cases.base import (
    CLIP,
    DOORBELL,
    WALL_MS,
    ZERO_HASH,
    Case,
    Pieces,
    accepted,
    join,
    lines,
    public,
    record,
    record_fields,
    record_value,
    refused,
    sha256,
    signature,
    statement,
    zeros,
)

MAX_PART_BYTES = 1_000_000
# An age header by its shape alone: a relay that checks a part opens nothing.
HEAD = b"age-encryption.org/v1\n-> mlkem768x25519 c2hhcmU\nYm9keQ\n--- " + b"A" * 43 + b"\n"


def records() -> list[Case]:
    """The grammar of a record (SPEC 5.2)."""

    def ok(name: str, why: str, seq: int, kind: str, **changes: Any) -> Case:
        fields = record_fields(seq, kind, **changes)
        text = lines("sealbell-part-v1", fields)
        return accepted(name, why, "record", {"bytes": [{"text": text}]}, record_value(fields))

    def bad(name: str, why: str, text: str) -> Case:
        return refused(name, why, "record", {"bytes": [{"text": text}]})

    def changed(name: str, why: str, seq: int = 2, kind: str = "media", /, **changes: Any) -> Case:
        return bad(name, why, record(seq, kind, **changes))

    media, notice = record(), record(0, "notice")
    without_line = [
        bad(f"no {key} line", "every line is there", "".join(
            row for row in text.splitlines(keepends=True) if not row.startswith(f"{key} ")))
        for text, keys in ((media, record_fields()), (notice, {"counter": 0, "last": 0}))
        for key in keys
    ]  # fmt: skip
    return [
        ok("the first notice", "it alone has counter and last", 0, "notice"),
        ok("a doorbell's first clip", "counter 1, last zero", 0, "notice", counter=1, last=ZERO_HASH),
        ok("an init part", "no line beyond synced", 1, "init"),
        ok("an init part after two notices", "a press while the camera starts", 2, "init"),
        ok("a media part", "it alone has keyframe", 2, "media"),
        ok("a media part that begins between keyframes", "live view cuts shorter", 3, "media", keyframe=0),
        ok("a later notice", "a press during the clip", 4, "notice"),
        ok("a manifest", "final", 5, "manifest"),
        ok("largest numbers", "each at its limit", 9999, "media", size=MAX_PART_BYTES, wall=2**53 - 1,
           monotonic=2**53 - 1),
        ok("smallest numbers", "each at its limit", 2, "media", size=0, wall=0, monotonic=0, synced=0),
        *without_line,
        bad("nothing", "a version line at least", ""),
        bad("only a version line", "no line is left out", "sealbell-part-v1\n"),
        bad("another version", "v1 only", media.replace("part-v1", "part-v2")),
        bad("a receipt", "each text names its kind", media.replace("sealbell-part-v1", "sealbell-receipt-v1")),
        bad("no line feed at the end", "every line ends with one", media[:-1]),
        bad("an empty line at the end", "nothing after the last line", media + "\n"),
        bad("a line after the last", "nothing after the last line", media + "note x\n"),
        bad("an empty line within", "every line is `key value`", media.replace("seq 2\n", "seq 2\n\n")),
        bad("crlf", "line feeds only", media.replace("\n", "\r\n")),
        bad("a carriage return in one line", "line feeds only", media.replace("seq 2\n", "seq 2\r\n")),
        bad("a form feed for a line feed", "line feeds only", media.replace("seq 2\n", "seq 2\f")),
        bad("a line twice", "each line once", media.replace("seq 2\n", "seq 2\nseq 2\n")),
        bad("two lines swapped", "one order", media.replace("seq 2\nkind media\n", "kind media\nseq 2\n")),
        bad("a key in capitals", "keys are exact", media.replace("seq 2", "Seq 2")),
        bad("no space", "one space", media.replace("seq 2", "seq2")),
        bad("a tab", "one space", media.replace("seq 2", "seq\t2")),
        bad("two spaces", "one space", media.replace("seq 2", "seq  2")),
        bad("a space before", "no space before a key", media.replace("seq 2", " seq 2")),
        bad("a space after", "no space after a value", media.replace("seq 2\n", "seq 2 \n")),
        bad("no value", "a value is at least one character", media.replace("seq 2\n", "seq \n")),
        bad("a byte beyond ascii", "ascii only", media.replace("kind media", "kind médiä")),
        bad("a nul byte", "printable only", media.replace("kind media", "kind media\0")),
        bad("longer than 1,024 bytes", "capped before it is parsed", media + "x" * 1024),
        changed("a doorbell in capitals", "lower case only", doorbell=DOORBELL.upper()),
        changed("a doorbell cut", "32 digits", doorbell=DOORBELL[1:]),
        changed("a clip with a letter beyond f", "hex only", clip="g" + CLIP[1:]),
        changed("a boot id cut", "32 digits", boot="4" * 31),
        changed("a body hash cut", "64 digits", body="3" * 63),
        changed("a head hash in capitals", "lower case only", head="AA" * 32),
        changed("a part number with a leading zero", "one spelling", seq="02"),
        changed("a part number with a sign", "digits only", seq="+2"),
        changed("a negative part number", "digits only", seq="-2"),
        changed("part 10000", "beyond the limit", seq=10_000),
        changed("a size with a point", "digits only", size="4096.0"),
        changed("a size beyond a part's limit", "it could never arrive", size=MAX_PART_BYTES + 1),
        changed("a time beyond 2^53-1", "not every implementation holds it", wall=2**53),
        changed("a time of 400 digits", "not every implementation holds it", wall="1" * 400),
        changed("synced 2", "0 or 1", synced=2),
        changed("synced true", "0 or 1", synced="true"),
        changed("keyframe 2", "0 or 1", keyframe=2),
        changed("an unknown kind", "notice, init, media, manifest", kind="thumbnail"),
        changed("media first", "a clip begins with a notice", 0, "media"),
        changed("init first", "a clip begins with a notice", 0, "init"),
        changed("manifest first", "a clip begins with a notice", 0, "manifest"),
        changed("final media", "only a manifest ends a clip", final=1),
        changed("a manifest that is not final", "a manifest ends its clip", 5, "manifest", final=0),
        changed("a first part after another", "nothing stands before part 0", 0, "notice", prev="11" * 32),
        changed("a later part after none", "part 2 has a part before it", prev=ZERO_HASH),
        changed("clip number 0", "counted from 1", 0, "notice", counter=0),
        bad("keyframe in a notice", "only media has it",
            record(4, "notice").replace("synced 1\n", "synced 1\nkeyframe 1\n")),
        bad("counter in a later part", "only part 0 has it", media + "counter 7\nlast " + "55" * 32 + "\n"),
    ]  # fmt: skip


def frame(text: str, signed: bytes, tail: Pieces, magic: str = "SBP1", tail_bytes: int | None = None) -> Pieces:
    """A part frame (SPEC 5.3); `tail_bytes` is what its length field says, by default the truth."""
    said = len(join(tail)) if tail_bytes is None else tail_bytes
    return [
        {"text": magic}, {"hex": struct.pack(">H", len(text.encode())).hex()}, {"text": text},
        {"hex": (signed + struct.pack(">I", said)).hex()}, *tail,
    ]  # fmt: skip


def sealed_record(body: bytes, head: bytes = HEAD, **changes: Any) -> dict[str, Any]:
    """The lines of a media record over this age file."""
    hashes = {"head": sha256(head), "body": sha256(body), "size": len(head) + len(body)}
    return record_fields(**(hashes | changes))


def parts() -> list[Case]:
    """Frames, and what a relay checks of them (SPEC 5.3 to 5.5)."""
    key = public("doorbell").hex()
    body = b"sealed bytes stand here"
    age_file: Pieces = [{"text": HEAD.decode()}, {"text": body.decode()}]
    fields = sealed_record(body)
    text = lines("sealbell-part-v1", fields)
    signed = signature("doorbell", "part@sealbell", text.encode())
    whole = frame(text, signed, age_file)
    drop = signature("doorbell", "dropped@sealbell", text.encode())
    dropped = frame(text, signed, [{"hex": drop.hex()}], "SBD1")
    value = {"record": record_value(fields), "dropped": False, "head_bytes": len(HEAD), "body_bytes": len(body)}

    def bad(name: str, why: str, pieces: Pieces, error: str = "FormatError") -> Case:
        return refused(name, why, "part", {"bytes": pieces, "key": key}, error)

    def signed_part(pieces: Pieces, **changes: Any) -> Pieces:
        record_text = lines("sealbell-part-v1", sealed_record(body, **changes))
        return frame(record_text, signature("doorbell", "part@sealbell", record_text.encode()), pieces)

    return [
        accepted("a part", "the common case", "part", {"bytes": whole, "key": key}, value),
        accepted("a dropped part", "its record and a second signature", "part", {"bytes": dropped, "key": key},
                 {"record": record_value(fields), "dropped": True, "head_bytes": None, "body_bytes": None}),
        _at_the_limit(key),
        bad("one byte over the limit", "capped before it is parsed", [*whole, zeros(MAX_PART_BYTES)]),
        bad("nothing", "not a frame", []),
        bad("only the magic", "cut", [{"text": "SBP1"}]),
        bad("cut in the record's length", "cut", [{"text": "SBP1"}, {"hex": "01"}]),
        bad("cut in the record", "cut", whole[:3]),
        bad("cut in the age file", "cut", whole[:-1]),
        bad("a byte after", "nothing after the age file", [*whole, {"hex": "00"}]),
        bad("no age file", "its record says otherwise", frame(text, signed, [])),
        bad("another magic", "SBP1 or SBD1", [{"text": "SBP2"}, *whole[1:]]),
        bad("a receipt's magic", "SBP1 or SBD1", [{"text": "SBR1"}, *whole[1:]]),
        bad("a record length beyond the limit", "1,024 bytes", [{"text": "SBP1"}, {"hex": "0401"}, zeros(2000)]),
        bad("a record length of zero", "no empty text", [{"text": "SBP1"}, {"hex": "0000"}, zeros(100)]),
        bad("a length of 1 GiB", "nothing is allocated for what is only announced",
            frame(text, signed, age_file, tail_bytes=2**30)),
        bad("a length one too short", "the rest would be trailing bytes",
            frame(text, signed, age_file, tail_bytes=fields["size"] - 1)),
        bad("a size that lies", "the record's size is the age file's",
            signed_part(age_file, size=fields["size"] + 1)),
        bad("a record with a line too many", "the grammar of a record",
            frame(text + "note x\n", signed, age_file)),
        bad("no age header", "nothing to split", signed_part([{"text": "x" * fields["size"]}])),
        bad("an age header of 64 KiB", "65,536 bytes at most",
            signed_part([{"text": "age-encryption.org/v1\n"}, {"text": "-", "times": 65_536}, {"text": HEAD.decode()}],
                        size=22 + 65_536 + len(HEAD))),
        bad("a dropped part that is no signature", "64 bytes", frame(text, signed, age_file, "SBD1")),
        bad("a dropped part cut", "64 bytes", frame(text, signed, [{"hex": drop[:63].hex()}], "SBD1")),
        bad("a dropped part as a part", "its record's size is not 64", [{"text": "SBP1"}, *dropped[1:]]),
        bad("a signature that does not fit", "one bit",
            frame(text, bytes([signed[0] ^ 1, *signed[1:]]), age_file), "SignatureError"),
        bad("a changed record", "another time under the same signature",
            frame(text.replace("synced 1", "synced 0"), signed, age_file), "SignatureError"),
        bad("a record signed as a receipt", "another namespace",
            frame(text, signature("doorbell", "receipt@sealbell", text.encode()), age_file), "SignatureError"),
        bad("signed by another doorbell", "another key in this one's name",
            frame(text, signature("other doorbell", "part@sealbell", text.encode()), age_file), "SignatureError"),
        bad("dropped by someone else", "only the doorbell may say so",
            frame(text, signed, [{"hex": signature("relay", "dropped@sealbell", text.encode()).hex()}], "SBD1"),
            "SignatureError"),
        bad("dropped under the part's own signature", "another namespace",
            frame(text, signed, [{"hex": signed.hex()}], "SBD1"), "SignatureError"),
        refused("under another doorbell's key", "the id is the key's hash", "part",
                {"bytes": whole, "key": public("other doorbell").hex()}, "ContradictionError"),
        bad("a changed head", "one byte of the age header",
            frame(text, signed, [{"text": HEAD.decode().replace("Ym9keQ", "Ym9keg")}, age_file[1]]),
            "ContradictionError"),
        bad("a changed body", "one byte of the payload",
            frame(text, signed, [age_file[0], {"text": body.decode().upper()}]), "ContradictionError"),
        bad("a head that ends elsewhere", "the first MAC line ends the head",
            signed_part([{"text": HEAD.decode()}, {"text": "\n--- x\n"}, {"text": body.decode()[7:]}]),
            "ContradictionError"),
    ]  # fmt: skip


def _at_the_limit(key: str) -> Case:
    age_bytes = MAX_PART_BYTES - 4 - 2 - len(record(size=900_000)) - 64 - 4
    body_bytes = age_bytes - len(HEAD)
    fields = sealed_record(bytes(body_bytes))
    text = lines("sealbell-part-v1", fields)
    signed = signature("doorbell", "part@sealbell", text.encode())
    pieces = frame(text, signed, [{"text": HEAD.decode()}, zeros(body_bytes)])
    value = {"record": record_value(fields), "dropped": False, "head_bytes": len(HEAD), "body_bytes": body_bytes}
    why = f"{len(join(pieces))} bytes"
    return accepted("exactly at the limit", why, "part", {"bytes": pieces, "key": key}, value)


def receipts() -> list[Case]:
    """The relay's receipts (SPEC 7.2)."""
    relay = public("relay").hex()
    default = {"doorbell": DOORBELL, "clip": CLIP, "seq": 2, "record": sha256(record().encode())}
    default |= {"verdict": "stored", "reason": "-", "arrived": WALL_MS}

    def text(**changes: Any) -> str:
        return lines("sealbell-receipt-v1", default | changes)

    def signed(receipt: str, namespace: str = "receipt@sealbell", label: str = "relay") -> Pieces:
        return statement("SBR1", receipt, signature(label, namespace, receipt.encode()))

    def value(**changes: Any) -> dict[str, Any]:
        return {("arrived_ms" if key == "arrived" else key): found for key, found in (default | changes).items()}

    def ok(name: str, why: str, *changes: dict[str, Any]) -> Case:
        given = {"bytes": [piece for change in changes for piece in signed(text(**change))], "key": relay}
        return accepted(name, why, "receipts", given, [value(**change) for change in changes])

    def bad(name: str, why: str, pieces: Pieces, error: str = "FormatError") -> Case:
        return refused(name, why, "receipts", {"bytes": pieces, "key": relay}, error)

    def changed(name: str, why: str, **changes: Any) -> Case:
        return bad(name, why, signed(text(**changes)))

    receipt = signed(text())
    refusal = {"verdict": "refused", "reason": "differs-from-stored"}
    return [
        ok("stored", "the common case", {}),
        ok("dropped", "the hole is known", {"verdict": "dropped"}),
        ok("deleted", "its owner deleted the clip", {"verdict": "deleted"}),
        ok("refused", "with the reason", refusal),
        ok("several", "an answer to the resume question", {}, {"seq": 3, "record": "66" * 32}, refusal | {"seq": 4}),
        ok("none", "the relay holds nothing of this clip"),
        bad("signed by another", "only this relay's word counts", signed(text(), label="other relay"),
            "SignatureError"),
        bad("signed as a part", "another namespace", signed(text(), "part@sealbell"), "SignatureError"),
        bad("changed", "another record under the same signature",
            statement("SBR1", text(record="77" * 32), signature("relay", "receipt@sealbell", text().encode())),
            "SignatureError"),
        bad("the second one forged", "taken whole or not at all",
            [*receipt, *signed(text(seq=3), label="other relay")], "SignatureError"),
        bad("cut", "whole frames only", receipt[:-1]),
        bad("cut in its length", "whole frames only", [{"text": "SBR1"}, {"hex": "00"}]),
        bad("a byte after", "whole frames only", [*receipt, {"hex": "00"}]),
        bad("another magic", "SBR1", [{"text": "SBP1"}, *receipt[1:]]),
        bad("another version", "v1 only", signed(text().replace("-v1", "-v2"))),
        bad("a line too many", "nothing after arrived", signed(text() + "note x\n")),
        bad("crlf", "line feeds only", signed(text().replace("\n", "\r\n"))),
        changed("an unknown verdict", "stored, dropped, deleted, refused", verdict="lost"),
        changed("a reason for what is stored", "only a refusal has one", reason="because"),
        changed("a refusal without a reason", "it says why", verdict="refused"),
        changed("a reason in capitals", "words of a to z joined by hyphens", verdict="refused", reason="Too-Large"),
        changed("a reason of nine words", "eight at most", verdict="refused", reason="-".join("abcdefghi")),
        changed("a reason that ends with a hyphen", "words joined by hyphens", verdict="refused", reason="too-"),
        changed("a part number beyond the limit", "9,999 at most", seq=10_000),
        changed("a record hash cut", "64 digits", record="7" * 63),
        changed("a time with a leading zero", "one spelling", arrived="01"),
    ]  # fmt: skip

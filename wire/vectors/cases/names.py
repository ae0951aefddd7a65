"""Encodings, ids, topics and lengths (SPEC 2, 3, 8, 9.1)."""

from cases.base import CLIP, DOORBELL, Case, accepted, doorbell_of, padded_length, public, refused, sha256, zeros

OTHER = doorbell_of("other doorbell")


def strict_json() -> list[Case]:
    """JSON as the wire allows it (SPEC 2.2)."""

    def ok(name: str, why: str, text: str, value: object) -> Case:
        return accepted(name, why, "json", {"bytes": [{"text": text}]}, value)

    def bad(name: str, why: str, *pieces: dict[str, object]) -> Case:
        return refused(name, why, "json", {"bytes": list(pieces)})

    def bad_text(name: str, why: str, text: str) -> Case:
        return bad(name, why, {"text": text})

    filler = 262_144 - len('{"a":""}')
    return [
        ok("an object", "the common case", '{"b":[1,-2,true,null],"a":"x"}', {"a": "x", "b": [1, -2, True, None]}),
        ok("white space around tokens", "a file may end with a line feed", ' {"a" : 1}\n', {"a": 1}),
        ok("text beyond ascii in a value", "names are utf-8", '{"a":"Tür 🚪"}', {"a": "Tür 🚪"}),
        ok("an escaped pair", "it is one character", '{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        ok("the largest whole number", "2^53-1 fits", '{"a":9007199254740991}', {"a": 2**53 - 1}),
        ok("the smallest whole number", "-(2^53-1) fits", '{"a":-9007199254740991}', {"a": -(2**53) + 1}),
        ok("eight levels", "the depth allowed", '{"a":[[[[[[[1]]]]]]]}', {"a": [[[[[[[1]]]]]]]}),
        ok("brackets in a string", "they nest nothing", '{"a":"[[[[[[[[[[{{{{"}', {"a": "[[[[[[[[[[{{{{"}),
        bad_text("nine levels", "one too deep", '{"a":[[[[[[[[1]]]]]]]]}'),
        bad_text(
            "depth hidden by brackets in a string",
            "closing brackets in a string must not lower the count",
            '{"a":"' + "]" * 300 + '","b":' + "[" * 300 + "]" * 300 + "}",
        ),
        bad_text("a key twice", "two readers would disagree", '{"a":1,"a":2}'),
        bad_text("a key twice by escape", "\\u0061 is a", '{"a":1,"\\u0061":2}'),
        bad_text("a key twice inside", "at every level", '{"x":{"a":1,"a":1}}'),
        bad_text("a key beyond ascii", "keys are ascii", '{"ä":1}'),
        bad_text("a fraction", "whole numbers only", '{"a":1.5}'),
        bad_text("a whole number written as a fraction", "whole numbers only", '{"a":1.0}'),
        bad_text("an exponent", "whole numbers only", '{"a":1e3}'),
        bad_text("a number beyond 2^53-1", "not every implementation holds it", '{"a":9007199254740992}'),
        bad_text("a number below -(2^53-1)", "not every implementation holds it", '{"a":-9007199254740992}'),
        bad_text("a long number", "no more than 16 digits", '{"a":' + "1" * 400 + "}"),
        bad_text("a negative zero", "two spellings of zero", '{"a":-0}'),
        bad_text("a leading zero", "not json", '{"a":01}'),
        bad_text("NaN", "not json", '{"a":NaN}'),
        bad_text("Infinity", "not json", '{"a":-Infinity}'),
        bad_text("half of a pair", "not text", '{"a":"\\ud800"}'),
        bad_text("half of a pair in a key", "not text", '{"\\udc00":1}'),
        bad_text("a raw line feed in a string", "not json", '{"a":"\n"}'),
        bad_text("a trailing comma", "not json", '{"a":1,}'),
        bad_text("a comment", "not json", '{"a":1} // x'),
        bad_text("two objects", "one object only", "{}{}"),
        bad_text("bytes after", "one object only", "{}x"),
        bad_text("an array", "an object only", "[1]"),
        bad_text("a string", "an object only", '"a"'),
        bad_text("nothing", "an object only", ""),
        bad_text("cut", "not json", '{"a":'),
        bad("a byte order mark", "not json", {"hex": "efbbbf"}, {"text": "{}"}),
        bad("not utf-8", "utf-8 only", {"text": '{"a":"'}, {"hex": "ff"}, {"text": '"}'}),
        bad("an overlong form", "not utf-8", {"text": '{"a":"'}, {"hex": "c0af"}, {"text": '"}'}),
        bad("a surrogate in utf-8", "not utf-8", {"text": '{"a":"'}, {"hex": "eda080"}, {"text": '"}'}),
        bad("utf-16", "utf-8 only", {"hex": "7b007d00"}),
        bad("a nul byte after", "not json", {"text": "{}"}, zeros(1)),
        bad("one byte over the limit", "262,144 bytes are allowed",
            {"text": '{"a":"'}, {"text": "x", "times": filler + 1}, {"text": '"}'}),
    ]  # fmt: skip


def ids() -> list[Case]:
    """Ids, hashes, names and shards (SPEC 3)."""
    key = public("doorbell")
    random = "00112233445566778899"
    later = "0190f3a1b2c4" + random
    high = "7fffffffffff" + random

    def clip(name: str, why: str, previous: str | None, wall_ms: int, value: str) -> Case:
        given = {"previous": previous, "wall_ms": wall_ms, "random": random}
        return accepted(name, why, "new_clip", given, {"clip": value})

    def name(name: str, why: str, text: str, *, good: bool) -> Case:
        given = {"text": text}
        return accepted(name, why, "name", given, {"text": text}) if good else refused(name, why, "name", given)

    return [
        accepted("a doorbell", "half of SHA-256 of its key", "doorbell", {"key": key.hex()}, {"doorbell": DOORBELL}),
        accepted("a shard", "SHA-256 of the id's letters, not of its bytes", "shard", {"doorbell": DOORBELL},
                 {"shard": sha256(DOORBELL.encode())[:2]}),
        clip("the first clip", "Unix milliseconds, then random", None, 0x0190F3A1B2C3, "0190f3a1b2c3" + random),
        clip("a later clip", "the clock has moved on", CLIP, 0x0190F3A1B2FF, "0190f3a1b2ff" + random),
        clip("a clip in the same millisecond", "never the same stamp twice", CLIP, 0x0190F3A1B2C3, later),
        clip("a clock that jumped back", "a later clip never sorts before an earlier one", CLIP, 5, later),
        clip("a clock before 1970", "no negative stamp", None, -5, "000000000000" + random),
        accepted("the time in a clip", "a label to sort by", "clip_time", {"clip": CLIP}, {"ms": 0x0190F3A1B2C3}),
        accepted("a far time in a clip", "48 bits", "clip_time", {"clip": high}, {"ms": 2**47 - 1}),
        refused("an id in capitals", "lower case only", "clip_time", {"clip": CLIP.upper()}),
        refused("an id one digit short", "32 digits", "clip_time", {"clip": CLIP[1:]}),
        refused("an id one digit long", "32 digits", "clip_time", {"clip": CLIP + "0"}),
        refused("an id with a line feed", "32 digits and nothing after", "clip_time", {"clip": CLIP + "\n"}),
        refused("an id with a letter beyond f", "hex only", "clip_time", {"clip": "g" + CLIP[1:]}),
        refused("an id with a digit beyond ascii", "ascii only", "clip_time", {"clip": "٣" + CLIP[1:]}),
        refused("no id", "32 digits", "clip_time", {"clip": ""}),
        name("a name", "letters of any script", "Großmutter's 電話 📱", good=True),
        name("a name of 64", "the most", "n" * 64, good=True),
        name("a name of 64 beyond the basic plane", "code points are counted, not utf-16", "🚪" * 64, good=True),
        name("an empty name", "at least one character", "", good=False),
        name("a name of 65", "one too many", "n" * 65, good=False),
        name("a name with a line feed", "it would draw a line of its own", "a\nb", good=False),
        name("a name with an escape", "it would command a terminal", "a\x1b[2J", good=False),
        name("a name with a C1 control", "it would command a terminal", "a\x9b2J", good=False),
        name("a name with a right-to-left override", "it would show as another", "a\u202eb", good=False),
        name("a name with an isolate", "it would show as another", "a\u2066b", good=False),
        name("a name with a line separator", "it would draw a line of its own", "a\u2028b", good=False),
    ]  # fmt: skip


def topics() -> list[Case]:
    """MQTT topics (SPEC 8)."""
    shard = sha256(DOORBELL.encode())[:2]
    base = f"sb/1/{shard}/{DOORBELL}"
    other_shard = f"{int(shard, 16) ^ 1:02x}"

    def written(name: str, do: str, given: dict[str, object], topic: str) -> Case:
        return accepted(name, "as it is written", do, given, {"topic": topic})

    def read(name: str, why: str, topic: str, kind: str, clip: str | None = None, seq: int | None = None) -> Case:
        value = {"doorbell": DOORBELL, "kind": kind, "clip": clip, "seq": seq}
        return accepted(name, why, "read_up", {"topic": topic}, value)

    def bad(name: str, why: str, topic: str) -> Case:
        return refused(name, why, "read_up", {"topic": topic})

    def answer(name: str, why: str, topic: str) -> Case:
        return refused(name, why, "read_receipt_topic", {"topic": topic, "doorbell": DOORBELL})

    clip = {"doorbell": DOORBELL, "clip": CLIP}
    return [
        written("a part", "part_topic", {**clip, "seq": 12}, f"{base}/up/part/{CLIP}/12"),
        written("the resume question", "have_topic", clip, f"{base}/up/have/{CLIP}"),
        written("receipts", "receipt_topic", clip, f"{base}/dn/receipt/{CLIP}"),
        written("what a doorbell subscribes to", "down_filter", {"doorbell": DOORBELL}, f"{base}/dn/#"),
        written("what a relay subscribes to", "up_filter", {"shard": None}, "sb/1/+/+/up/#"),
        written("one shard", "up_filter", {"shard": "7f"}, "sb/1/7f/+/up/#"),
        read("part 0", "numbers begin at 0", f"{base}/up/part/{CLIP}/0", "part", CLIP, 0),
        read("part 9999", "the largest number", f"{base}/up/part/{CLIP}/9999", "part", CLIP, 9999),
        read("have", "the resume question", f"{base}/up/have/{CLIP}", "have", CLIP),
        read("hello", "reserved, yet well formed", f"{base}/up/hello", "hello"),
        read("health", "reserved, yet well formed", f"{base}/up/health", "health"),
        bad("part 10000", "beyond the limit", f"{base}/up/part/{CLIP}/10000"),
        bad("a leading zero", "one spelling for each number", f"{base}/up/part/{CLIP}/01"),
        bad("a negative part", "digits only", f"{base}/up/part/{CLIP}/-1"),
        bad("a part with a space", "digits only", f"{base}/up/part/{CLIP}/1 "),
        bad("no part number", "a level is missing", f"{base}/up/part/{CLIP}"),
        bad("an empty part number", "a level is empty", f"{base}/up/part/{CLIP}/"),
        bad("a level too many", "nothing after", f"{base}/up/part/{CLIP}/1/x"),
        bad("a trailing slash", "nothing after", f"{base}/up/have/{CLIP}/"),
        bad("a leading slash", "nothing before", f"/{base}/up/hello"),
        bad("another version", "sb/1 only", f"sb/2/{shard}/{DOORBELL}/up/hello"),
        bad("another shard", "the shard follows from the doorbell", f"sb/1/{other_shard}/{DOORBELL}/up/hello"),
        bad("a doorbell in capitals", "lower case only", f"sb/1/{shard}/{DOORBELL.upper()}/up/hello"),
        bad("a clip in capitals", "lower case only", f"{base}/up/part/{CLIP.upper()}/0"),
        bad("a wildcard", "no topic holds one", f"{base}/up/+"),
        bad("an unknown kind", "part, have, hello, health", f"{base}/up/order"),
        bad("below dn", "a doorbell publishes only below its up", f"{base}/dn/receipt/{CLIP}"),
        bad("a long topic", "128 characters at most", f"{base}/up/part/{CLIP}/" + "1" * 100),
        bad("nothing", "not a topic", ""),
        accepted("a receipt's topic", "of this doorbell", "read_receipt_topic",
                 {"topic": f"{base}/dn/receipt/{CLIP}", "doorbell": DOORBELL}, {"clip": CLIP}),
        answer("another doorbell's receipts", "not this doorbell's",
               f"sb/1/{sha256(OTHER.encode())[:2]}/{OTHER}/dn/receipt/{CLIP}"),
        answer("an order", "not a receipt", f"{base}/dn/order/{CLIP}"),
        answer("a receipt of no clip", "32 digits", f"{base}/dn/receipt/"),
        answer("a receipt with more behind", "32 digits and nothing after", f"{base}/dn/receipt/{CLIP}/0"),
    ]  # fmt: skip


def padme() -> list[Case]:
    """Padded lengths (SPEC 9.1)."""
    lengths = [2, 3, 8, 9, 10, 11, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 255, 257, 1000, 1024, 1025, 1500, 4097]
    lengths += [10_000, 65_535, 65_536, 65_537, 100_000, 262_144, 262_145, 500_000, 524_289, 999_999, 1_000_000]
    cases = [accepted(f"length {length}", "Padme", "padme", {"length": length}, {"padded": padded_length(length)})
             for length in lengths]  # fmt: skip
    return [
        accepted("length 0", "nothing to round", "padme", {"length": 0}, {"padded": 0}),
        accepted("length 1", "nothing to round", "padme", {"length": 1}, {"padded": 1}),
        *cases,
    ]

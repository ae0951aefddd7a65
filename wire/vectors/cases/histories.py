"""How parts join into clips and clips into a history (SPEC 6)."""

from typing import Any

from cases.base import CLIP, ZERO_HASH, Case, accepted, doorbell_of, record, refused, sha256

OTHER_CLIP = "0190f3a1b2ff" + "a5" * 10
CONTRADICTION = "ContradictionError"


def chains() -> list[Case]:
    """Joins within a clip, its order of kinds, and joins between clips."""
    return [*_joins(), *_kinds(), *_follows()]


def _joins() -> list[Case]:
    before = record(2)
    before_hash = sha256(before.encode())
    after = record(3, prev=before_hash)

    def case(name: str, why: str, first: str, second: str, error: str | None = None) -> Case:
        given = {"before": first, "after": second}
        return refused(name, why, "joins", given, error) if error else accepted(name, why, "joins", given, {})

    other = record(2, synced=0)
    end = record(3, "manifest", prev=before_hash)
    return [
        case("two parts", "prev is the hash of the one before", before, after),
        case("a notice and the init part", "kinds do not matter to the hash", record(0, "notice"),
             record(1, "init", prev=sha256(record(0, "notice").encode()))),
        case("media and its manifest", "the signed end", before, end),
        case("swapped", "the order is signed", after, before, CONTRADICTION),
        case("a part left out", "numbers have no gap", before, record(4, prev=sha256(after.encode())), CONTRADICTION),
        case("the same part twice", "each number once", before, record(2, prev=before_hash), CONTRADICTION),
        case("after another part of the same number", "two parts were signed under one number", other, after,
             CONTRADICTION),
        case("of another clip", "clips do not mix", before, record(3, prev=before_hash, clip=OTHER_CLIP),
             CONTRADICTION),
        case("of another doorbell", "doorbells do not mix", before,
             record(3, prev=before_hash, doorbell=doorbell_of("other doorbell")), CONTRADICTION),
        case("after the end", "a manifest is the last part", end, record(4, prev=sha256(end.encode())),
             CONTRADICTION),
    ]  # fmt: skip


def _kinds() -> list[Case]:
    def case(name: str, why: str, kinds: str, *, good: bool) -> Case:
        names = {"n": "notice", "i": "init", "m": "media", "e": "manifest"}
        given = {"kinds": [names[letter] for letter in kinds]}
        return accepted(name, why, "kinds", given, {}) if good else refused(name, why, "kinds", given, CONTRADICTION)

    return [
        case("a whole clip", "notice, init, media, manifest", "nimme", good=True),
        case("an interrupted clip", "it ends anywhere", "nim", good=True),
        case("only the first notice", "it ends anywhere", "n", good=True),
        case("presses while the camera starts", "notices may stand before init", "nnnim", good=True),
        case("a press during the clip", "notices may stand among media", "nimnmnne", good=True),
        case("a camera that never started", "a manifest may follow notices alone", "nne", good=True),
        case("media before init", "nothing could play it", "nmi", good=False),
        case("media without init", "nothing could play it", "nmm", good=False),
        case("a second init", "one film, one beginning", "nimim", good=False),
        case("media after the manifest", "a manifest is the last part", "nimem", good=False),
        case("two manifests", "a manifest is the last part", "nimee", good=False),
        case("no notice first", "a clip begins with one", "inm", good=False),
    ]


def _follows() -> list[Case]:
    first = record(0, "notice")
    end_hash = sha256(record(9, "manifest").encode())

    def later(**changes: Any) -> str:
        return record(0, "notice", **({"clip": OTHER_CLIP, "counter": 8, "last": end_hash} | changes))

    def case(name: str, why: str, second: str, *, good: bool = False, end: str = end_hash) -> Case:
        given = {"earlier": first, "earlier_end": end, "later": second}
        return (
            accepted(name, why, "follows", given, {}) if good else refused(name, why, "follows", given, CONTRADICTION)
        )

    def begins(name: str, why: str, record_text: str, *, good: bool = False) -> Case:
        given = {"first": record_text}
        return accepted(name, why, "begins", given, {}) if good else refused(name, why, "begins", given, CONTRADICTION)

    return [
        case("two clips", "counter and last say so", later(), good=True),
        case("a hidden clip", "the counter has a hole", later(counter=9)),
        case("a cut end", "last names a part that is not held", later(), end=sha256(record(8).encode())),
        case("an end that the doorbell lost", "a last of zeros says so", later(last=ZERO_HASH)),
        case("the same number again", "two doorbells use one key", later(counter=7)),
        case("a lower number", "an old clip is passed off as new", later(counter=6)),
        case("a lower name", "an old clip is passed off as new", later(clip="0190f3a1b200" + CLIP[12:])),
        case("the same name", "a name is used once", later(clip=CLIP)),
        case("a clip of another doorbell", "histories do not mix", later(doorbell=doorbell_of("other doorbell"))),
        begins("the first clip", "counter 1, last zero", record(0, "notice", counter=1, last=ZERO_HASH), good=True),
        begins("not the first number", "older clips are missing", record(0, "notice", counter=2, last=ZERO_HASH)),
        begins("a first number after a clip", "older clips are missing", record(0, "notice", counter=1)),
    ]

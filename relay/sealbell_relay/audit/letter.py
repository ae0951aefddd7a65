"""STATEMENT.txt of a disclosure: what it is, what cannot be given and why, and how anybody checks that. Pure."""

import textwrap
from dataclasses import dataclass, replace

from sealbell_relay.audit.knows import ABSENT, SEEN

WIDTH_CHARS = 88

FILES = (
    (
        "parts/",
        "a folder a clip, a file a part, as stored: a signed record in plain text, a sealed file, and this relay's "
        "signed receipt of its arrival. A .dropped is a record whose sealed file never arrived",
    ),
    ("health/", "the last message by which the doorbell said that it works, as stored; what it says is sealed"),
    ("retention/", "the owner's signed word for how many days clips are kept; without it they are kept for 30"),
    ("deleted/", "a file a clip that the owner deleted: the owner's signed word for that. Nothing else is left of it"),
    ("doorbell.json", "the doorbell's public key, and its owner's"),
    ("owner.json", "the owner's public key, and the SHA-256 of the token by which the owner signs in"),
    ("index.csv", "a line a part: all that this relay can read of it"),
    (
        "knows.json",
        "what each column means, what is known of the last health message, the SHA-256 of the token of each of the "
        "owner's phones with the day on which it was added, and whether doorbell or owner were revoked, and by whom",
    ),
    ("SHA256SUMS", "check it with: sha256sum -c SHA256SUMS"),
)
SEALED = """\
What is in the sealed files: pictures, sound, and what the doorbell says of them and of itself. The doorbell sealed
each file to its owner's keys before it sent it. No such key is here or was ever sent here, nor a master key, nor a copy
that is not sealed, and the program of this relay has nothing in it that opens a sealed file. So neither the relay nor
whoever runs it can open one. Whoever holds one of the owner's keys can.
"""
LOGS = """\
The program also writes log lines, of what it refused and what failed, which can name a doorbell or an address. Whether
the machine keeps them, and whether whoever runs it keeps other records, the program cannot tell.
"""
CREDENTIAL = """\
Two hashes (bcrypt and PBKDF2) of a random number by which the doorbell signs in to send. This relay keeps them, and
they are all that it keeps of this doorbell and does not give. They tell nothing of anybody, and open nothing; but
whoever could undo one could pass for the doorbell at this relay's door, and a copy elsewhere is one more to try it on.
"""
FORMATS = """\
The formats are public. A sealed file is an age file (https://age-encryption.org/v1). Parts, records and receipts are
described in wire/SPEC.md of Sealbell, whose program for relays is public, too.
"""
TRY = """\
Take a sealed file out of a part (index.csv says where it is: age_from, size) and try to open it with the public program
age, and any key that you have or make:
"""
ANSWER = """\
It answers "no identity matched any of the recipients": it has read the file's header, and the file is sealed to other
keys than yours. It is the same with every other part. Whoever holds one of the owner's keys opens it in this very way,
and needs no relay for it.
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was given: clips, whole parts, dropped ones, how many of both are damaged, health messages, bytes."""

    clips: int = 0
    parts: int = 0
    dropped: int = 0
    damaged: int = 0
    healths: int = 0
    size_bytes: int = 0

    def with_part(self, dropped: bool, size_bytes: int, damaged: bool) -> "Counts":
        """Return the counts with one stored part more."""
        return replace(
            self,
            parts=self.parts + (not dropped),
            dropped=self.dropped + dropped,
            damaged=self.damaged + damaged,
            size_bytes=self.size_bytes + size_bytes,
        )


@dataclass(frozen=True, slots=True)
class Example:
    """A part with which the check is shown: its file, where its sealed file begins (from 1), and how long that is."""

    file: str
    age_from: int
    size_bytes: int


def letter(
    doorbell: str, receipt_key: str, made: str, program: str, counts: Counts, example: Example | None, has_owner: bool
) -> str:
    """Return the text; `made` says when, `program` what wrote it."""
    return "\n".join(
        (
            f"STATEMENT ON DOORBELL {doorbell}\n",
            "1. WHAT THIS IS\n",
            *_what_it_is(made, program, receipt_key, counts, has_owner),
            "2. WHAT CANNOT BE GIVEN, AND WHY\n",
            _paragraph(SEALED),
            "This relay does not know:\n",
            *(_item(thing) for thing in ABSENT),
            "\n3. WHAT ELSE IS NOT IN HERE\n",
            "Anything of other doorbells and other owners.\n",
            _paragraph(CREDENTIAL),
            "What this relay sees while it serves, and does not write down:\n",
            *(_item(thing) for thing in SEEN),
            "\n" + _paragraph(LOGS),
            "4. HOW ANYBODY CAN CHECK THIS\n",
            _paragraph(FORMATS),
            *_how_to_check(example),
        )
    )


def _what_it_is(made: str, program: str, receipt_key: str, counts: Counts, has_owner: bool) -> list[str]:
    lines = [
        _paragraph(
            "This folder holds all that this relay keeps of this doorbell, but for one thing that section 3 names: "
            f"clips: {counts.clips}, parts: {counts.parts}, dropped parts: {counts.dropped}, together "
            f"{counts.size_bytes} bytes; health messages: {counts.healths}. It was copied on {made}, by the clock of "
            f"the relay's machine, by {program}. "
            f"This relay's receipts are signed by the key {receipt_key}."
        )
    ]
    if counts.damaged:
        lines.append(_paragraph(f"Damaged parts: {counts.damaged}. They are given as they are; index.csv says which."))
    for name, text in FILES:
        lines.append(textwrap.fill(text, WIDTH_CHARS, initial_indent=f"  {name:15}", subsequent_indent=" " * 17))
    if not has_owner:
        lines.append("\n" + _paragraph("owner.json is not here: this relay keeps no card of the doorbell's owner."))
    return [*lines, ""]


def _how_to_check(example: Example | None) -> list[str]:
    if example is None:
        return ["There is no sealed part here to try it on.\n"]
    return [
        _paragraph(TRY),
        f"  tail -c +{example.age_from} {example.file} | head -c {example.size_bytes} > part.age",
        "  age-keygen -o any.key",
        "  age -d -i any.key part.age\n",
        _paragraph(ANSWER),
    ]


def _paragraph(text: str) -> str:
    return textwrap.fill(text, WIDTH_CHARS, break_on_hyphens=False) + "\n"


def _item(text: str) -> str:
    return textwrap.fill(text, WIDTH_CHARS, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)

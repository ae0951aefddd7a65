"""What an owner says of what a relay keeps: tombstones, retention documents, resumptions (SPEC 16)."""

from collections.abc import Callable
from typing import Any

from cases.base import (
    CLIP,
    DOORBELL,
    WALL_MS,
    ZERO_HASH,
    ZERO_ID,
    Case,
    Pieces,
    accepted,
    lines,
    public,
    refused,
    sha256,
    signature,
    statement,
)

OWNER = public("root").hex()
TOKEN = sha256(b"a token")
NONCE = "5c" * 32
SMALL_ORDER = "01" + "00" * 31

TOMBSTONE = {"owner": OWNER, "kind": "clip", "doorbell": DOORBELL, "name": CLIP, "wall": WALL_MS}
OF_DOORBELL = {"kind": "doorbell", "name": ZERO_ID}
OF_TOKEN = {"kind": "token", "doorbell": ZERO_ID, "name": TOKEN}
RETENTION = {"owner": OWNER, "doorbell": DOORBELL, "number": WALL_MS, "days": 14}
RESUMPTION = {"owner": OWNER, "nonce": NONCE, "wall": WALL_MS}


class Kind:
    """One kind of statement: its operation, frame, and the lines that it has unless changed."""

    def __init__(self, do: str, magic: str, default: dict[str, Any], value: Callable[[dict[str, Any]], Any]) -> None:
        self.do, self.magic, self.default, self.value = do, magic, default, value

    def text(self, **changes: Any) -> str:
        """The text, with other values where `changes` says so."""
        return lines(f"sealbell-{self.do}-v1", self.default | changes)

    def signed(self, text: str, namespace: str = "", label: str = "root") -> Pieces:
        """The frame of a text, signed by the key of this label."""
        return statement(self.magic, text, signature(label, namespace or f"{self.do}@sealbell", text.encode()))

    def ok(self, name: str, why: str, /, **changes: Any) -> Case:
        """A case that is taken."""
        given = {"bytes": self.signed(self.text(**changes))}
        return accepted(name, why, self.do, given, self.value(self.default | changes))

    def bad(self, name: str, why: str, pieces: Pieces, error: str = "FormatError") -> Case:
        """A case that is refused."""
        return refused(name, why, self.do, {"bytes": pieces}, error)

    def changed(self, name: str, why: str, /, **changes: Any) -> Case:
        """A case that is refused because of one value, well signed."""
        return self.bad(name, why, self.signed(self.text(**changes)))

    def common(self) -> list[Case]:
        """What every kind refuses."""
        text, signed = self.text(), self.signed(self.text())
        last = text.splitlines(keepends=True)[-1]
        return [
            self.bad("signed by another", "the owner that it names",
                self.signed(text, label="phone"), "SignatureError"),
            self.bad("signed as a receipt", "another namespace",
                self.signed(text, "receipt@sealbell"), "SignatureError"),
            self.bad("signed as a part", "another namespace", self.signed(text, "part@sealbell"), "SignatureError"),
            self.bad("an owner's key of small order", "any signature fits",
                self.signed(self.text(owner=SMALL_ORDER)), "SignatureError"),
            self.bad("changed", "another text under the same signature",
                statement(self.magic, text.replace(last, f"{last[:-2]}{'1' if last[-2] != '1' else '2'}\n"),
                    signature("root", f"{self.do}@sealbell", text.encode())), "SignatureError"),
            self.bad("cut", "whole frames only", signed[:-1]),
            self.bad("a byte after", "nothing after it", [*signed, {"hex": "00"}]),
            self.bad("twice", "one only", [*signed, *signed]),
            self.bad("another magic", "each kind its own", [{"text": "SBR1"}, *signed[1:]]),
            self.bad("another version", "v1 only", self.signed(text.replace("-v1", "-v2"))),
            self.bad("a line too many", "nothing after the last", self.signed(text + "note x\n")),
            self.bad("a line too few", "every line is there", self.signed(text.removesuffix(last))),
            self.bad("crlf", "line feeds only", self.signed(text.replace("\n", "\r\n"))),
            self.bad("longer than 1,024 bytes", "capped before it is parsed", self.signed(text + "x" * 1024)),
            self.changed("an owner in capitals", "lower case only", owner=OWNER.upper()),
            self.changed("an owner cut", "64 digits", owner=OWNER[1:]),
        ]  # fmt: skip


def tombstones() -> list[Case]:
    """What is over for good (SPEC 16.1)."""

    def value(fields: dict[str, Any]) -> dict[str, Any]:
        told = {("wall_ms" if key == "wall" else key): found for key, found in fields.items()}
        return told | {"hash": sha256(lines("sealbell-tombstone-v1", fields).encode())}

    kind = Kind("tombstone", "SBT1", TOMBSTONE, value)
    return [
        kind.ok("a clip", "the common case"),
        kind.ok("a doorbell", "its name is zeros", **OF_DOORBELL),
        kind.ok("a token", "its doorbell is zeros", **OF_TOKEN),
        kind.ok("the largest time", "2^53-1", wall=2**53 - 1),
        *kind.common(),
        kind.changed("an unknown kind", "clip, doorbell, token", kind="owner"),
        kind.changed("a clip of no doorbell", "it is a doorbell's", doorbell=ZERO_ID),
        kind.changed("no clip", "it names one", name=ZERO_ID),
        kind.changed("a clip as long as a token", "32 digits", name=TOKEN),
        kind.changed("a clip in capitals", "lower case only", name="A" + CLIP[1:]),
        kind.changed("no doorbell", "it names one", **OF_DOORBELL | {"doorbell": ZERO_ID}),
        kind.changed("a doorbell with a clip's name", "its name is zeros", kind="doorbell"),
        kind.changed("a doorbell with a token's zeros", "32 digits", **OF_DOORBELL | {"name": ZERO_HASH}),
        kind.changed("a token of a doorbell", "its doorbell is zeros", **OF_TOKEN | {"doorbell": DOORBELL}),
        kind.changed("a token cut", "64 digits", **OF_TOKEN | {"name": TOKEN[1:]}),
        kind.changed("a time with a leading zero", "one spelling", wall="01"),
        kind.changed("a time beyond 2^53-1", "not every implementation holds it", wall=2**53),
    ]


def retentions() -> list[Case]:
    """For how many days clips are kept (SPEC 16.2)."""
    kind = Kind(
        "retention",
        "SBX1",
        RETENTION,
        lambda fields: fields | {"hash": sha256(lines("sealbell-retention-v1", fields).encode())},
    )
    return [
        kind.ok("two weeks", "the common case"),
        kind.ok("the least", "one day, number 1", days=1, number=1),
        kind.ok("the most", "36,500 days, number 2^53-1", days=36_500, number=2**53 - 1),
        *kind.common(),
        kind.changed("no day", "one at least", days=0),
        kind.changed("a day too many", "36,500 at most", days=36_501),
        kind.changed("a fraction of a day", "whole days", days="1.5"),
        kind.changed("a negative day", "digits only", days="-1"),
        kind.changed("number 0", "from 1", number=0),
        kind.changed("a number beyond 2^53-1", "not every implementation holds it", number=2**53),
        kind.changed("a number with a leading zero", "one spelling", number="01"),
        kind.changed("a doorbell cut", "32 digits", doorbell=DOORBELL[1:]),
    ]


def resumptions() -> list[Case]:
    """That a restored relay may show things again (SPEC 16.3)."""

    def value(fields: dict[str, Any]) -> dict[str, Any]:
        return {("wall_ms" if key == "wall" else key): found for key, found in fields.items()}

    kind = Kind("resumption", "SBC1", RESUMPTION, value)
    return [
        kind.ok("of one nonce", "the common case"),
        *kind.common(),
        kind.changed("a nonce cut", "64 digits", nonce=NONCE[1:]),
        kind.changed("a nonce in capitals", "lower case only", nonce=NONCE.upper()),
        kind.changed("a time with a sign", "digits only", wall="+1"),
    ]

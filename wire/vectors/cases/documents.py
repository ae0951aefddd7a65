"""Readers documents and cards (SPEC 10, 11)."""

import base64
from typing import Any

from cases.base import (
    DOORBELL,
    ZERO_HASH,
    ZERO_ID,
    Case,
    Pieces,
    accepted,
    compact,
    doorbell_of,
    join,
    public,
    refused,
    sha256,
    signature,
    statement,
)
from cases.recipients import RECIPIENTS
from cases.signatures import SMALL_ORDER

CONTRADICTION, SIGNATURE = "ContradictionError", "SignatureError"
Document = dict[str, Any]


def entry(label: str, role: str = "phone", rights: tuple[str, ...] = (), **changes: Any) -> Document:
    """One reader."""
    fields = {"name": label, "recipient": RECIPIENTS[label], "signing_key": public(label).hex(), "role": role}
    return fields | {"rights": list(rights)} | changes


def document(version: int = 1, **changes: Any) -> Document:
    """A readers document; from version 2 on it names the doorbell."""
    fields: Document = {
        "v": 1,
        "doorbell": ZERO_ID if version == 1 else DOORBELL,
        "version": version,
        "generation": 0,
        "owner": public("root").hex(),
        "next_owner": sha256(public("next root")),
        "before": ZERO_HASH,
        "entries": [entry("root", "root", ("readers", "orders"))],
    }
    return fields | changes


def signed(doc: Document, label: str = "root", namespace: str = "readers@sealbell") -> Pieces:
    """The frame of a document under the signature of the key of this label."""
    text = compact(doc)
    return statement("SBK1", text, signature(label, namespace, text.encode()))


def hash_of(doc: Document) -> str:
    """The name of a document's text."""
    return sha256(compact(doc).encode())


def readers() -> list[Case]:
    """Grammar, pinning and the acceptance rules."""
    return [*_grammar(), *_pinning(), *_succession()]


def _grammar() -> list[Case]:
    def ok(name: str, why: str, doc: Document) -> Case:
        return accepted(name, why, "readers", {"bytes": signed(doc)}, doc | {"hash": hash_of(doc)})

    def bad(name: str, why: str, pieces: Pieces, error: str = "FormatError") -> Case:
        return refused(name, why, "readers", {"bytes": pieces}, error)

    def changed(name: str, why: str, error: str = "FormatError", **changes: Any) -> Case:
        return bad(name, why, signed(document(**changes)), error)

    def reader(name: str, why: str, error: str = "FormatError", /, **changes: Any) -> Case:
        return bad(name, why, signed(document(entries=[document()["entries"][0] | changes])), error)

    text = compact(document())
    by_root = signature("root", "readers@sealbell", text.encode())
    root, phone = document()["entries"][0], entry("phone")
    return [
        ok("a first version", "the root alone", document()),
        ok("a later version", "root and phone", document(2, before=hash_of(document()), entries=[root, phone])),
        bad("a byte after", "nothing after the document", [*signed(document()), {"hex": "00"}]),
        bad("cut", "whole frames only", signed(document())[:-1]),
        bad("another magic", "SBK1", [{"text": "SBR1"}, *signed(document())[1:]]),
        bad("a key too many", "exact keys", signed(document() | {"note": ""})),
        bad("a key missing", "exact keys", signed({k: v for k, v in document().items() if k != "generation"})),
        bad("a fraction for a number", "whole numbers only",
            statement("SBK1", text.replace('"version":1', '"version":1.0'), by_root)),
        changed("version 0", "counted from 1", version=0),
        changed("a version that is text", "a whole number", version="1"),
        changed("a version that is true", "a whole number", version=True),
        changed("another format", "v is 1", v=2),
        changed("a negative generation", "counted from 0", generation=-1),
        changed("a doorbell in capitals", "lower case only", doorbell="A" * 32),
        changed("a version before the first", "version 1 has none", before="11" * 32),
        bad("no version before the second", "version 2 has one", signed(document(2))),
        changed("no entries", "at least the root", entries=[]),
        changed("17 entries", "16 at most", entries=[root] * 17),
        changed("an entry that is text", "an object", entries=["root"]),
        changed("no root", "nothing could be recovered", entries=[phone]),
        changed("two roots", "one root", entries=[root, phone | {"role": "root"}]),
        changed("a root that is not the owner", "the root signs as `owner`", entries=[phone | {"role": "root"}]),
        changed("two entries with one recipient", "they could not be told apart",
                entries=[root, phone | {"recipient": root["recipient"]}]),
        changed("two entries with one signing key", "they could not be told apart",
                entries=[root, phone | {"signing_key": root["signing_key"]}]),
        reader("an unknown role", "root or phone", role="admin"),
        reader("an unknown right", "readers, orders", rights=["all"]),
        reader("a right twice", "each once", rights=["orders", "orders"]),
        reader("a right that is no text", "readers, orders", rights=[1]),
        reader("a classic recipient", "post-quantum inside Sealbell", recipient="age1" + "q" * 58),
        reader("a recipient in capitals", "one spelling", recipient=root["recipient"].upper()),
        reader("a recipient one letter short", "1,959 characters", recipient=root["recipient"][:-1]),
        reader("a recipient with a letter that bech32 lacks", "bech32 letters", recipient=root["recipient"][:-1] + "b"),
        reader("a name with a line feed", "see the vectors of names", name="a\nb"),
        reader("an empty name", "at least one character", name=""),
        reader("a signing key of small order", "a signature under it fits any message", SIGNATURE,
               signing_key=SMALL_ORDER["order 8"]),
    ]  # fmt: skip


def _pinning() -> list[Case]:
    def bad(name: str, why: str, pieces: Pieces, error: str) -> Case:
        return refused(name, why, "pin", {"bytes": pieces}, error)

    later = document(2, before=hash_of(document()))
    return [
        accepted("pinned: a first version", "signed by the root", "pin", {"bytes": signed(document())}, {}),
        bad("pinned: a second version", "only a first version is pinned", signed(later), CONTRADICTION),
        bad("pinned: a first version for a doorbell", "it was written for no doorbell yet",
            signed(document(doorbell=DOORBELL)), CONTRADICTION),
        bad("pinned: signed by another", "the root signs", signed(document(), "phone"), SIGNATURE),
        bad("pinned: signed as something else", "another namespace", signed(document(), namespace="part@sealbell"),
            SIGNATURE),
    ]  # fmt: skip


def _succession() -> list[Case]:
    root = document()["entries"][0]
    phone = entry("phone", rights=("readers", "orders"))
    viewer = entry("viewer")
    current = document(5, before="11" * 32, entries=[root, phone, viewer])
    before = hash_of(current)

    def case(name: str, why: str, new: Document, label: str, error: str | None = None) -> Case:
        given = {"current": signed(current), "new": signed(new, label), "doorbell": DOORBELL}
        return refused(name, why, "succeeds", given, error) if error else accepted(name, why, "succeeds", given, {})

    def new(version: int = 6, **changes: Any) -> Document:
        return document(version, **({"before": before, "entries": [root, phone]} | changes))

    next_root = entry("next root", "root", ("readers", "orders"))
    generation = {"generation": 1, "owner": public("next root").hex(), "next_owner": sha256(public("third root"))}
    generation |= {"entries": [next_root, entry("new phone")]}
    swapped = [root | {"recipient": RECIPIENTS["new phone"]}, phone]
    last = 2**53 - 1
    return [
        case("by the root", "rule 4", new(), "root"),
        case("by the root, over another version", "rule 4: the root's word wins over any phone's",
             new(before="22" * 32), "root"),
        case("by the root, versions left out", "rule 4: any higher version", new(9), "root"),
        case("by the root, its recipient changed", "rule 4: the root may", new(entries=swapped), "root"),
        case("by a phone with the right", "rule 5", new(), "phone"),
        case("by the next generation", "rule 3", new(**generation), "next root"),
        case("by the next generation, with a lower version", "rule 3: the old key may have used up the numbers",
             new(2, **generation), "next root"),
        case("for another doorbell", "rule 1", new(doorbell=doorbell_of("other doorbell")), "root", CONTRADICTION),
        case("for no doorbell", "rule 1: only pinning takes a first version", document(), "root", CONTRADICTION),
        case("the same version", "rule 2", new(5), "root", CONTRADICTION),
        case("an older version", "rule 2: a rollback", new(4), "root", CONTRADICTION),
        case("an older version by a phone", "rule 2: a rollback", new(4), "phone", CONTRADICTION),
        case("a next generation that was not announced", "rule 3",
             new(**(generation | {"owner": public("third root").hex(),
                                  "entries": [entry("new phone", "root", signing_key=public("third root").hex())]})),
             "third root", CONTRADICTION),
        case("the next generation, signed by the old root", "rule 3", new(**generation), "root", SIGNATURE),
        case("the next generation, signed by a phone", "rule 3", new(**generation), "phone", SIGNATURE),
        case("a generation left out", "rule 3: one at a time", new(**(generation | {"generation": 2})), "next root",
             CONTRADICTION),
        case("another next key in the same generation", "rule 3: announced once",
             new(next_owner=sha256(public("third root"))), "root", CONTRADICTION),
        case("another owner in the same generation", "rule 3",
             new(owner=public("phone").hex(), entries=[entry("phone", "root")]), "phone", CONTRADICTION),
        case("by a phone, over another version", "rule 5: two phones wrote at once", new(before="22" * 32), "phone",
             CONTRADICTION),
        case("by a phone, versions left out", "rule 5: it could use up the numbers", new(last), "phone",
             CONTRADICTION),
        case("by a phone, the root's recipient replaced", "rule 5: recovery would end", new(entries=swapped), "phone",
             CONTRADICTION),
        case("by a phone without the right", "rule 5", new(), "viewer", SIGNATURE),
        case("by a phone that lists itself", "rule 5: only who is listed in the version in force",
             new(entries=[root, phone, entry("new phone", rights=("readers",))]), "new phone", SIGNATURE),
        case("by the relay", "rule 5", new(), "relay", SIGNATURE),
    ]  # fmt: skip


def cards() -> list[Case]:
    """The files that introduce one part to another (SPEC 11)."""
    doorbell = {"v": 1, "what": "doorbell", "key": public("doorbell").hex(), "owner": public("root").hex()}
    owner = {"v": 1, "what": "owner", "key": public("root").hex(), "token_hash": sha256(b"token")}
    addresses = {"mqtt": "mqtt://relay.example:1883", "http": "http://relay.example:8080"}
    addresses |= {"receipt_key": public("relay").hex(), "ca": ""}
    relay = {"v": 1, "what": "relay", **addresses}
    pinned = base64.b64encode(join(signed(document()))).decode()
    introduced = {**doorbell, "what": "introduction", "credential": sha256(b"credential")}

    def introduction_by(label: str, **changes: Any) -> Document:
        text = compact({**introduced, **changes}).encode()
        return {**introduced, **changes, "signature": signature(label, "introduction@sealbell", text).hex()}

    introduction = introduction_by("doorbell")
    secure = {"mqtt": "mqtts://relay.example:8883", "http": "https://relay.example", "ca": "MAA="}
    bundle = {"v": 1, "what": "bundle", "readers": pinned, "relay": addresses}

    def ok(name: str, card: Document) -> Case:
        value = card | {"doorbell": DOORBELL} if card in (doorbell, introduction) else card
        return accepted(name, "as it is written", "card", {"bytes": [{"text": compact(card) + "\n"}]}, value)

    def bad(name: str, why: str, card: Document, error: str = "FormatError", **changes: Any) -> Case:
        return refused(name, why, "card", {"bytes": [{"text": compact(card | changes)}]}, error)

    return [
        ok("a doorbell's card", doorbell),
        ok("an owner's card", owner),
        ok("an introduction", introduction),
        ok("a relay's card", relay),
        ok("a relay's card with TLS and a CA of its own", relay | secure),
        ok("an owner's bundle", bundle),
        bad("another version", "v is 1", doorbell, v=2),
        bad("a version that is true", "a whole number", doorbell, v=True),
        bad("an unknown card", "doorbell, owner, relay, bundle", doorbell, what="phone"),
        bad("a card that does not say what it is", "doorbell, owner, relay, bundle", {"v": 1}),
        bad("a card whose kind is a number", "doorbell, owner, relay, bundle", doorbell, what=1),
        bad("a key too many", "exact keys", doorbell, note=""),
        bad("a key missing", "exact keys", {k: v for k, v in doorbell.items() if k != "owner"}),
        bad("a key in capitals", "lower case only", doorbell, key=public("doorbell").hex().upper()),
        bad("a key cut", "64 digits", doorbell, key=public("doorbell").hex()[1:]),
        bad("a key of small order", "a signature under it fits any message", doorbell, SIGNATURE,
            key=SMALL_ORDER["y = 1, order 1"]),
        bad("an owner key of small order", "a signature under it fits any message", owner, SIGNATURE,
            key=SMALL_ORDER["y = 0, order 4"]),
        bad("a credential cut", "64 digits", introduction, credential=sha256(b"credential")[1:]),
        bad("an introduction that is not signed", "exact keys", introduced),
        bad("an introduction whose signature is cut", "128 digits", introduction,
            signature=introduction["signature"][:-1]),
        bad("an introduction that another doorbell signed", "by the key that it introduces",
            introduction_by("other doorbell"), SIGNATURE),
        bad("an introduction that the owner signed", "by the key that it introduces", introduction_by("root"),
            SIGNATURE),
        bad("an introduction to another owner than the doorbell signed", "the owner is signed", introduction,
            SIGNATURE, owner=public("phone").hex()),
        bad("an introduction with another credential than the doorbell signed", "the credential is signed",
            introduction, SIGNATURE, credential=sha256(b"another")),
        bad("a CA that is not base64", "RFC 4648", relay, ca="MAA"),
        bad("a CA that is not DER", "begins 0x30", relay, ca="MQA="),
        bad("a CA too long", "2,048 bytes", relay, ca=base64.b64encode(b"\x30" + bytes(2_048)).decode()),
        bad("a relay without a word on its CA", "exact keys", {k: v for k, v in relay.items() if k != "ca"}),
        bad("a receipt key of small order", "a signature under it fits any message", relay, SIGNATURE,
            receipt_key=SMALL_ORDER["y = -1, order 2"]),
        bad("a token's hash cut", "64 digits", owner, token_hash="77" * 31),
        bad("an address of another scheme", "mqtt://", relay, mqtt="file:///etc/passwd"),
        bad("an address with a line feed", "printable ascii", relay, http="http://relay\n.example"),
        bad("an address beyond ascii", "printable ascii", relay, http="http://türe.example"),
        bad("an address of 257 characters", "256 at most", relay, http="http://" + "a" * 250),
        bad("readers that are not base64", "RFC 4648, section 4", bundle, readers="SBK1*"),
        bad("readers without padding", "RFC 4648, section 4", bundle, readers="QQ"),
        bad("readers with spare bits", "one spelling", bundle, readers="QR=="),
        bad("readers with a line feed", "one spelling", bundle, readers="QUFB\n"),
        bad("a bundle whose relay is text", "an object", bundle, relay="relay"),
        bad("a bundle whose relay has a key too many", "exact keys", bundle, relay={**addresses, "v": 1}),
        refused("longer than 131,072 bytes", "capped before it is parsed", "card",
                {"bytes": [{"text": compact(owner)}, {"text": " ", "times": 131_072}]}),
    ]  # fmt: skip

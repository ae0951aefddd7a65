"""Looks at everything in a relay's folder and says what is wrong. It changes nothing, and needs nothing but the folder.

One object is held at a time, and the names of one folder. A relay may serve meanwhile: its objects appear whole and
never change, so what is listed can be checked, and what is gone when it is read was removed in order.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sealbell_relay import allow, archive, healths
from sealbell_relay.checks import (
    ALLOW_ADVICE,
    MAX_OBJECT_BYTES,
    POINTER_ADVICE,
    ClipChain,
    Fault,
    check_doorbell,
    check_health,
    check_owner,
    check_part,
)
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import NEW, OWN, Folder
from sealbell_relay.store import TEMPORARY
from sealbell_relay.tree import Node, Tree
from sealbell_wire.enrolment import MAX_FILE_BYTES, DoorbellCard
from sealbell_wire.limits import MAX_HEALTH_BYTES, MAX_SEQ
from sealbell_wire.sshsig import verify_key_of

YOUNG_S = 60.0  # what is younger may be half of something that is being done just now
STORE = "store"
_FOLDERS = (STORE, "broker")  # what lies in broker/ is the broker's, and needed by nobody once it has stopped

_ID = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_BUCKET = re.compile(rf"[0-9a-f]{{{archive.BUCKET_DIGITS}}}\Z", re.ASCII)
_ID_CARD = re.compile(r"[0-9a-f]{32}\.json\Z", re.ASCII)
_KEY_CARD = re.compile(r"[0-9a-f]{64}\.json\Z", re.ASCII)

_STRAY = Fault("does not belong here", "the relay does not look at it: move it away, if you know what it is")
_NOT_PLAIN = Fault(
    "is a link or a special file", "put the thing itself here: a copy of the folder would not hold what it leads to"
)
_LEFTOVER = Fault("was left by a write that was interrupted", "nothing is lost: the next start clears it away")
_MISPLACED = Fault("is a clip in the wrong folder", "nobody finds it here: compare with a backup")
_UNENROLLED = Fault(
    "is of a doorbell without a sound card here, so nothing of it was checked",
    "let the doorbell in with its card, then check again: sealbell-relay allow DIR CARD",
)
_NO_KEY = Fault("is missing or damaged", "put it back from a backup: doorbells believe receipts by this key alone")
_NO_CARD = Fault("is not a relay's card", "serving writes it anew")
_NO_ADMIN = Fault("does not say where programs of this machine reach the relay", "serving writes it anew")
_OTHER_KEY = Fault("names another receipt key than receipt.key holds", "find out by a backup which one is this store's")
_NO_STORE = Fault("is missing", "put it back from a backup, unless this relay never let anybody in")
_OPEN_KEY = Fault(
    "may be read or changed by others, or not by the relay's own user",
    "chmod 600 it, and ask who could read it: whoever has it can sign receipts in this relay's name",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: where (below the relay's folder), what it is, and what to do."""

    path: str
    what: str
    advice: str


class Fsck:
    """One look at a folder; `objects`, `bytes` and `wrong` count what was checked and what was found."""

    def __init__(
        self,
        folder: Folder,
        started_s: float,
        on_finding: Callable[[Finding], None],
        on_object: Callable[[int, int], None],
    ) -> None:
        """`started_s` is Unix seconds; `on_object` is told objects and bytes so far. RelayError if this is no relay."""
        try:
            if not folder.is_relay and not folder.store.is_dir():
                folder.key()  # says so
            self._tree = Tree(folder.root.resolve())
        except OSError as failure:
            raise RelayError(f"{folder.root} cannot be read: {(failure.strerror or 'failed').lower()}") from failure
        self.objects = self.bytes = self.wrong = 0
        self._folder = folder
        self._young_s = started_s - YOUNG_S
        self._on_finding, self._on_object = on_finding, on_object
        self._receipt_key: bytes | None = None
        self._loose, self._first_loose = 0, ""

    def run(self) -> bool:
        """Look at everything; return whether all is in order."""
        kinds: dict[str, Callable[[str], None]] = {
            allow.DOORBELLS: self._doorbells,
            allow.OWNERS: self._owners,
            allow.OWNED: self._owned,
            allow.TOKENS: self._tokens,
            healths.HEALTH: self._healths,
            archive.CLIPS: self._clips,
            TEMPORARY: self._leftovers,
        }
        self._top()
        self._keys()
        for node in self._list(STORE):
            path = f"{STORE}/{node.name}"
            if node.kind == "folder" and node.name in kinds:
                kinds[node.name](path)
            else:
                self._tell(path, _STRAY)
        if self._loose:
            what = f"and {self._loose - 1} more may be read or changed by others, or not by the relay's own user"
            advice = "give all of it to that user alone: chown -R USER DIR; chmod -R u=rwX,go= DIR"
            self._tell(self._first_loose, Fault(what, advice))
        return self.wrong == 0

    def _top(self) -> None:
        root = self._tree.node("")
        if root is not None and root.loose:
            self._note(".")
        for node in self._list(""):
            if node.kind == "other":
                self._tell(node.name, _NOT_PLAIN)
            elif node.name not in OWN or node.kind != ("folder" if node.name in _FOLDERS else "file"):
                self._tell(node.name, _STRAY)
            elif node.name == NEW and node.changed_s < self._young_s:
                self._tell(node.name, _LEFTOVER)
        if self._tree.node(STORE) is None:
            self._tell(STORE, _NO_STORE)

    def _keys(self) -> None:
        node = self._tree.node("relay.json")
        card = self._folder.card() if node and node.kind == "file" else None
        told = bytes.fromhex(card.receipt_key) if card else None
        try:
            self._receipt_key = verify_key_of(self._folder.key())
        except RelayError:
            self._receipt_key = told
            self._tell("receipt.key", _NO_KEY)
        if card is None and node:
            self._tell("relay.json", _NO_CARD)
        if self._tree.node("admin") and self._folder.admin() is None:
            self._tell("admin", _NO_ADMIN)
        if told not in (None, self._receipt_key):
            self._tell("relay.json", _OTHER_KEY)

    def _leftovers(self, path: str) -> None:
        for name, node in self._named(path, "file", _ID):
            if node.changed_s < self._young_s:
                self._tell(name, _LEFTOVER)

    def _doorbells(self, path: str) -> None:
        for name, node in self._named(path, "file", _ID_CARD):
            data = self._read(name, MAX_FILE_BYTES)
            if data is None:
                continue
            card, faults = check_doorbell(node.name.removesuffix(".json"), data)
            self._tell(name, *faults)
            if card and not self._is_there(f"{STORE}/{allow.OWNED}/{card.owner}/{card.doorbell}", node):
                self._tell(name, Fault("is not shown to its owner", ALLOW_ADVICE))

    def _owners(self, path: str) -> None:
        for name, node in self._named(path, "file", _KEY_CARD):
            data = self._read(name, MAX_FILE_BYTES)
            if data is None:
                continue
            card, faults = check_owner(node.name.removesuffix(".json"), data)
            self._tell(name, *faults)
            if card and not self._is_there(f"{STORE}/{allow.TOKENS}/{card.token_hash}", node):
                self._tell(name, Fault("has no token that would let it in", ALLOW_ADVICE))

    def _is_there(self, path: str, card: Node) -> bool:
        """Whether what is written behind a card is there, or the card is so young that it may still come."""
        return card.changed_s >= self._young_s or self._tree.node(path) is not None

    def _owned(self, path: str) -> None:
        for folder, owner in self._named(path, "folder", _HASH):
            for name, node in self._named(folder, "file", _ID):
                data = self._read(name, 1)
                card = self._card(node.name)
                if data:
                    self._tell(name, Fault("is not empty", POINTER_ADVICE))
                elif data is not None and (card is None or card.owner != owner.name):
                    self._tell(name, Fault("names a doorbell that is not this owner's", POINTER_ADVICE))

    def _tokens(self, path: str) -> None:
        for name, node in self._named(path, "file", _HASH):
            data = self._read(name, MAX_FILE_BYTES)
            if data is None:
                continue
            key = data.decode("ascii", "replace")
            card = self._tree.read(f"{STORE}/{allow.OWNERS}/{key}.json", MAX_FILE_BYTES) if _HASH.match(key) else None
            owner = check_owner(key, card)[0] if card else None
            if owner is None or owner.token_hash != node.name:
                self._tell(name, Fault("names an owner whose card does not hold this token", POINTER_ADVICE))

    def _healths(self, path: str) -> None:
        for folder, doorbell in self._named(path, "folder", _ID):
            card = self._card(doorbell.name)
            if card is None:
                self._tell(folder, _UNENROLLED)
                continue
            for name, node in self._named(folder, "file"):
                number = healths.parse_name(node.name)
                if number is None:
                    self._tell(name, _STRAY)
                elif (data := self._read(name, MAX_HEALTH_BYTES)) is not None:
                    self._tell(name, *check_health(doorbell.name, number[0], data, bytes.fromhex(card.key)))

    def _clips(self, path: str) -> None:
        for folder, doorbell in self._named(path, "folder", _ID):
            card = self._card(doorbell.name)
            if card is None:
                self._tell(folder, _UNENROLLED)
                continue
            for bucket, digits in self._named(folder, "folder", _BUCKET):
                for clip, node in self._named(bucket, "folder", _ID):
                    if node.name.startswith(digits.name):
                        self._clip(clip, doorbell.name, node.name, bytes.fromhex(card.key))
                    else:
                        self._tell(clip, _MISPLACED)

    def _clip(self, path: str, doorbell: str, clip: str, key: bytes) -> None:
        chain = ClipChain()
        for name, node in self._named(path, "file"):  # sorted: by seq, and `.dropped` before `.part`
            place = archive.parse_name(node.name)
            if place is None or place[0] > MAX_SEQ:
                self._tell(name, _STRAY)
            elif (data := self._read(name, MAX_OBJECT_BYTES)) is not None:
                link, faults = check_part((doorbell, clip, place[0]), place[1], data, key, self._receipt_key)
                joins = chain.add(link) if link else None
                self._tell(name, *faults, *([joins] if joins else []))
        if fault := chain.close():
            self._tell(path, fault)

    def _named(self, path: str, kind: str, name: re.Pattern[str] | None = None) -> Iterator[tuple[str, Node]]:
        """Yield path and node of what may be here, and tell of what may not."""
        for node in self._list(path):
            if node.kind == kind and (name is None or name.match(node.name)):
                yield f"{path}/{node.name}", node
            else:
                self._tell(f"{path}/{node.name}", _NOT_PLAIN if node.kind == "other" else _STRAY)

    def _list(self, path: str) -> list[Node]:
        try:
            nodes = self._tree.list(path)
        except OSError as failure:
            self._tell(path or ".", _unreadable(failure))
            return []
        for node in nodes:
            if node.loose:
                self._note(f"{path}/{node.name}".lstrip("/"))
        return nodes

    def _read(self, path: str, limit_bytes: int) -> bytes | None:
        try:
            data = self._tree.read(path, limit_bytes + 1)
        except OSError as failure:
            self._tell(path, _unreadable(failure))
            return None
        if data is not None:
            self.objects += 1
            self.bytes += len(data)
            self._on_object(self.objects, self.bytes)
        return data

    def _card(self, doorbell: str) -> DoorbellCard | None:
        try:
            data = self._tree.read(f"{STORE}/{allow.DOORBELLS}/{doorbell}.json", MAX_FILE_BYTES + 1)
        except OSError:  # told where the cards are looked at
            return None
        return None if data is None else check_doorbell(doorbell, data)[0]

    def _note(self, path: str) -> None:
        if path == "receipt.key":
            self._tell(path, _OPEN_KEY)
        else:
            self._first_loose = self._first_loose or path
            self._loose += 1

    def _tell(self, path: str, *faults: Fault) -> None:
        for fault in faults:
            self.wrong += 1
            self._on_finding(Finding(path, fault.what, fault.advice))


def _unreadable(failure: OSError) -> Fault:
    reason = (failure.strerror or type(failure).__name__).lower()
    return Fault(f"cannot be read: {reason}", "see who it belongs to; if that is right, the disk may be failing")

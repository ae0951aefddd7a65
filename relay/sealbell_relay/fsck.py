"""Looks at everything that a relay keeps and says what is wrong. It changes nothing and needs nothing but the folder,
and the bucket if the store is one.

One object is held at a time, and the names of one folder. A relay may serve meanwhile: its objects appear whole and
never change, so what is listed can be checked, and what is gone when it is read was removed in order.
"""

import re
from collections.abc import Callable

from sealbell_relay import allow, healths, noticed, places
from sealbell_relay.checks import ALLOW_ADVICE, POINTER_ADVICE, Fault, check_doorbell, check_health, check_owner
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import NEW, OWN, Folder
from sealbell_relay.fsck_clips import FsckClips
from sealbell_relay.look import NOT_PLAIN, STORE, STRAY, Finding, Look
from sealbell_relay.store import TEMPORARY, Store
from sealbell_relay.tls.check import check_tls
from sealbell_relay.tls.folder import FILES
from sealbell_relay.tls.pair import MAX_PEM_BYTES
from sealbell_relay.tree import Node, StoreTree, Tree
from sealbell_wire.enrolment import MAX_FILE_BYTES, DoorbellCard
from sealbell_wire.limits import MAX_HEALTH_BYTES
from sealbell_wire.sshsig import verify_key_of

YOUNG_S = 60.0  # what is younger may be half of something that is being done just now
TLS = "tls"
_FOLDERS = (STORE, TLS, "broker")  # what lies in broker/ is the broker's, and needed by nobody once it has stopped

_ID = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_ID_CARD = re.compile(r"[0-9a-f]{32}\.json\Z", re.ASCII)
_KEY_CARD = re.compile(r"[0-9a-f]{64}\.json\Z", re.ASCII)

_LEFTOVER = Fault("was left by a write that was interrupted", "nothing is lost: the next start clears it away")
_UNENROLLED = Fault(
    "is of a doorbell without a sound card here, so nothing of it was checked",
    "let the doorbell in with its card, then check again: sealbell-relay allow DIR CARD",
)
_NO_KEY = Fault("is missing or damaged", "put it back from a backup: doorbells believe receipts by this key alone")
_NO_CARD = Fault("is not a relay's card", "serving writes it anew")
_NO_ADMIN = Fault("does not say where programs of this machine reach the relay", "serving writes it anew")
_OTHER_KEY = Fault("names another receipt key than receipt.key holds", "find out by a backup which one is this store's")
_NO_STORE = Fault("is missing", "put it back from a backup, unless this relay never let anybody in")


class Fsck:
    """One look at a relay's folder, and at the bucket in which it keeps everything, if it does."""

    def __init__(
        self,
        folder: Folder,
        started_s: float,
        on_finding: Callable[[Finding], None],
        on_object: Callable[[int, int], None],
        bucket: Store | None = None,
    ) -> None:
        """`started_s` is Unix seconds; `on_object` is told objects and bytes so far. RelayError if this is no relay."""
        try:
            if not folder.is_relay and not folder.store.is_dir():
                folder.key()  # says so
            tree = Tree(folder.root.resolve())
        except OSError as failure:
            raise RelayError(f"{folder.root} cannot be read: {(failure.strerror or 'failed').lower()}") from failure
        self._folder = folder
        self._young_s = started_s - YOUNG_S
        self._look = Look(tree, StoreTree(bucket) if bucket else None, on_finding, on_object)
        self._receipt_key: bytes | None = None

    @property
    def objects(self) -> int:
        """How many objects were checked."""
        return self._look.objects

    @property
    def bytes(self) -> int:
        """How many bytes they have together."""
        return self._look.bytes

    @property
    def wrong(self) -> int:
        """How much was found wrong."""
        return self._look.wrong

    def run(self) -> bool:
        """Look at everything; return whether all is in order."""
        kinds: dict[str, Callable[[str], None]] = {
            allow.DOORBELLS: self._doorbells,
            allow.OWNERS: self._owners,
            allow.OWNED: self._owned,
            allow.TOKENS: self._tokens,
            healths.HEALTH: self._healths,
            noticed.NOTICES: self._notices,
            places.CLIPS: self._clips,
            TEMPORARY: self._leftovers,
        }
        self._top()
        self._keys()
        self._tls()
        for node in self._look.list(STORE):
            path = f"{STORE}/{node.name}"
            if node.kind == "folder" and node.name in kinds:
                kinds[node.name](path)
            else:
                self._look.tell(path, STRAY)
        self._look.close()
        return self._look.wrong == 0

    def _top(self) -> None:
        root = self._look.node("")
        if root is not None and root.loose:
            self._look.note(".")
        for node in self._look.list(""):
            if node.kind == "other":
                self._look.tell(node.name, NOT_PLAIN)
            elif node.name not in OWN or node.kind != ("folder" if node.name in _FOLDERS else "file"):
                self._look.tell(node.name, STRAY)
            elif node.name == NEW and node.changed_s < self._young_s:
                self._look.tell(node.name, _LEFTOVER)
        if self._look.node(STORE) is None:
            self._look.tell(STORE, _NO_STORE)

    def _keys(self) -> None:
        node = self._look.node("relay.json")
        card = self._folder.card() if node and node.kind == "file" else None
        told = bytes.fromhex(card.receipt_key) if card else None
        try:
            self._receipt_key = verify_key_of(self._folder.key())
        except RelayError:
            self._receipt_key = told
            self._look.tell("receipt.key", _NO_KEY)
        if card is None and node:
            self._look.tell("relay.json", _NO_CARD)
        if self._look.node("admin") and self._folder.admin() is None:
            self._look.tell("admin", _NO_ADMIN)
        if told not in (None, self._receipt_key):
            self._look.tell("relay.json", _OTHER_KEY)

    def _tls(self) -> None:
        card, files = self._folder.card(), dict[str, bytes]()
        for path, node in self._look.named(TLS, "file"):
            if node.name not in FILES:
                self._look.tell(path, STRAY)
            elif (data := self._look.read(path, MAX_PEM_BYTES)) is not None:
                files[node.name] = data
        for name, fault in check_tls(files, card.ca if card else ""):
            self._look.tell(f"{TLS}/{name}", fault)

    def _leftovers(self, path: str) -> None:
        for name, node in self._look.named(path, "file", _ID):
            if node.changed_s < self._young_s:
                self._look.tell(name, _LEFTOVER)

    def _doorbells(self, path: str) -> None:
        for name, node in self._look.named(path, "file", _ID_CARD):
            data = self._look.read(name, MAX_FILE_BYTES)
            if data is None:
                continue
            card, faults = check_doorbell(node.name.removesuffix(".json"), data)
            self._look.tell(name, *faults)
            if card and not self._is_there(f"{STORE}/{allow.OWNED}/{card.owner}/{card.doorbell}", node):
                self._look.tell(name, Fault("is not shown to its owner", ALLOW_ADVICE))

    def _owners(self, path: str) -> None:
        for name, node in self._look.named(path, "file", _KEY_CARD):
            data = self._look.read(name, MAX_FILE_BYTES)
            if data is None:
                continue
            card, faults = check_owner(node.name.removesuffix(".json"), data)
            self._look.tell(name, *faults)
            if card and not self._is_there(f"{STORE}/{allow.TOKENS}/{card.token_hash}", node):
                self._look.tell(name, Fault("has no token that would let it in", ALLOW_ADVICE))

    def _is_there(self, path: str, card: Node) -> bool:
        """Whether what is written behind a card is there, or the card is so young that it may still come."""
        return card.changed_s >= self._young_s or self._look.node(path) is not None

    def _owned(self, path: str) -> None:
        for folder, owner in self._look.named(path, "folder", _HASH):
            for name, node in self._look.named(folder, "file", _ID):
                data = self._look.read(name, 1)
                card = self._card(node.name)
                if data:
                    self._look.tell(name, Fault("is not empty", POINTER_ADVICE))
                elif data is not None and (card is None or card.owner != owner.name):
                    self._look.tell(name, Fault("names a doorbell that is not this owner's", POINTER_ADVICE))

    def _tokens(self, path: str) -> None:
        for name, node in self._look.named(path, "file", _HASH):
            data = self._look.read(name, MAX_FILE_BYTES)
            if data is None:
                continue
            key = data.decode("ascii", "replace")
            card = (
                self._look.peek(f"{STORE}/{allow.OWNERS}/{key}.json", 0, MAX_FILE_BYTES) if _HASH.match(key) else None
            )
            owner = check_owner(key, card)[0] if card else None
            if owner is None or owner.token_hash != node.name:
                self._look.tell(name, Fault("names an owner whose card does not hold this token", POINTER_ADVICE))

    def _healths(self, path: str) -> None:
        for folder, doorbell in self._look.named(path, "folder", _ID):
            card = self._card(doorbell.name)
            if card is None:
                self._look.tell(folder, _UNENROLLED)
                continue
            for name, node in self._look.named(folder, "file"):
                number = healths.parse_name(node.name)
                if number is None:
                    self._look.tell(name, STRAY)
                elif (data := self._look.read(name, MAX_HEALTH_BYTES)) is not None:
                    self._look.tell(name, *check_health(doorbell.name, number[0], data, bytes.fromhex(card.key)))

    def _notices(self, path: str) -> None:
        for folder, doorbell in self._look.named(path, "folder", _ID):
            if self._card(doorbell.name) is None:
                self._look.tell(folder, _UNENROLLED)
                continue
            for name, node in self._look.named(folder, "file"):
                if noticed.parse_noticed(doorbell.name, node.name) is None or self._look.read(name, 0):
                    self._look.tell(name, STRAY)

    def _clips(self, path: str) -> None:
        clips = FsckClips(self._look, self._receipt_key)
        for folder, doorbell in self._look.named(path, "folder", _ID):
            if card := self._card(doorbell.name):
                clips.doorbell(folder, doorbell.name, card)
            else:
                self._look.tell(folder, _UNENROLLED)

    def _card(self, doorbell: str) -> DoorbellCard | None:
        data = self._look.peek(f"{STORE}/{allow.DOORBELLS}/{doorbell}.json", 0, MAX_FILE_BYTES + 1)
        return None if data is None else check_doorbell(doorbell, data)[0]

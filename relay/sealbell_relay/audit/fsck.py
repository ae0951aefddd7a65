"""Looks at everything that a relay keeps and says what is wrong. It changes nothing and needs nothing but the folder,
and the bucket if the store is one.

One object is held at a time, and the names of one folder. A relay may serve meanwhile: its objects appear whole and
never change, so what is listed can be checked, and what is gone when it is read was removed in order.
"""

import re
from collections.abc import Callable

from sealbell_relay.audit.checks import Fault, check_health
from sealbell_relay.audit.fsck_clips import FsckClips
from sealbell_relay.audit.fsck_keeping import FsckKeeping
from sealbell_relay.audit.fsck_tenants import FsckTenants
from sealbell_relay.audit.look import NOT_PLAIN, STORE, STRAY, Finding, Look
from sealbell_relay.audit.tree import StoreTree, Tree
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import NEW, OWN, Folder
from sealbell_relay.follow import noticed
from sealbell_relay.intake import healths
from sealbell_relay.store import places, probe
from sealbell_relay.store.store import TEMPORARY, Store
from sealbell_relay.tls.check import check_tls
from sealbell_relay.tls.folder import FILES
from sealbell_relay.tls.pair import MAX_PEM_BYTES
from sealbell_wire.limits import MAX_HEALTH_BYTES
from sealbell_wire.sshsig import verify_key_of

YOUNG_S = 60.0  # what is younger may be half of something that is being done just now
TLS = "tls"
_FOLDERS = (STORE, TLS, "broker")  # what lies in broker/ is the broker's, and needed by nobody once it has stopped

_ID = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)

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
        self._tenants = FsckTenants(self._look, self._young_s)
        self._receipt_key: bytes | None = None
        self._ca = ""

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
            **self._tenants.kinds(),
            **FsckKeeping(self._look, self._young_s).kinds(),
            healths.HEALTH: self._healths,
            noticed.NOTICES: self._notices,
            places.CLIPS: self._clips,
            TEMPORARY: self._leftovers,
            probe.PROBE: self._probes,
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
        card = self._folder.card() if node and node.kind == "file" else None  # never opened if it is a pipe
        self._ca = card.ca if card else ""
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
        files = dict[str, bytes]()
        for path, node in self._look.named(TLS, "file"):
            if node.name not in FILES:
                self._look.tell(path, STRAY)
            elif (data := self._look.read(path, MAX_PEM_BYTES)) is not None:
                files[node.name] = data
        for name, fault in check_tls(files, self._ca):
            self._look.tell(f"{TLS}/{name}", fault)

    def _leftovers(self, path: str) -> None:
        for name, node in self._look.named(path, "file", _ID):
            if node.changed_s < self._young_s:
                self._look.tell(name, _LEFTOVER)

    def _probes(self, path: str) -> None:
        for _ in self._look.named(path, "file", _ID):  # of a relay that serves, or died; its next start clears them
            continue

    def _healths(self, path: str) -> None:
        for folder, doorbell in self._look.named(path, "folder", _ID):
            card = self._tenants.card(doorbell.name)
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
            if self._tenants.card(doorbell.name) is None:
                self._look.tell(folder, _UNENROLLED)
                continue
            for name, node in self._look.named(folder, "file"):
                if noticed.parse_noticed(doorbell.name, node.name) is None or self._look.read(name, 0):
                    self._look.tell(name, STRAY)

    def _clips(self, path: str) -> None:
        clips = FsckClips(self._look, self._receipt_key)
        for folder, doorbell in self._look.named(path, "folder", _ID):
            if card := self._tenants.card(doorbell.name):
                clips.doorbell(folder, doorbell.name, card)
            else:
                self._look.tell(folder, _UNENROLLED)

"""The part of fsck that looks at who is let in, and who no more: cards, tokens, credentials, invites, endings."""

import re
from collections.abc import Callable

from sealbell_relay.audit.checks import ALLOW_ADVICE, POINTER_ADVICE, Fault, check_doorbell, check_owner
from sealbell_relay.audit.look import STORE, STRAY, Look
from sealbell_relay.audit.tenant_checks import (
    CREDENTIAL_ADVICE,
    check_credential,
    check_ending,
    check_invite,
    check_phone,
)
from sealbell_relay.audit.tree import Node
from sealbell_relay.broker import credentials
from sealbell_relay.store.places import clip_folder
from sealbell_relay.tenants import allow, invites
from sealbell_relay.tenants.endings import ENDED, KINDS, MAX_PROOF_BYTES, Kind
from sealbell_wire.enrolment import MAX_FILE_BYTES, DoorbellCard, OwnerCard

MAX_SMALL_BYTES = 1_024

_LEFT = Fault(
    "ended, and something of it is still stored", "serve the relay: it takes it away soon after it has started"
)

_ID = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_ID_CARD = re.compile(r"[0-9a-f]{32}\.json\Z", re.ASCII)
_KEY_CARD = re.compile(r"[0-9a-f]{64}\.json\Z", re.ASCII)


class FsckTenants:
    """`young_s` is Unix seconds: what is younger may be half of something that is being done just now."""

    def __init__(self, look: Look, young_s: float) -> None:
        self._look = look
        self._young_s = young_s

    def kinds(self) -> dict[str, Callable[[str], None]]:
        """Return what is looked at here, by the first piece of its name."""
        return {
            allow.DOORBELLS: self._doorbells,
            allow.OWNERS: self._owners,
            allow.OWNED: self._owned,
            allow.TOKENS: self._tokens,
            allow.PHONES: self._phones,
            credentials.CREDENTIALS: self._credentials,
            invites.INVITES: self._invites,
            ENDED: self._ended,
        }

    def card(self, doorbell: str) -> DoorbellCard | None:
        """Return a doorbell's card if it is sound; what is wrong with one is told elsewhere."""
        data = self._look.peek(f"{STORE}/{allow.DOORBELLS}/{doorbell}.json", 0, MAX_FILE_BYTES + 1)
        return None if data is None else check_doorbell(doorbell, data)[0]

    def _doorbells(self, path: str) -> None:
        for name, node in self._look.named(path, "file", _ID_CARD):
            data = self._look.read(name, MAX_FILE_BYTES)
            if data is None:
                continue
            card, faults = check_doorbell(node.name.removesuffix(".json"), data)
            self._look.tell(name, *faults)
            if card and not self._is_there(f"{allow.OWNED}/{card.owner}/{card.doorbell}", node):
                self._look.tell(name, Fault("is not shown to its owner", ALLOW_ADVICE))
            if card and not self._is_there(f"{credentials.CREDENTIALS}/{card.doorbell}", node):
                ended = self._look.node(f"{STORE}/{ENDED}/doorbell/{card.doorbell}")
                if ended is None:
                    self._look.tell(name, Fault("has no credential by which it could connect", CREDENTIAL_ADVICE))

    def _owners(self, path: str) -> None:
        for name, node in self._look.named(path, "file", _KEY_CARD):
            data = self._look.read(name, MAX_FILE_BYTES)
            if data is None:
                continue
            card, faults = check_owner(node.name.removesuffix(".json"), data)
            self._look.tell(name, *faults)
            if card and not self._is_there(f"{allow.TOKENS}/{card.token_hash}", node):
                self._look.tell(name, Fault("has no token that would let it in", ALLOW_ADVICE))

    def _owned(self, path: str) -> None:
        for folder, owner in self._look.named(path, "folder", _HASH):
            for name, node in self._look.named(folder, "file", _ID):
                data = self._look.read(name, 1)
                card = self.card(node.name)
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
            owner = self._owner(key) if _HASH.match(key) else None
            known = owner is not None and owner.token_hash == node.name
            if not known and not (owner and self._is_there(f"{allow.PHONES}/{key}/{node.name}", node)):
                if owner is None and node.changed_s >= self._young_s:
                    continue  # the card comes after the token
                self._look.tell(name, Fault("names an owner who does not know this token", POINTER_ADVICE))

    def _phones(self, path: str) -> None:
        for folder, owner in self._look.named(path, "folder", _HASH):
            for name, node in self._look.named(folder, "file", _HASH):
                data = self._look.read(name, MAX_SMALL_BYTES)
                if data is None:
                    continue
                self._look.tell(name, *check_phone(data))
                token = self._look.peek(f"{STORE}/{allow.TOKENS}/{node.name}", 0, MAX_SMALL_BYTES)
                if token != owner.name.encode("ascii"):
                    self._look.tell(name, Fault("is of a phone whose token is not this owner's", POINTER_ADVICE))

    def _credentials(self, path: str) -> None:
        for name, node in self._look.named(path, "file", _ID):
            data = self._look.read(name, MAX_SMALL_BYTES)
            if data is None:
                continue
            self._look.tell(name, *check_credential(data))
            if not self._is_there(f"{allow.DOORBELLS}/{node.name}.json", node):
                self._look.tell(name, Fault("is of a doorbell that has no card here", ALLOW_ADVICE))

    def _invites(self, path: str) -> None:
        for name, _ in self._look.named(path, "file", _HASH):
            data = self._look.read(name, MAX_SMALL_BYTES)
            if data is not None:
                self._look.tell(name, *check_invite(data))

    def _ended(self, path: str) -> None:
        for folder, node in self._look.named(path, "folder"):
            if node.name not in KINDS:
                self._look.tell(folder, STRAY)
            elif node.name == "clip":
                for below, doorbell in self._look.named(folder, "folder", _ID):
                    self._endings(below, "clip", _ID, f"{doorbell.name}/")
            else:
                kind: Kind = next(known for known in KINDS if known == node.name)
                self._endings(folder, kind, _ID if kind in ("clips", "doorbell") else _HASH)

    def _endings(self, path: str, kind: Kind, pattern: re.Pattern[str], prefix: str = "") -> None:
        for name, node in self._look.named(path, "file", pattern):
            data = self._look.read(name, MAX_PROOF_BYTES)
            if data is None:
                continue
            self._look.tell(name, *check_ending(kind, prefix + node.name, data))
            if kind == "clip" and self._is_left(prefix + node.name, node):
                self._look.tell(name, _LEFT)

    def _is_left(self, clip: str, ending: Node) -> bool:
        """Whether something of a clip is stored that has ended a while ago."""
        folder = clip_folder(*clip.split("/"))
        return ending.changed_s < self._young_s and bool(self._look.list(f"{STORE}/{folder}"))

    def _owner(self, key: str) -> OwnerCard | None:
        card = self._look.peek(f"{STORE}/{allow.OWNERS}/{key}.json", 0, MAX_FILE_BYTES)
        return check_owner(key, card)[0] if card else None

    def _is_there(self, path: str, other: Node) -> bool:
        """Whether what is written behind `other` is there, or that is so young that it may still come."""
        return other.changed_s >= self._young_s or self._look.node(f"{STORE}/{path}") is not None

"""Tells the relay what is over and how long clips are kept, and believes nothing but its signed receipts."""

import base64
import binascii
from collections.abc import Sequence

from sealbell_owner.errors import OwnerError
from sealbell_owner.home import Home
from sealbell_owner.relay import Relay
from sealbell_owner.statements import is_signed
from sealbell_wire import sshsig, strictjson
from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_JSON_BYTES, MAX_TOMBSTONES_PER_REQUEST
from sealbell_wire.receipt import MAGIC, read_receipts
from sealbell_wire.resumption import Resumption
from sealbell_wire.retention import Retention, next_number, read_retention
from sealbell_wire.statement import take_statement
from sealbell_wire.tombstone import Kind, Tombstone, read_tombstone

MAX_PAGES = 1_024
_UNSIGNED = (
    "the relay has not signed for it",
    "whether it did it nobody knows: try again, and ask whoever runs the relay",
)


class Keeping:
    """One owner at one relay. Everything asked for is kept in the owner's folder before it is sent."""

    def __init__(self, home: Home, relay: Relay, now_ms: int) -> None:
        """`now_ms` is Unix milliseconds."""
        self._relay = relay
        self._now_ms = now_ms
        self._key = home.key()
        self._owner = sshsig.verify_key_of(self._key).hex()
        self._relay_key = bytes.fromhex(home.owner().relay.receipt_key)
        self.statements = home.statements()

    def end(self, kind: Kind, doorbell: str, names: Sequence[str]) -> int:
        """End clips of a doorbell, a doorbell (one name of zeros) or tokens; return how many the relay signed for.

        OwnerError as soon as the relay does not sign. What was sent is kept all the same: it may have been obeyed.
        """
        frames = []
        for name in names:
            tombstone = Tombstone(self._owner, kind, doorbell, name, self._now_ms)
            self.statements.bury(frame := tombstone.sign(self._key))
            frames.append(frame)
        return self._post(frames)

    def retain(self, doorbell: str, days: int) -> Retention:
        """Have a doorbell's clips kept for so many days from now on; OwnerError if the relay does not sign for it."""
        known = [document.number for document, _ in self.statements.retentions(doorbell)]
        theirs = self.retention(doorbell)
        number = next_number(max([*known, theirs.number if theirs else 0]), self._now_ms)
        document = Retention(self._owner, doorbell, number, days)
        self.statements.retain(frame := document.sign(self._key))
        receipt = self._relay.post_statements(f"/v1/doorbells/{doorbell}/retention", frame)
        told = read_receipts(receipt, self._relay_key)
        if [(one.verdict, one.record, one.doorbell) for one in told] != [("stored", document.hash, doorbell)]:
            raise OwnerError(*_UNSIGNED)
        self.statements.retain(frame, receipt)
        return document

    def retention(self, doorbell: str) -> Retention | None:
        """Return the document that the relay goes by, which only this owner can have signed; None if there is none."""
        value = strictjson.load(self._relay.get_json(f"/v1/doorbells/{doorbell}/retention"), "retention")
        if value.get("retention") is None:
            return None
        strictjson.exact_keys(value, {"retention": str, "days": int}, "retention")
        document = read_retention(frame := _base64(value["retention"]))
        if (document.owner, document.doorbell) != (self._owner, doorbell):
            raise FormatError("retention: is another owner's or another doorbell's")
        self.statements.retain(frame)
        return document

    def learn(self) -> None:
        """Keep the tombstones that this owner gave by another phone; WireError if the relay makes some up."""
        after: str | None = None
        for _ in range(MAX_PAGES):
            query = {"after": after} if after else {}
            value = strictjson.load(self._relay.get_json("/v1/tombstones", query), "tombstones", MAX_JSON_BYTES)
            frames, following = value.get("tombstones"), value.get("next")
            if value.keys() != {"tombstones", "next"} or not isinstance(frames, list):
                raise FormatError("tombstones: is not a list and what is next")
            if len(frames) > MAX_TOMBSTONES_PER_REQUEST or not isinstance(following, str | None):
                raise FormatError("tombstones: too many, or what is next is no name")
            for text in frames:
                tombstone = read_tombstone(frame := _base64(text))
                if tombstone.owner != self._owner:
                    raise FormatError("tombstones: one is another owner's")
                self.statements.bury(frame)
            if following is None or following == after:
                return
            after = following

    def resume(self, nonce: str) -> int:
        """Give a restored relay everything again and let it show this owner's things; return how many tombstones."""
        frames = [one.frame for one in self.statements.buried()]
        count = self._post(frames)
        newest = {document.doorbell: frame for document, frame in self.statements.retentions()}
        for doorbell, frame in newest.items():
            self._relay.post_statements(f"/v1/doorbells/{doorbell}/retention", frame, also=(404, 409))
        said = Resumption(self._owner, nonce, self._now_ms)
        self._relay.post_statements("/v1/resumption", said.sign(self._key))
        return count

    def _post(self, frames: Sequence[bytes]) -> int:
        signed = 0
        for at in range(0, len(frames), MAX_TOMBSTONES_PER_REQUEST):
            batch = frames[at : at + MAX_TOMBSTONES_PER_REQUEST]
            answer = self._relay.post_statements("/v1/tombstones", b"".join(batch))
            for frame in batch:
                _, _, after = take_statement(answer, MAGIC)
                receipt, answer = answer[: len(answer) - len(after)], after
                (told,) = read_receipts(receipt, self._relay_key)
                if not is_signed(read_tombstone(frame), told):
                    raise OwnerError(*_UNSIGNED)
                self.statements.bury(frame, receipt)
                signed += 1
        return signed


def _base64(text: object) -> bytes:
    if not isinstance(text, str):
        raise FormatError("statement: is not text")
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise FormatError("statement: is not base64") from None

"""Obeys an owner's word on how long clips are kept, and that a restored relay may show them again (SPEC 16.2, 16.3)."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_relay.errors import RequestError
from sealbell_relay.keep.deletion import Ledger
from sealbell_relay.keep.holds import Holds
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.keep.rules import AGREE_MS
from sealbell_relay.keep.sweeper import Sweeper
from sealbell_relay.tenants.allow import Register
from sealbell_wire.enrolment import OwnerCard
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.receipt import NO_REASON, Receipt
from sealbell_wire.resumption import Resumption
from sealbell_wire.retention import Retention


@dataclass(frozen=True, slots=True)
class Keeping:
    """Synchronous and blocking. `wall_ms` returns Unix milliseconds. Methods raise RequestError 409, and StoreError."""

    retentions: Retentions
    sweeper: Sweeper
    register: Register
    key: Ed25519PrivateKey
    wall_ms: Callable[[], int]
    ledger: Ledger | None

    def retain(self, document: Retention, frame: bytes) -> bytes:
        """Put a document in force that its owner may sign; return the signed receipt."""
        current = self.retentions.in_force(document.doorbell)
        if current is not None and document != current and document.number <= current.number:
            raise RequestError(409, f"a retention document of number {current.number} is in force")
        if self.ledger is not None:
            self.ledger.note(frame)
        if not self.retentions.keep(document, frame):
            raise RequestError(409, "a newer retention document is in force")
        receipt = Receipt(document.doorbell, ZERO_ID, 0, document.hash, "stored", NO_REASON, self.wall_ms())
        return receipt.sign(self.key)

    def resume(self, holds: Holds, said: Resumption, frame: bytes) -> None:
        """Show an owner's things again, once those whose days are over are gone; nothing if they are shown already."""
        nonce = holds.nonce
        if nonce is None:
            return
        if said.nonce != nonce:
            raise RequestError(409, "this relay was restored under another nonce", nonce=nonce)
        if abs(said.wall_ms - self.wall_ms()) > AGREE_MS:
            raise RequestError(409, "the relay's clock and yours are more than an hour apart: set them right first")
        for card in self.register.owned_by(OwnerCard(said.owner, "")):
            self.sweeper.expire_now(card.doorbell, self.wall_ms())
        holds.resume(said.owner, nonce, frame)

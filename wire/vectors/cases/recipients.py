"""Post-quantum keys from fixed seeds. Their strings are age's business, with vectors of its own in wire/vectors/age."""

from cases.base import seed
from sealbell_wire.age.mlkem768x25519 import HybridIdentity

LABELS = ("root", "phone", "viewer", "new phone", "next root")
IDENTITIES = {label: HybridIdentity(seed(label)) for label in LABELS}
RECIPIENTS = {label: str(identity.recipient) for label, identity in IDENTITIES.items()}

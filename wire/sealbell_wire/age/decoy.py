"""Stanzas that fill up a header and that nobody opens, so that nobody counts its readers (SPEC 5.1)."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sealbell_wire.age.header import Stanza, encode_base64
from sealbell_wire.age.mlkem768x25519 import BODY_BYTES, MLKEM_SEED_BYTES, STANZA_TYPE, X25519_BYTES, HybridRecipient


class Decoy:
    """A recipient that nobody is: its stanzas look as those of a `HybridRecipient` do, and hold no file key.

    Whoever does not hold a stanza's secret key, other readers of the same file included, sees three things, and each is
    drawn here as a real stanza draws it:

    - a ciphertext of ML-KEM-768. It is encapsulated in earnest, to a key of which the secret half is never kept:
      ciphertexts do not tell under which key they were made (Maram and Xagawa, "Post-Quantum Anonymity of Kyber",
      2023). Random bytes would tell, as not every value of a ciphertext is equally likely.
    - an X25519 share. It is the public half of a fresh key: of 32 random bytes half are no point of the curve.
    - 32 bytes of ChaCha20-Poly1305 under a key that is used once and unknown. Random bytes are the same to them, though
      they know the file key that would be in it.

    Making one takes less time than making a real one.
    """

    post_quantum = True

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._key = MLKEM768PrivateKey.from_seed_bytes(random(MLKEM_SEED_BYTES)).public_key()

    def wrap(self, file_key: bytes, random: Callable[[int], bytes]) -> Stanza:
        """A stanza like no other, independent of the file key. `cryptography` draws the encapsulation itself."""
        _, ciphertext = self._key.encapsulate()
        share = X25519PrivateKey.from_private_bytes(random(X25519_BYTES)).public_key().public_bytes_raw()
        return Stanza((STANZA_TYPE, encode_base64(ciphertext + share)), random(BODY_BYTES))


PostQuantumRecipient = HybridRecipient | Decoy

"""SSHSIG (SPEC 4)."""

import base64
from collections.abc import Iterator

from cases.base import Case, accepted, preamble, public, refused, seed, signature, signing_key, string

NAMESPACE = "part@sealbell"
MESSAGE = b"sealbell\n"

# Points of order 1, 2, 4 and 8 and their spellings beyond the prime (SPEC 4.3).
SMALL_ORDER = {
    "y = 0, order 4": "00" * 32,
    "y = 1, order 1": "01" + "00" * 31,
    "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "order 8, the other": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "y = -1, order 2": "ec" + "ff" * 30 + "7f",
    "y = p, which is 0": "ed" + "ff" * 30 + "7f",
    "y = p + 1, which is 1": "ee" + "ff" * 30 + "7f",
}
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def armor(key: bytes, namespace: str, signed: bytes) -> str:
    """The file that ssh-keygen reads."""
    blob = b"SSHSIG" + (1).to_bytes(4, "big") + string(string(b"ssh-ed25519") + string(key))
    blob += string(namespace.encode()) + string(b"") + string(b"sha512")
    blob += string(string(b"ssh-ed25519") + string(signed))
    text = base64.b64encode(blob).decode()
    rows = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *rows, "-----END SSH SIGNATURE-----", ""])


def _small_order_cases() -> Iterator[Case]:
    for name, key_hex in SMALL_ORDER.items():
        for sign_bit in (0, 0x80):
            key = bytearray.fromhex(key_hex)
            key[31] |= sign_bit
            # R is the neutral point and S is zero: under a key of small order this fits one message in up to eight.
            given = {
                "key": bytes(key).hex(),
                "namespace": NAMESPACE,
                "message": [{"text": MESSAGE.decode()}],
                "signature": "01" + "00" * 63,
            }
            why = "under a key of small order a signature fits messages that nobody signed"
            suffix = ", sign bit set" if sign_bit else ""
            yield refused(f"a small-order key: {name}{suffix}", why, "verify", given, "SignatureError")


def signatures() -> list[Case]:
    """Signing and verifying."""
    key, signed = public("doorbell"), signature("doorbell", NAMESPACE, MESSAGE)
    given = {
        "key": key.hex(),
        "namespace": NAMESPACE,
        "message": [{"text": MESSAGE.decode()}],
        "signature": signed.hex(),
    }

    def bad(name: str, why: str, **changes: object) -> Case:
        return refused(name, why, "verify", given | changes, "SignatureError")

    s_plus_order = int.from_bytes(signed[32:], "little") + GROUP_ORDER
    public_line = "ssh-ed25519 " + base64.b64encode(string(b"ssh-ed25519") + string(key)).decode()
    return [
        accepted("a signature", "preamble, signature, armor and key line", "sign",
                 {"seed": seed("doorbell").hex(), "namespace": NAMESPACE, "message": given["message"]},
                 {"signed_bytes": preamble(NAMESPACE, MESSAGE).hex(), "signature": signed.hex(), "key": key.hex(),
                  "public_line": public_line, "armor": armor(key, NAMESPACE, signed),
                  "allowed_signer": f'door namespaces="{NAMESPACE}" {public_line}\n'}),
        accepted("a signature that fits", "the common case", "verify", given, {}),
        accepted("over nothing", "an empty message is one too", "verify",
                 given | {"message": [], "signature": signature("doorbell", NAMESPACE, b"").hex()}, {}),
        bad("a changed message", "one byte", message=[{"text": "Sealbell\n"}]),
        bad("a byte after the message", "the whole message is signed", message=[{"text": "sealbell\n\n"}]),
        bad("another namespace", "a statement of one kind never counts as another", namespace="dropped@sealbell"),
        bad("no namespace", "a statement of one kind never counts as another", namespace=""),
        bad("a signature over the bare message", "the preamble is signed, not the message",
            signature=signing_key("doorbell").sign(MESSAGE).hex()),
        bad("another key", "it did not sign", key=public("other doorbell").hex()),
        bad("R changed", "one bit", signature=bytes([signed[0] ^ 1, *signed[1:]]).hex()),
        bad("S changed", "one bit", signature=bytes([*signed[:32], signed[32] ^ 1, *signed[33:]]).hex()),
        bad("S plus the group's order", "one signature has one spelling (RFC 8032, 5.1.7)",
            signature=(signed[:32] + s_plus_order.to_bytes(32, "little")).hex()),
        bad("a signature cut", "64 bytes", signature=signed[:63].hex()),
        bad("a signature with a byte after", "64 bytes", signature=signed.hex() + "00"),
        bad("no signature", "64 bytes", signature=""),
        bad("a key cut", "32 bytes", key=key[:31].hex()),
        bad("a key with a byte after", "32 bytes", key=key.hex() + "00"),
        bad("a key that is not on the curve", "y = 2 has no x", key="02" + "00" * 31),
        *_small_order_cases(),
    ]  # fmt: skip

"""libcamera's image processing modules (IPA): whether their signatures fit. It shuts one whose does not into a process
of its own, which the unit does not allow, and so refuses it."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from sealbell.doctor.finding import Finding, failure, ok, unseen
from sealbell.doctor.machine import Machine

# How the key begins that libcamera's build draws and puts into the library (gen-ipa-pub-key.py): RSA of 2048 bits as
# SubjectPublicKeyInfo (RFC 5280, 4.1). Signatures are PKCS #1 v1.5 with SHA-256 (ipa-sign.sh).
KEY_BEGINS = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f00")
KEY_BYTES = 294
MAX_FILE_BYTES = 64_000_000


def signatures(machine: Machine) -> Finding:
    """Whether each module for a Raspberry Pi bears a signature that fits the key in the library itself."""
    modules = machine.find("usr/lib/*/libcamera/ipa/ipa_rpi_*.so") or machine.find("usr/lib/*/libcamera/ipa_rpi_*.so")
    if not modules:
        return unseen("ipa", "libcamera has no modules for a Raspberry Pi here")
    keys = [key for library in machine.find("usr/lib/*/libcamera.so.*") for key in _keys(_read(library))]
    signed = {module: _read(module.with_name(module.name + ".sign")) for module in modules}
    bad = [module.name for module, sign in signed.items() if not sign or (keys and not _fits(keys, sign, module))]
    if bad:
        said = f"{', '.join(bad)}: no signature that fits"
        return failure("ipa", said, "reinstall libcamera-ipa and libcamera together; never strip or copy their files")
    if not keys:
        return unseen("ipa", "libcamera's modules are signed, and the key to check that was not found")
    return ok("ipa", "libcamera's modules bear its own signature")


def _keys(library: bytes) -> list[RSAPublicKey]:
    found, at = [], library.find(KEY_BEGINS)
    while at >= 0:
        try:
            key = load_der_public_key(library[at : at + KEY_BYTES])
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if isinstance(key, RSAPublicKey):
            found.append(key)
        at = library.find(KEY_BEGINS, at + 1)
    return found


def _fits(keys: list[RSAPublicKey], sign: bytes, module: Path) -> bool:
    for key in keys:
        try:
            key.verify(sign, _read(module), PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return True
    return False


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError:
        return b""

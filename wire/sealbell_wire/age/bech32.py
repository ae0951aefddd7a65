"""Bech32 (BIP173) without its length limit, as age writes its keys."""

from collections.abc import Iterable

from sealbell_wire.errors import FormatError

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
VALUES = {character: value for value, character in enumerate(ALPHABET)}
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
CHECKSUM_CHARS = 6
MAX_KEY_CHARS = 2048  # a post-quantum recipient, the longest key, has 1,959


def encode(prefix: str, data: bytes) -> str:
    """The string of `data` under `prefix`, in the prefix's case, which must be one case throughout."""
    lower = prefix.lower()
    values = _regroup(data, 8, 5)
    checksum = _polymod([*_expand(lower), *values, *[0] * CHECKSUM_CHARS]) ^ 1
    values += [checksum >> shift & 31 for shift in (25, 20, 15, 10, 5, 0)]
    text = f"{lower}1{''.join(ALPHABET[value] for value in values)}"
    return text if prefix == lower else text.upper()


def decode(text: str) -> tuple[str, bytes]:
    """The prefix, in the case in which it was written, and the bytes. Raises FormatError, which never quotes `text`."""
    if not all("!" <= character <= "~" for character in text):
        raise FormatError("the key holds a space or a letter that is not ASCII")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise FormatError("the key mixes upper and lower case")
    prefix, _, encoded = lower.rpartition("1")
    if not prefix:
        raise FormatError("this is not a key: a prefix, the digit 1 and the key's letters were expected")
    try:
        values = [VALUES[character] for character in encoded]
    except KeyError:
        raise FormatError("the key has a letter that keys never use") from None
    if len(values) < CHECKSUM_CHARS or _polymod([*_expand(prefix), *values]) != 1:
        raise FormatError("the key's checksum does not fit: a letter is missing or mistyped")
    values = values[:-CHECKSUM_CHARS]
    spare_bits = len(values) * 5 % 8
    if spare_bits >= 5 or (values and values[-1] & (1 << spare_bits) - 1):  # BIP173: zero padding, under one group
        raise FormatError("the key is not whole bytes")
    return text[: len(prefix)], bytes(_regroup(values, 5, 8)[: len(values) * 5 // 8])


def decode_key(prefix: str, text: str) -> bytes:
    """The bytes of an age key that must stand under `prefix`, in its case. Raises FormatError."""
    if len(text) > MAX_KEY_CHARS:
        raise FormatError(f"a key has at most {MAX_KEY_CHARS} characters")
    found, data = decode(text)
    if found != prefix:
        raise FormatError(f"this key does not begin with {prefix}1")
    return data


def _expand(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _polymod(values: Iterable[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(GENERATOR):
            if top >> bit & 1:
                checksum ^= term
    return checksum


def _regroup(values: Iterable[int], width: int, new_width: int) -> list[int]:
    """Groups of `width` bits as groups of `new_width` bits, the last one filled up with zeros."""
    regrouped, pool, bits = [], 0, 0
    for value in values:
        pool, bits = pool << width | value, bits + width
        while bits >= new_width:
            bits -= new_width
            regrouped.append(pool >> bits)
            pool &= (1 << bits) - 1
    if bits:
        regrouped.append(pool << new_width - bits)
    return regrouped

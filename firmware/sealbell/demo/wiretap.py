"""Plaintext wanted: everything that left the doorbell or lies anywhere is searched for what was sealed.

Needles are at least 8 bytes, since 100 MiB of random bytes hold `FF D8 FF` eleven times: file prefixes, parameter
sets, quoted keys of the sealed texts, and 16 bytes out of every 4 KiB of each plaintext.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SLICE_BYTES, EVERY_BYTES = 16, 4_096
PREFIX_BYTES = 8
MIN_DISTINCT_VALUES = 8  # a slice of padding is not plaintext
BLOCK_BYTES = 8_000_000

FIXED_NEEDLES = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF",
    b"ftypiso5",
    b"ftypisom",
    b"ftypmp42",
    b'"continues":',
    b'"monotonic_ms":',
    b'"triggers":',
    b'"firmware":',
    b'"start_ms":',
)


def needles(plaintexts: Iterable[bytes]) -> set[bytes]:
    """Return what to look for: fixed prefixes, parameter sets, and slices of these plaintexts."""
    wanted = set(FIXED_NEEDLES)
    for plaintext in plaintexts:
        wanted |= _parameter_sets(plaintext)
        for at in range(0, len(plaintext), EVERY_BYTES):
            piece = plaintext[at : at + SLICE_BYTES]
            if len(piece) == SLICE_BYTES and len(set(piece)) >= MIN_DISTINCT_VALUES:
                wanted.add(piece)
    return wanted


def _parameter_sets(plaintext: bytes) -> set[bytes]:
    at = plaintext.find(b"avcC")
    if at < 0 or len(plaintext) < at + 12:
        return set()
    (sps_bytes,) = struct.unpack_from(">H", plaintext, at + 10)
    after = at + 12 + sps_bytes
    found = {plaintext[at + 12 : after], plaintext[after : after + 3 + plaintext[after + 2]]}
    return {needle for needle in found if len(needle) >= PREFIX_BYTES}


class Search:
    """Finds any of many needles in much hay: by their first 8 bytes at once, then each candidate whole."""

    def __init__(self, wanted: Iterable[bytes]) -> None:
        by_prefix: dict[int, list[bytes]] = {}
        for needle in wanted:
            by_prefix.setdefault(int.from_bytes(needle[:PREFIX_BYTES], "little"), []).append(needle)
        self._by_prefix = by_prefix
        self._prefixes: NDArray[np.uint64] = np.array(sorted(by_prefix), dtype=np.uint64)
        self._first_two = np.zeros(65_536, dtype=bool)
        self._first_two[(self._prefixes & np.uint64(0xFFFF)).astype(np.int64)] = True
        self._longest = max((len(needle) for needle in wanted), default=PREFIX_BYTES)

    def hits(self, hay: bytes) -> int:
        """Return how often any needle occurs in `hay`."""
        step = BLOCK_BYTES
        return sum(
            self._hits(hay[at : at + step + self._longest - 1], min(step, len(hay) - at))
            for at in range(0, len(hay), step)
        )

    def _hits(self, block: bytes, starts: int) -> int:
        count = 0
        for shift in range(PREFIX_BYTES):
            length = (len(block) - shift) // PREFIX_BYTES
            if length <= 0:
                continue
            words = np.frombuffer(block, dtype="<u8", count=length, offset=shift)
            likely = np.flatnonzero(self._first_two[(words & np.uint64(0xFFFF)).astype(np.int64)])
            found = likely[np.isin(words[likely], self._prefixes)]
            for index in found:
                at = shift + int(index) * PREFIX_BYTES
                candidates = self._by_prefix[int(words[index])]
                count += at < starts and any(block.startswith(needle, at) for needle in candidates)
        return count


def files_below(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield every regular file below these folders."""
    for folder in folders:
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())

"""How fast fragments are sealed, beside pyrage and the bare cipher: `python bench/sealing.py`.

One fragment is 256 KiB. In every round each contender seals a few fragments, one contender after the other, so that
whatever else the machine does falls on all of them; the medians over the rounds are told, and the ratios that the
project promises are taken round by round. All contenders run in this one process, on one thread.

A doorbell prepares heads while it idles, so a part is measured twice: `part_head_prepared` is what is left to do when
the part is due, and `part_head_and_all` counts all the work. The heads of the first are made between the rounds; what
one costs is told beside.

glibc gives freed memory back to the kernel above a threshold that rises with what the process freed before, and a
fresh page costs as much as sealing it. So everything is measured twice where glibc lets us choose: with the thresholds
of a process that begins (`heap_returned`), and with those of one that once freed a picture (`heap_kept`), as the
doorbell's does. Elsewhere there is one measurement, `heap_as_it_is`.
"""

import ctypes
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.file import Head, seal
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.age.payload import CHUNK_BYTES
from sealbell_wire.record import Record
from sealbell_wire.sealing import Draft, hide_number, seal_part

FRAGMENT_BYTES = 256 * 1024
ROUNDS = 25
SEALS_PER_ROUND = 10

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
HEAPS = {"heap_returned": 128 << 10, "heap_kept": 8 << 20}  # both thresholds in bytes

RAW, PYRAGE, TWO_READERS = "chacha20poly1305", "pyrage_two_x25519", "two_readers"
PART_PREPARED, PART_AND_ALL, HEAD = "part_head_prepared", "part_head_and_all", "head"
PROMISED_RATIOS = {TWO_READERS: 0.9, PART_PREPARED: 0.6}
TOLD_RATIOS = (*PROMISED_RATIOS, PART_AND_ALL)


def measure() -> dict[str, Any]:
    """Medians in µs and MB/s (10^6 bytes of plaintext) and the ratios to pyrage's rate, as JSON can hold them."""
    contenders = Contenders(os.urandom(FRAGMENT_BYTES))
    return {
        "fragment_bytes": FRAGMENT_BYTES,
        "rounds": ROUNDS,
        "promised_ratio_to_pyrage": PROMISED_RATIOS,
        **{heap: _race(contenders) for heap in _heaps()},
    }


def _heaps() -> Iterator[str]:
    """Each state of the heap by name, brought about before it is named."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        yield "heap_as_it_is"
        return
    for name, threshold_bytes in HEAPS.items():
        mallopt(M_TRIM_THRESHOLD, threshold_bytes)
        mallopt(M_MMAP_THRESHOLD, threshold_bytes)
        yield name


class Contenders:
    """What is raced, by name; each call of `prepare` makes ready for one turn of each."""

    def __init__(self, fragment: bytes) -> None:
        outsiders = [pyrage.x25519.Identity.generate().to_public() for _ in range(2)]
        readers = [HybridIdentity(os.urandom(32)).recipient for _ in range(2)]
        signing_key = Ed25519PrivateKey.generate()
        draft = Draft(_record(), fragment)
        cipher = ChaCha20Poly1305(os.urandom(32))
        chunks = [fragment[at : at + CHUNK_BYTES] for at in range(0, len(fragment), CHUNK_BYTES)]
        self._recipients = hide_number(readers, Decoy(os.urandom))
        self._heads: deque[Head] = deque()

        def raw() -> None:
            for counter, chunk in enumerate(chunks):
                cipher.encrypt(counter.to_bytes(12, "big"), chunk, None)

        self.by_name: dict[str, Callable[[], object]] = {
            RAW: raw,
            PYRAGE: lambda: pyrage.encrypt(fragment, outsiders),
            TWO_READERS: lambda: seal(fragment, readers),
            PART_PREPARED: lambda: seal_part(draft, self._heads.popleft(), signing_key),
            PART_AND_ALL: lambda: seal_part(draft, Head(self._recipients), signing_key),
            HEAD: lambda: Head(self._recipients),
        }

    def prepare(self) -> None:
        """Make the heads that the doorbell would have made before."""
        self._heads.extend(Head(self._recipients) for _ in range(SEALS_PER_ROUND))


def _record() -> Record:
    return Record(
        "ab" * 16, "cd" * 16, 2, "media", "ef" * 32, "", "", 0, False, "00" * 16, 1_000, 1_760_000_000_000, True,
        keyframe=True,
    )  # fmt: skip


def promises(found: dict[str, Any]) -> list[tuple[str, float, str, float]]:
    """Return each promise as (what, measured, at least, promised), for each state of the heap."""
    return [
        (f"{name.replace('_', ' ')}: rate over pyrage's, {heap.replace('_', ' ')}", ratio, ">=", PROMISED_RATIOS[name])
        for heap in (*HEAPS, "heap_as_it_is")
        if heap in found
        for name, ratio in found[heap]["ratio_to_pyrage"].items()
        if name in PROMISED_RATIOS
    ]


def _race(contenders: Contenders) -> dict[str, dict[str, float]]:
    seconds: dict[str, list[float]] = {name: [] for name in contenders.by_name}
    for _ in range(ROUNDS):
        contenders.prepare()
        for name, contender in contenders.by_name.items():
            begin = time.perf_counter()
            for _ in range(SEALS_PER_ROUND):
                contender()
            seconds[name].append((time.perf_counter() - begin) / SEALS_PER_ROUND)
    ratios = {
        name: median(peer / ours for peer, ours in zip(seconds[PYRAGE], seconds[name], strict=True))
        for name in TOLD_RATIOS
    }
    return {
        "us": {name: round(median(times) * 1e6) for name, times in seconds.items()},
        "mb_per_s": {
            name: round(FRAGMENT_BYTES / median(times) / 1e6) for name, times in seconds.items() if name != HEAD
        },
        "ratio_to_pyrage": {name: round(ratio, 2) for name, ratio in ratios.items()},
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))

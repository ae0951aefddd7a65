"""What an owner's request costs at a relay that keeps 100,000 clips of a doorbell, against one that keeps 100.

    PYTHONPATH=tests python bench/relay_pages.py [--clips 100000] [--requests 100]

One relay keeps both doorbells, one with few clips and one with many, a minute apart, and is asked about them in turns
over HTTP: for a page of the newest clips, for a page from the middle, for a clip, and to follow from the newest clip
but one until its first part arrives. The clips are small and their signatures are filling, since a relay that reads
its own store does not check them.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp

from parts_factory import HEADER, Doorbell
from relay_peers import owner_session, read_object, read_objects
from sealbell_relay.store.places import clip_folder
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_testing.relay import Relay, serving
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.part import Part
from sealbell_wire.receipt import MAGIC, Receipt
from sealbell_wire.record import Record
from sealbell_wire.statement import encode_statement

FEW, MANY = 100, 100_000
REQUESTS = 100  # of a kind and a doorbell: together less than an owner may ask in one go
PAGE_CLIPS = 50
CLIP_MS = 60_000
FIRST_MS = 1_790_000_000_000
FILLING = bytes(64)
PREV = "ab" * 32
SEALED = HEADER + bytes(100)


class NoRoomError(Exception):
    """The relay has too many streams open."""


def clip_id(number: int) -> str:
    """Return the id of a doorbell's clip of that number."""
    return f"{FIRST_MS + number * CLIP_MS:012x}{number:020x}"


def stored(bell: Doorbell, number: int, seq: int) -> bytes:
    """Return a stored object: the notice (0) or the end (1) of a clip."""
    kind, prev, counter, last = ("manifest", PREV, None, None) if seq else ("notice", ZERO_HASH, number + 1, ZERO_HASH)
    record = Record(
        bell.id, clip_id(number), seq, kind, prev, PREV, PREV, len(SEALED),
        bool(seq), "b0" * 16, 1_000, FIRST_MS, True, None, counter, last,
    )  # fmt: skip
    part = Part(record, record.encode(), FILLING, SEALED)
    receipt = Receipt(bell.id, record.clip, seq, part.hash, "stored", "-", FIRST_MS)
    return part.encode() + encode_statement(MAGIC, receipt.encode(), FILLING)


def fill(store: Path, bell: Doorbell, clips: int) -> None:
    """Write the clips, without a thought for power cuts."""
    for number in range(clips):
        folder = store / clip_folder(bell.id, clip_id(number))
        folder.mkdir(mode=0o700, parents=True)
        for seq in (0, 1):
            (folder / f"{seq:06d}.part").write_bytes(stored(bell, number, seq))


async def page(session: aiohttp.ClientSession, bell: Doorbell, before: int | None) -> None:
    """Ask for a page of clips."""
    query = f"limit={PAGE_CLIPS}" + (f"&before={clip_id(before)}" if before is not None else "")
    async with session.get(f"/v1/doorbells/{bell.id}/clips?{query}") as answer:
        assert answer.status == 200, await answer.text()
        assert len((await answer.json())["clips"]) == min(PAGE_CLIPS, PAGE_CLIPS if before is None else before)


async def clip(session: aiohttp.ClientSession, bell: Doorbell, number: int) -> None:
    """Get a clip."""
    async with session.get(f"/v1/doorbells/{bell.id}/clips/{clip_id(number)}/parts?from=0&follow=0") as answer:
        assert len(await read_objects(answer.content)) == 2


async def follow(session: aiohttp.ClientSession, bell: Doorbell, after: int) -> None:
    """Follow until the first part arrives; NoRoomError while the relay holds too many streams that were left."""
    async with session.get(f"/v1/doorbells/{bell.id}/follow?after={clip_id(after)}") as answer:
        if answer.status == 503:
            raise NoRoomError
        assert await read_object(answer.content)


async def _timed(ask: Callable[[Doorbell], Awaitable[None]], bell: Doorbell) -> float:
    while True:
        began = time.perf_counter()
        try:
            await ask(bell)
        except NoRoomError:
            await asyncio.sleep(1.0)
        else:
            return (time.perf_counter() - began) * 1e3


async def _ask(relay: Relay, few: Doorbell, many: Doorbell, clips: int, requests: int) -> dict[str, Any]:
    counts = {few.id: FEW, many.id: clips}
    dice = random.Random(1)
    async with owner_session(relay, few.owner.authorization) as session:
        kinds: dict[str, Callable[[Doorbell], Awaitable[None]]] = {
            "newest_page": lambda bell: page(session, bell, None),
            "a_page_from_the_middle": lambda bell: page(session, bell, counts[bell.id] // 2),
            "a_clip": lambda bell: clip(session, bell, dice.randrange(counts[bell.id])),
            "follow_to_first_part": lambda bell: follow(session, bell, counts[bell.id] - 2),
        }
        found: dict[str, Any] = {}
        for name, ask in kinds.items():
            took: dict[str, list[float]] = {few.id: [], many.id: []}
            for _ in range(requests):
                for bell in (few, many):
                    took[bell.id].append(await _timed(ask, bell))
            p95 = [quantiles(took[bell.id], n=20, method="inclusive")[18] for bell in (few, many)]
            found[name] = {
                "few_p95_ms": round(p95[0], 2), "many_p95_ms": round(p95[1], 2), "ratio": round(p95[1] / p95[0], 3)
            }  # fmt: skip
        return found


def measure(clips: int = MANY, requests: int = REQUESTS) -> dict[str, Any]:
    """Return p95 of each kind of request with few and with many clips, and their ratio."""
    few, many = Doorbell(1), Doorbell(2)
    with tempfile.TemporaryDirectory(prefix="sealbell-pages-") as name:
        root = Path(name) / "relay"
        with serving(root):
            pass  # makes the folder
        register = Register(DirectoryStore(root / "store"))
        for card in (few.owner.card, few.card, many.card):
            register.allow(card)
        began = time.monotonic()
        fill(root / "store", few, FEW)
        fill(root / "store", many, clips)
        filled_s = time.monotonic() - began
        with serving(root) as relay:
            found = asyncio.run(_ask(relay, few, many, clips, requests))
    return {"clips": [FEW, clips], "filled_s": round(filled_s, 1), **found}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=MANY)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    options = parser.parse_args()
    print(json.dumps(measure(options.clips, options.requests), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

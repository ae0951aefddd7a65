"""Kills and cuts a whole cluster at random while doorbells record and owners follow: `run.py FOLDER SEED SECONDS`.

To be started inside namespaces of its own (network.inside). Prints what it does, and a summary; exit code 1 if any
promise was broken. A run with the same seed does the same to the same machines at the same moments.
"""

import asyncio
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from chaos.followers import ClipFollower, DoorbellFollower, Owner
from chaos.ledger import Ledger
from chaos.recorders import LOOK_S, Recorder
from cluster import Cluster, Fault
from parts_factory import Doorbell
from parts_factory import Owner as Keys
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.places import clip_folder

DOORBELLS = 20
FOLLOWED_CLOSELY = 6  # doorbells whose every clip is followed by itself, too
BETWEEN_S = (1.0, 4.0)
LASTS_S = (0.5, 9.0)
DELETE_EVERY_S = 1.0
SETTLE_S = 240.0
MAX_WRONG_SHOWN = 20


@dataclass(frozen=True)
class Event:
    """A fault at a moment, both in seconds from the beginning, and when it is repaired."""

    at_s: float
    until_s: float
    fault: Fault


def schedule(faults: list[Fault], seed: int, seconds: float) -> list[Event]:
    """What happens when, by the seed alone: never two faults of one machine at a time."""
    chance, now_s, busy = random.Random(seed), 0.0, dict[str, float]()
    events = []
    while (now_s := now_s + chance.uniform(*BETWEEN_S)) < seconds:
        fault, lasts_s = chance.choice(faults), chance.uniform(*LASTS_S)
        if busy.get(fault.machine.name, 0.0) < now_s:
            busy[fault.machine.name] = now_s + lasts_s
            events.append(Event(now_s, now_s + lasts_s, fault))
    return events


class Chaos:
    """One run."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._seed = seed
        self._ledger = Ledger()
        self._bells = [Doorbell(n, Keys(n)) for n in range(1, DOORBELLS + 1)]
        self._cluster = Cluster(folder, self._bells)
        self._done: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._clips: list[ClipFollower] = []
        self._stopped = asyncio.Event()

    async def run(self, seconds: float) -> bool:
        """Start all, disturb it for so long, let it settle, and check; return whether every promise was kept."""
        began_s = time.monotonic()
        await asyncio.to_thread(self._cluster.start)
        print(f"started in {time.monotonic() - began_s:.0f} s: seed {self._seed}, {seconds:.0f} s", flush=True)
        chance = random.Random(self._seed)
        owners = [
            Owner(bell, self._cluster.urls, self._cluster.receipt_key, self._ledger, chance) for bell in self._bells
        ]
        self._followers = [DoorbellFollower(owner) for owner in owners]
        self._recorders = [
            Recorder(bell, self._cluster.outbox(bell), self._ledger, self._seed + n)
            for n, bell in enumerate(self._bells)
        ]
        recording = [asyncio.create_task(recorder.run(self._stopped)) for recorder in self._recorders]
        recording.append(asyncio.create_task(self._delete(owners, chance)))
        work = [self._look(), *(follower.run() for follower in self._followers)]
        close = list(zip(owners, self._followers, strict=True))[:FOLLOWED_CLOSELY]
        self._tasks = [asyncio.create_task(each) for each in (*work, *(self._closely(*each) for each in close))]
        await self._disturb(schedule(self._cluster.faults, self._seed, seconds), seconds)
        self._stopped.set()
        await asyncio.gather(*recording)
        await self._settle()
        for owner in owners:
            for clip in (clip for doorbell, clip in self._ledger.deleted if doorbell == owner.bell.id):
                if (statuses := await owner.shows(clip)) != [404] * len(self._cluster.relays):
                    self._ledger.wrong.append(f"relays answer {statuses} to who asks for the deleted clip {clip}")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *(owner.close() for owner in owners), return_exceptions=True)
        await asyncio.to_thread(self._check_store)
        return self._report(time.monotonic() - began_s)

    async def _disturb(self, events: list[Event], seconds: float) -> None:
        began_s = asyncio.get_running_loop().time()

        async def cause(event: Event) -> None:
            fault, name = event.fault, str(event.fault)
            await asyncio.sleep(began_s + event.at_s - asyncio.get_running_loop().time())
            print(f"{event.at_s:6.1f} s  {name}, for {event.until_s - event.at_s:.1f} s", flush=True)
            self._done[name.rstrip("0123456789")] += 1
            await asyncio.to_thread(fault.happen)
            await asyncio.sleep(began_s + event.until_s - asyncio.get_running_loop().time())
            await asyncio.to_thread(fault.repair)

        await asyncio.gather(asyncio.sleep(seconds), *map(cause, events))

    async def _look(self) -> None:
        while True:
            for recorder in self._recorders:
                recorder.look(time.monotonic())
            await asyncio.sleep(LOOK_S)

    async def _delete(self, owners: list[Owner], chance: random.Random) -> None:
        while not self._stopped.is_set():
            await asyncio.sleep(DELETE_EVERY_S)
            owner = chance.choice(owners)
            if clips := self._ledger.kept(owner.bell.id):
                clip = max(clips)  # it is being recorded, or was just now
                self._ledger.deleted.add((owner.bell.id, clip))  # from now on nobody has to get it
                await owner.delete(clip)

    async def _closely(self, owner: Owner, follower: DoorbellFollower) -> None:
        followed: set[str] = set()
        while True:
            await follower.news.wait()
            follower.news.clear()
            for clip in follower.seen.keys() - followed:
                followed.add(clip)
                self._clips.append(ClipFollower(owner, clip))
                self._tasks.append(asyncio.create_task(self._clips[-1].run()))

    async def _settle(self) -> None:
        began_s = time.monotonic()
        for (
            street
        ) in self._cluster.streets:  # a doorbell that waits two minutes before it tries again may not do so here
            await asyncio.to_thread(street.kill, "uplinks")
            street.start_again("uplinks")
        while left := self._left():
            if time.monotonic() > began_s + SETTLE_S:
                self._ledger.wrong.append(f"after {SETTLE_S:.0f} s of peace: {left}")
                return
            await asyncio.sleep(LOOK_S)
        self._ledger.counts["settled in s"] = round(time.monotonic() - began_s)

    def _left(self) -> str:
        waiting = sum(recorder.look(time.monotonic()) for recorder in self._recorders)
        lacking = sum(follower.lacks() for follower in self._followers)
        growing = sum(not clip.is_over for clip in self._clips)
        return (
            f"{waiting} parts wait, followers lack {lacking}, {growing} clips are followed"
            if (waiting or lacking or growing)
            else ""
        )

    def _check_store(self) -> None:
        archive, ledger = Archive(self._cluster.store, print), self._ledger
        for bell in self._bells:
            for clip, parts in ledger.clips[bell.id].items():
                names = archive.all_names(bell.id, clip)
                if (bell.id, clip) in ledger.deleted:
                    if left := self._cluster.store.list(clip_folder(bell.id, clip)).objects:
                        ledger.wrong.append(f"{len(left)} objects of the deleted clip {clip} are stored")
                elif [(name.seq, name.dropped) for name in names] != [(seq, False) for seq in range(parts)]:
                    ledger.wrong.append(f"clip {clip} of {parts} parts is stored as {names}")
                else:
                    for name in names:
                        ledger.check(archive.read(bell.id, clip, name.seq, False) or b"", "the store")

    def _report(self, seconds: float) -> bool:
        ledger, parts = self._ledger, len(self._ledger.digests)
        longest_s = max(recorder.longest_receipt_s for recorder in self._recorders)
        print(f"{seconds:.0f} s, seed {self._seed}: {self._done.total()} faults: {dict(sorted(self._done.items()))}")
        clips = f"{sum(map(len, ledger.clips.values()))} clips, of which {len(ledger.deleted)} were deleted"
        print(f"{parts} parts in {clips}; longest receipt {longest_s:.1f} s")
        followed = f"{len(self._followers)} doorbells and {len(self._clips)} clips were followed"
        print(f"{followed}; {dict(sorted(ledger.counts.items()))}")
        for wrong in ledger.wrong[:MAX_WRONG_SHOWN]:
            print(f"WRONG: {wrong}")
        print("every promise was kept" if not ledger.wrong else f"{len(ledger.wrong)} things went wrong", flush=True)
        return not ledger.wrong


def main() -> int:
    folder, seed, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    return 0 if asyncio.run(Chaos(folder, seed).run(seconds)) else 1


if __name__ == "__main__":
    sys.exit(main())

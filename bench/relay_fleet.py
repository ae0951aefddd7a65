"""What a part costs one relay, and what it costs three that share its doorbells: is anything done twice?

    PYTHONPATH=tests python bench/relay_fleet.py [--rounds 3]

The same clips go through one broker and one store by one relay, then by three, in turn. Three relays on three machines
carry three times what one carries if a part costs the same processor time whoever takes it; what it costs more is what
they spend on each other. Counted, too: by how many relays each part was taken.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from brokers import Nats
from parts_factory import Doorbell, topic_of
from relay_rate import Sender, clips, cpu_s, enrol
from sealbell_relay.fleet.shards import SHARDS
from sealbell_relay.folder import Folder
from sealbell_relay.status import ask
from sealbell_relay.store.store import DirectoryStore
from sealbell_testing.relay import Relay, serving
from sealbell_testing.waiting import until

DOORBELLS = 48
ROUNDS = 3
SHARDS_TAKEN_S = 20.0


@contextmanager
def fleet(root: Path, count: int, broker: str, store: Path) -> Iterator[list[Relay]]:
    """Run `count` relays over one broker and one store, each in a copy of one folder."""
    with ExitStack() as stack:
        relays = []
        for number in range(count):
            folder = root / f"{count}-{number}"
            if not folder.exists():
                shutil.copytree(root / "first", folder)
            relays.append(stack.enter_context(serving(folder, "--broker", broker, "--store", str(store))))
        until(lambda: _owned(relays) == len(SHARDS), "the shards are shared out", SHARDS_TAKEN_S)
        yield relays


def _owned(relays: Sequence[Relay]) -> int:
    shares = [_status(relay) for relay in relays]
    met = all(share.get("relays") == len(relays) for share in shares)
    return sum(int(share.get("shards", 0)) for share in shares) if met else 0


def _status(relay: Relay) -> dict[str, Any]:
    folder = Folder(relay.root)
    return ask(folder.card(), folder.admin())


async def _one_round(
    broker: Nats, relays: Sequence[Relay], bells: Sequence[Doorbell], turn: int
) -> tuple[float, float, float]:
    sender = Sender(bells)
    await sender.connect(broker.port)
    messages = [[(topic_of(part), part.encode()) for part in clips(bell, turn)] for bell in bells]
    pids = [broker.pid, *(relay.process.pid for relay in relays)]
    before = [cpu_s(pid) for pid in pids]
    seconds = await sender.send(messages)
    brokers, *spent = [cpu_s(pid) - began for pid, began in zip(pids, before, strict=True)]
    sender.close()
    parts = sum(map(len, messages))
    return sum(spent) * 1e3 / parts, brokers * 1e3 / parts, parts / seconds


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Return processor milliseconds a part for one relay and for three, and what follows for the latter."""
    bells = [Doorbell(seed) for seed in range(DOORBELLS)]
    costs: dict[int, list[float]] = {1: [], 3: []}
    brokers: dict[int, list[float]] = {1: [], 3: []}
    rates: dict[int, list[float]] = {1: [], 3: []}
    taken: dict[int, list[list[int]]] = {1: [], 3: []}
    turn = 0
    with tempfile.TemporaryDirectory(prefix="sealbell-fleet-") as name:
        root = Path(name)
        Folder(root / "first").make(bytes(range(32)))
        store = root / "shared"
        broker = Nats(root)
        broker.start()
        try:
            DirectoryStore(store).make()
            enrol(DirectoryStore(store), bells)
            for _ in range(rounds):
                for count in (1, 3):
                    turn += 1
                    with fleet(root, count, broker.url, store) as relays:
                        cost, brokers_cost, rate = asyncio.run(_one_round(broker, relays, bells, turn))
                        taken[count].append([int(_status(relay)["stored"]) for relay in relays])
                    costs[count].append(cost)
                    brokers[count].append(brokers_cost)
                    rates[count].append(rate)
        finally:
            broker.kill()
    one, three = median(costs[1]), median(costs[3])
    return {
        "cpu_ms_a_part": {"one": round(one, 3), "three": round(three, 3)},
        "broker_cpu_ms_a_part": {"one": round(median(brokers[1]), 3), "three": round(median(brokers[3]), 3)},
        "parts_a_second_on_this_machine": {"one": round(median(rates[1]), 1), "three": round(median(rates[3]), 1)},
        "parts_stored_by_each": {str(count): each for count, each in taken.items()},
        "parts_sent_a_round": DOORBELLS * len(clips(bells[0], 1)),
        "three_carry_times_one": round(3 * one / three, 2),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    print(json.dumps(measure(parser.parse_args().rounds), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

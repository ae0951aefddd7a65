"""Kill -9 of every process at random moments: what was committed arrives, once, unchanged, and opens."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from brokers import free_port
from sealbell.demo import processes
from sealbell.demo.processes import Running
from sealbell.demo.street import Doorbell, Street

LEDGER_WATCH = Path(__file__).with_name("ledger_watch.py")
PAUSE_S = (0.15, 1.4)


class Victims:
    """Everything that can die, and how it comes back."""

    def __init__(self, street: Street, bell: Doorbell, relay: Running, ports: list[str], ledger: Path) -> None:
        self._street, self._bell, self._ports, self._ledger = street, bell, ports, ledger
        self._relay = relay
        self._uplink = self._start_uplink()
        self._watch = self._start_watch()

    def kill(self, who: str) -> None:
        match who:
            case "watch":
                self.stop_watch()
                self._watch = self._start_watch()
            case "uplink":
                self._uplink.kill()
                self._uplink = self._start_uplink()
            case "broker":
                for pid in broker_pids(self._relay.pid):
                    os.kill(pid, signal.SIGKILL)
            case "relay":
                self._relay.kill()
                self._relay, _ = self._street.start_relay(*self._ports)

    def end(self) -> None:
        """Kill the picture process once more, then send to the last part."""
        self.stop_watch()
        self._uplink.stop()
        processes.run("sealbell", "uplink", self._bell.home, "--until-empty")

    def stop_watch(self) -> None:
        self._watch.kill()
        self._watch.wait()

    def _start_watch(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(LEDGER_WATCH), str(self._bell.home), str(self._ledger)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _start_uplink(self) -> Running:
        return self._street.start("sealbell", "uplink", self._bell.home)


def broker_pids(relay_pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(relay_pid)], capture_output=True, text=True, check=False
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "nats-server" in line]


def run_kills(folder: Path, kills: int, seed: int) -> Counter[str]:
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    ports = ["--mqtt-port", str(free_port()), "--http-port", str(free_port())]
    ledger = folder / "ledger"
    with ExitStack() as stack:
        street = Street(folder, stack)
        relay, _ = street.start_relay(*ports)
        street.set_up_owner()
        bell = street.set_up_doorbell("1", "door")
        victims = Victims(street, bell, relay, ports, ledger)
        stack.callback(victims.stop_watch)
        for _ in range(kills):
            threading.Event().wait(chance.uniform(*PAUSE_S))  # the random moment itself, not a wait for anything
            who = chance.choice(("watch", "uplink", "broker", "relay"))
            victims.kill(who)
            done[who] += 1
        victims.end()
        check_nothing_lost(ledger, street.relay / "store" / "clips" / bell.id)
        check_every_clip_opens(street, bell)
    return done


def check_nothing_lost(ledger: Path, store: Path) -> None:
    committed = [line.split() for line in ledger.read_text().splitlines()]
    assert len(committed) > 20, "the doorbell recorded next to nothing: the test shows nothing"
    names = Counter(
        (path.parent.name, int(path.stem)) for path in store.rglob("*.*") if path.suffix in (".part", ".dropped")
    )
    assert [name for name, count in names.items() if count > 1] == []
    for clip, seq, digest in committed:
        (stored,) = store.glob(f"*/{clip}/{int(seq):06d}.part")
        data = stored.read_bytes()
        assert sha256(data[: data.rindex(b"SBR1")]).hexdigest() == digest, f"part {seq} of {clip} was changed"


def check_every_clip_opens(street: Street, bell: Doorbell) -> None:
    clips = street.clips(bell)
    assert len(clips) >= 2
    for clip in clips:
        out = street.folder / f"{clip}.mp4"
        opened = processes.run_json(
            "sealbell-owner", "open", street.owner, clip, "--doorbell", bell.id, "--json", "--out", out, good=(0, 1)
        )
        assert opened["verified"], json.dumps(opened)
        stored = (street.relay / "store" / "clips" / bell.id).glob(f"*/{clip}/*.part")
        ended = any(b"\nfinal 1\n" in path.read_bytes()[:1100] for path in stored)
        assert opened["interrupted"] == (not ended)


def test_sixty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    done = run_kills(tmp_path, 60, seed=20190801)
    assert set(done) == {"watch", "uplink", "broker", "relay"}


@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_a_thousand_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    done = run_kills(tmp_path, 1_000, seed=20190802)
    print(f"killed: {dict(done)}")

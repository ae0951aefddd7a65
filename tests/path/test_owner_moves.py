"""The page's way from one relay to another: the same owner and doorbell, with no key drawn anew and no clip lost."""

import json
import os
import subprocess
from pathlib import Path

from sealbell_owner.words import encode_words
from sealbell_testing.clock import HandClock
from sealbell_testing.doorbell import Doorbell
from sealbell_testing.panel import HandPanel
from sealbell_testing.program import command_of
from sealbell_testing.relay import Relay, serving
from sealbell_testing.waiting import DEADLINE_S, until


def typed(program: str, *words: str | Path, said: str = "") -> str:
    command = [*command_of(f"sealbell_{program}.cli"), *map(str, words)]
    done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def joins(folder: Path, relay: Relay, words: str) -> Path:
    """An owner's folder for this relay, from the words, enrolled by an invite of its operator."""
    typed("owner", "recover", folder, "--relay", relay.root / "relay.json", said=words)
    typed("owner", "enrol", folder, said=typed("relay", "invite", relay.root))
    return folder


def names(folder: Path) -> set[str]:
    """The clips that are there and ended, opened and checked; nothing is held against the relay."""
    listed = json.loads(typed("owner", "clips", folder, "--json"))
    assert listed["findings"] == []
    # The last part that was sent stays in the outbox, and comes here, too: a clip of one part.
    return {clip["clip"] for clip in listed["clips"] if clip["parts"] > 1 and not clip["interrupted"]}


def rings(doorbell: Doorbell, clock: HandClock, panel: HandPanel) -> None:
    doorbell.draws()
    clock.passes(seconds=4)
    panel.press()
    clock.passes(seconds=7)


def test_an_owner_moves_to_another_relay_and_what_waits_goes_there(tmp_path: Path) -> None:
    words, clock = " ".join(encode_words(os.urandom(32))), HandClock()
    panel = HandPanel(clock)
    with serving(tmp_path / "old", "--tls") as old, serving(tmp_path / "new", "--tls") as new:
        before = joins(tmp_path / "before", old, words)
        doorbell = Doorbell(tmp_path / "doorbell", before / "bundle.json", clock, panel)
        introduction = tmp_path / "doorbell" / "introduction.json"
        typed("owner", "pin", before, introduction, "--name", "door")
        rings(doorbell, clock, panel)
        until(lambda: len(names(before)) == 1, "the first clip is at the old relay")
        doorbell.kills_uplink()
        panel.press()
        clock.passes(seconds=7)  # this clip waits in the outbox

        after = joins(tmp_path / "after", new, words)
        typed("owner", "pin", after, introduction, "--name", "door")
        (tmp_path / "doorbell" / "bundle.json").write_bytes((after / "bundle.json").read_bytes())
        doorbell.starts_uplink()
        until(lambda: len(names(after)) == 1, "what waited is at the new relay")
        panel.press()
        clock.passes(seconds=7)
        until(lambda: len(names(after)) == 2, "and what is recorded now")
        doorbell.switched_off()
        assert len(names(before)) == 1, "what was at the old relay is there still"
        assert not names(before) & names(after)
        assert len(list((new.root / "store" / "doorbells").iterdir())) == 1

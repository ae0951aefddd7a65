"""A street in a folder: one relay with its broker, one owner, any number of doorbells, all real processes."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealbell.demo import processes
from sealbell.demo.processes import ProcessError, Running


@dataclass(frozen=True, slots=True)
class Doorbell:
    """A doorbell that was set up: its folder and its id."""

    home: Path
    id: str


class Street:
    """Starts and introduces everybody; what runs is stopped when the ExitStack closes."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """`folder` exists; `relay`, `owner`, `doorbells` and `logs` are made below it."""
        self.folder = folder
        self.relay, self.owner, self.logs = folder / "relay", folder / "owner", folder / "logs"
        self.logs.mkdir(exist_ok=True)
        self._stack = stack
        self._started = 0

    def start(self, program: str, command: str, *arguments: str | Path) -> Running:
        """Start one of the project's commands beside us."""
        self._started += 1
        running = Running(self.logs / f"{self._started:03d}-{command}.log", program, command, *arguments)
        self._stack.callback(running.stop)
        return running

    def start_relay(self, *arguments: str) -> tuple[Running, dict[str, Any]]:
        """Start a relay and wait until it serves; return it and its card."""
        relay = self.start("sealbell-relay", "serve", self.relay, "--json", *arguments)
        for line in relay.lines():
            relay.each_line(lambda _: None)
            return relay, json.loads(line)
        relay.wait()
        raise ProcessError("the relay ended before it served")

    def set_up_owner(self) -> None:
        """Draw the owner's keys and make them known to the relay, by an invite of its operator."""
        card, words = self.relay / "relay.json", self.folder / "words.txt"
        invite = processes.run_json("sealbell-relay", "invite", self.relay, "--json")["invite"]
        made = ("init", self.owner, "--relay", card, "--words-file", words, "--invite", "-")
        processes.run("sealbell-owner", *made, stdin=invite)

    def set_up_doorbell(self, name: str, label: str) -> Doorbell:
        """Set a doorbell up that pins the owner, who trusts it and enrols it at the relay."""
        home = self.folder / "doorbells" / name
        said = processes.run_json("sealbell", "init", home, "--owner", self.owner / "bundle.json", "--json")
        processes.run("sealbell-owner", "pin", self.owner, home / "introduction.json", "--name", label)
        return Doorbell(home, said["doorbell"])

    def clips(self, bell: Doorbell) -> list[str]:
        """Return the ids of the clips that the relay lists, oldest first."""
        listed = processes.run_json(
            "sealbell-owner", "clips", self.owner, "--doorbell", bell.id, "--limit", "500", "--json"
        )
        return sorted(clip["clip"] for clip in listed["clips"])

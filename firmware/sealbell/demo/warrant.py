"""What somebody gets who takes everything that the relay has."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sealbell.demo import processes
from sealbell_wire.age.mlkem768x25519 import SEED_BYTES, HybridIdentity


@dataclass(frozen=True, slots=True)
class Seizure:
    """Files and bytes seized, how the attempt to open one ended, and what the relay knows."""

    files: int
    bytes: int
    attempt: str
    knows: dict[str, Any]


def seize(relay: Path, sealed: bytes | None, scratch: Path) -> Seizure:
    """Take the relay's whole folder and try to open one sealed fragment with a key that is not the owner's."""
    sizes = [path.stat().st_size for path in relay.rglob("*") if path.is_file()]
    return Seizure(len(sizes), sum(sizes), _attempt(sealed, scratch), _knows(relay))


def _knows(relay: Path) -> dict[str, Any]:
    knows: dict[str, Any] = processes.run_json("sealbell-relay", "knows", relay, "--json")
    return knows


def _attempt(sealed: bytes | None, scratch: Path) -> str:
    if sealed is None:
        return "nothing to try: no fragment was stored"
    identity = scratch / "somebody.txt"
    identity.write_text(HybridIdentity(secrets.token_bytes(SEED_BYTES)).encode() + "\n", encoding="ascii")
    code, said = processes.last_words("sealbell-owner", "age-open", "--identity", identity, stdin=sealed)
    return f"refused: {said}" if code else "IT OPENED"


def show(console: Console, seizure: Seizure, hits: int, searched_bytes: int) -> None:
    """Print it."""
    console.print("\n[bold]what a warrant served on the relay would get[/bold]")
    console.print(f"  {seizure.files} files, {seizure.bytes / 1e6:.2f} MB: sealed, public, or the relay's own keys")
    console.print(f"  an attempt to open one fragment without the owner's key: {seizure.attempt}")
    console.print(
        f"  plaintext found at the broker, the relay and the doorbell ({searched_bytes / 1e6:.1f} MB searched): {hits}",
        soft_wrap=True,
    )
    knows = seizure.knows
    counts = ", ".join(f"{what}: {len(knows[what])}" for what in ("doorbells", "owners", "clips"))
    console.print(f"  the relay knows {counts}; of each part:")
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 4))
    for name, meaning in knows["meanings"].items():
        table.add_row(name, meaning)
    console.print(table)
    for heading, key in (("it sees, and does not keep", "seen_but_not_kept"), ("it does not know", "not_known")):
        console.print(f"  {heading}:")
        for line in knows[key]:
            console.print(f"    {line}", highlight=False)

"""An owner, a doorbell and a relay double that know each other, and the owner's command as a function."""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from clip_factory import Doorbell, Store
from relay_double import RelayDouble
from sealbell_owner.cli import main
from sealbell_owner.clip import Trust
from sealbell_owner.home import Home, Pin, make_home
from sealbell_owner.keys import derive_root, first_readers

ENTROPY = bytes(range(32))


@dataclass(frozen=True)
class Ran:
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class World:
    """`bell` records; what is given to `store` the relay serves; `run` is the owner at a keyboard."""

    def __init__(self, folder: Path, relay: type[RelayDouble] = RelayDouble) -> None:
        root = derive_root(ENTROPY, 0)
        self.folder = folder
        self.bell = self.another_bell(1)
        self.store = Store()
        self.relay = relay(self.store, root.token.hex(), [self.bell.card])

    def another_bell(self, seed: int) -> Doorbell:
        root = derive_root(ENTROPY, 0)
        readers = first_readers(ENTROPY)
        return Doorbell(seed, [root.identity.recipient], readers.hash, root.verify_key.hex())

    def keep(self, *clips: list[Any]) -> None:
        for parts in clips:
            self.store.keep(parts)

    def run(self, command: str, *arguments: object) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main([command, str(self.home.folder), *map(str, arguments)])
            except SystemExit as left:
                code = int(left.code or 0)
        return Ran(code, out.getvalue(), err.getvalue())

    def open(self, clip: str = "latest", *arguments: object) -> Ran:
        return self.run("open", clip, "--out", self.folder / "opened.mp4", "--json", *arguments)

    @property
    def opened(self) -> Path:
        return self.folder / "opened.mp4"

    @property
    def trust(self) -> Trust:
        return self.home.trust(self.pin)

    def __enter__(self) -> "World":
        self.relay.__enter__()
        self.home: Home = make_home(self.folder / "owner", ENTROPY, self.relay.card)
        self.pin: Pin = self.home.pin(self.bell.card, "front")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.relay.__exit__(kind, error, at)

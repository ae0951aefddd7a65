"""The real picture process on drawn pictures, which also writes down what it has committed, so that a test can ask.

`python ledger_watch.py HOME LEDGER`: a line `CLIP SEQ SHA-256` for each part, appended once `commit` has returned.
"""

import hashlib
import os
import secrets
import sys
from pathlib import Path

from sealbell.clock import FootageClock
from sealbell.home import Home
from sealbell.items import VideoFormat
from sealbell.spool import Entry
from sealbell.watch.camera.synthetic import Synthetic
from sealbell.watch.main import DEFAULTS, Eyes, compose
from sealbell.watch.outbox import Outbox
from sealbell.watch.panel.scripted import ScriptedPanel
from sealbell.watch.recorder import Timing
from sealbell_wire.part import Part
from sealbell_wire.sealing import drop_part

PRESS_AT_US = range(200_000, 3_600_000_000, 9_000_000)  # clips of some seconds, with pauses between them
TIMING = Timing(preroll_us=1_000_000, postroll_us=2_000_000, cap_us=5_000_000, fragment_us=250_000)


class LedgerOutbox(Outbox):
    """An outbox whose commits are written down."""

    ledger: int

    def commit(self, part: Part, *, pressed: bool, counter: int) -> list[Entry]:
        dropped = super().commit(part, pressed=pressed, counter=counter)
        digest = hashlib.sha256(part.encode()).hexdigest()
        os.write(self.ledger, f"{part.record.clip} {part.record.seq} {digest}\n".encode())
        return dropped


def main() -> None:
    home = Home(Path(sys.argv[1]))
    key = home.signing_key()
    limits = DEFAULTS.outbox
    outbox = LedgerOutbox(home.outbox, limits.max_bytes, limits.min_free_bytes, lambda part: drop_part(part, key))
    outbox.ledger = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    clock = FootageClock(secrets.token_hex(16), real=True)
    camera = Synthetic(VideoFormat(320, 240), 15, 300_000, clock)
    eyes = Eyes(camera, ScriptedPanel(clock, PRESS_AT_US), clock, patient=False)
    compose(home, eyes, TIMING, outbox).run()


if __name__ == "__main__":
    main()

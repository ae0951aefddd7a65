"""From trigger to the owner, as a follower at the relay saw it. Only at real pace does that mean anything."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sealbell.demo.processes import Running
from sealbell.demo.report import spread


@dataclass(frozen=True, slots=True)
class Seen:
    """One part as a follower received it; wall times in milliseconds of one machine's clock."""

    clip: str
    seq: int
    kind: str
    wall_ms: int
    received_ms: float


class Follower:
    """Follows one doorbell through `sealbell-owner follow --json` and keeps what it says."""

    def __init__(self, process: Running) -> None:
        self._process = process
        self._seen: list[Seen] = []
        self._ready = threading.Event()
        self._reader = process.each_line(self._take)

    def wait_ready(self, timeout_s: float) -> bool:
        """Return whether it was listening in time."""
        return self._ready.wait(timeout_s)

    def finish(self) -> list[Seen]:
        """Stop following; return everything that was seen."""
        self._process.stop()
        self._reader.join()
        return self._seen

    def _take(self, line: str) -> None:
        said: dict[str, Any] = json.loads(line)
        if "following" in said:
            self._ready.set()
        elif "seq" in said:
            self._seen.append(Seen(said["clip"], said["seq"], said["kind"], said["wall_ms"], said["received_ms"]))


def measure(followed: Sequence[Sequence[Seen]] | None) -> dict[str, Any]:
    """Return the spread of trigger to notice, and of trigger to the fragment that shows it; None if not followed."""
    if followed is None:
        return {"trigger_to_notice": None, "trigger_to_media": None}
    notices: list[float] = []
    media: list[float] = []
    for seen in followed:
        for notice in (part for part in seen if part.kind == "notice"):
            notices.append(notice.received_ms - notice.wall_ms)
            shown = [part for part in seen if part.clip == notice.clip and part.kind == "media"]
            showing = [part for part in shown if part.wall_ms <= notice.wall_ms]
            if showing:
                media.append(max(showing, key=lambda part: part.seq).received_ms - notice.wall_ms)
    return {"trigger_to_notice": spread(notices), "trigger_to_media": spread(media)}

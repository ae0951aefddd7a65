"""An owner with keys of the test's own, who sees only what the relay hands over and believes only what verifies."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealbell_owner.clip import Clip, Opened
from sealbell_owner.errors import UnreachableError
from sealbell_owner.film import Film
from sealbell_owner.home import BUNDLE, CARD, Pin, make_home
from sealbell_owner.listing import ClipEntry
from sealbell_owner.lookup import MAX_LISTED_CLIPS, fetch, newest_clips
from sealbell_owner.relay import Relay
from sealbell_testing.program import Program, command_of
from sealbell_testing.waiting import until
from sealbell_wire.content import Notice, TriggerKind
from sealbell_wire.enrolment import DoorbellCard, OwnerCard, RelayCard, parse_card
from sealbell_wire.health import parse_health
from sealbell_wire.report import Report, open_health

ENTROPY_BYTES = 32


@dataclass(frozen=True)
class OpenedClip:
    """A clip as the owner has it. `video` is the playable MP4, empty if there is none yet."""

    id: str
    trigger: TriggerKind | None
    notices: tuple[Notice, ...]
    video: bytes
    seconds: float
    verified: bool
    interrupted: bool
    missing: tuple[int, ...]
    dropped: tuple[int, ...]
    lost: int
    faults: tuple[str, ...]


class Owner:
    """Whoever holds the words. `bundle` sets a doorbell up, `card` enrols the owner at the relay."""

    def __init__(self, folder: Path, relay: RelayCard) -> None:
        """Draw keys and make the owner's folder, as `sealbell-owner init` does."""
        self.home = make_home(folder, os.urandom(ENTROPY_BYTES), relay)
        self.bundle = folder / BUNDLE
        card = parse_card((folder / CARD).read_bytes())
        assert isinstance(card, OwnerCard)
        self.card = card
        self._relay = Relay(relay, self.home.owner().token)
        self._opened: dict[ClipEntry, OpenedClip] = {}
        self._given: set[tuple[str, int | None]] = set()

    def pin(self, card: DoorbellCard, name: str = "front door") -> None:
        """Trust a doorbell, as `sealbell-owner pin` does."""
        self.home.pin(card, name)

    def clips(self) -> list[OpenedClip]:
        """Open everything that the relay has now, oldest first; of a clip that is being recorded what there is."""
        found = [self._open(pin, entry) for pin in self.home.pins() for entry in self._listed(pin)]
        return sorted(found, key=lambda clip: clip.id)

    def waits_for_clip(self) -> OpenedClip:
        """The next whole clip that was not waited for before; AssertionError if none comes."""
        came: list[OpenedClip] = []

        def look() -> bool:
            whole = (clip for clip in self._clips_if_reachable() if not clip.interrupted and not clip.missing)
            came.extend(clip for clip in whole if (clip.id, None) not in self._given)
            return bool(came)

        until(look, "the owner has a whole clip")
        self._given.add((came[0].id, None))
        return came[0]

    def waits_for_notice(self) -> Notice:
        """The next notice that was not waited for before: who rings is told before the clip has ended."""
        came: list[tuple[tuple[str, int], Notice]] = []

        def look() -> bool:
            for clip in self._clips_if_reachable():
                told = [((clip.id, number), notice) for number, notice in enumerate(clip.notices)]
                came.extend(entry for entry in told if entry[0] not in self._given)
            return bool(came)

        until(look, "the owner has a notice")
        name, notice = came[0]
        self._given.add(name)
        return notice

    def health(self) -> Report | None:
        """What the doorbell said of itself last, verified and opened; None if the relay has nothing of it."""
        for pin in self.home.pins():
            if offered := self._relay.health(pin.doorbell):
                trust = self.home.trust(pin)
                return open_health(parse_health(offered.message), trust.doorbell_key, trust.identities)
        return None

    def waits_for_trouble(self, trouble: str, *, present: bool = True) -> None:
        """Return once the doorbell says that it has this trouble, or has it no more; AssertionError if it does not."""

        def told() -> bool:
            with suppress(UnreachableError):
                report = self.health()
                return report is not None and (trouble in dict(report.troubles)) == present
            return False

        until(told, f"the doorbell says {'' if present else 'no more '}that it has {trouble}")

    @contextmanager
    def follows(self) -> "Iterator[Following]":
        """Watch live, by `sealbell-owner follow`, until the block ends."""
        film = self.home.folder / "followed.mp4"
        following = Following(film, str(self.home.folder))
        try:
            following.wait_for_said(lambda line: "following" in line)
            yield following
        finally:
            following.kill()

    def _clips_if_reachable(self) -> list[OpenedClip]:
        with suppress(UnreachableError):
            return self.clips()
        return []

    def _listed(self, pin: Pin) -> list[ClipEntry]:
        return newest_clips(self._relay, pin, MAX_LISTED_CLIPS)[0]

    def _open(self, pin: Pin, entry: ClipEntry) -> OpenedClip:
        if entry not in self._opened:
            clip, film, video = Clip(entry.clip, self.home.trust(pin)), Film(), bytearray()

            def take(opened: Opened) -> None:
                video.extend(b"".join(film.add(opened.part.record, opened.plaintext)))

            fetch(self._relay, pin, entry, clip, take)
            video.extend(b"".join(film.finish()))
            self._opened[entry] = _opened(clip, bytes(video))
        return self._opened[entry]


class Following(Program):
    """An owner who watches live. `film` grows while the doorbell records."""

    def __init__(self, film: Path, home: str) -> None:
        """Start it."""
        self.film = film
        super().__init__(*command_of("sealbell_owner.cli", "follow", home, "--json", "--out", str(film)))

    def waits_for(self, kind: str, times: int = 1) -> dict[str, Any]:
        """What was told of the so-manieth part of this kind: notice, init, media or manifest."""
        line = self.wait_for_said(lambda line: json.loads(line).get("kind") == kind, times)
        told: dict[str, Any] = json.loads(line)
        return told


def _opened(clip: Clip, video: bytes) -> OpenedClip:
    start_ms, end_ms = clip.span_ms or (0, 0)
    return OpenedClip(
        id=clip.clip,
        trigger=clip.trigger,
        notices=tuple(notice for _, notice in sorted(clip.notices.items())),
        video=video,
        seconds=(end_ms - start_ms) / 1_000,
        verified=clip.verified,
        interrupted=clip.interrupted,
        missing=tuple(clip.missing),
        dropped=tuple(clip.dropped),
        lost=clip.manifest.lost if clip.manifest else 0,
        faults=tuple(clip.faults),
    )

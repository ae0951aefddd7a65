"""What a full outbox lets go of, and in which order."""

from pathlib import Path

import pytest

from crafted import Bell
from sealbell.spool import listing
from sealbell.watch.outbox import Outbox

PART_BYTES = 2_000
NO_END = 1 << 40


def kept(folder: Path, *, room_parts: int, clips: int, kinds: str, pressed: bool = True) -> list[tuple[int, str]]:
    """Which parts, by clip and kind, are still whole when so many clips were committed and nothing was sent."""
    bell = Bell(size_bytes=PART_BYTES)
    outbox = Outbox(folder, room_parts * PART_BYTES, 0, bell.drop, lambda _: NO_END)
    for _ in range(clips):
        for part in bell.spell(kinds):
            outbox.commit(part, pressed=pressed, counter=bell.counter)
    return [(entry.counter, entry.kind) for entry in listing(folder) if not entry.dropped]


@pytest.mark.parametrize("pressed", [True, False])
def test_no_notice_gives_way_while_anything_else_is_left(tmp_path: Path, pressed: bool) -> None:
    whole = kept(tmp_path, room_parts=60, clips=20, kinds="nivvf", pressed=pressed)
    assert [clip for clip, kind in whole if kind == "notice"] == list(range(1, 21))


def test_pictures_give_way_before_what_says_how_a_clip_begins_and_ends(tmp_path: Path) -> None:
    whole = kept(tmp_path, room_parts=80, clips=10, kinds="nivvvvvvf")
    assert [kind for _, kind in whole if kind in ("init", "manifest")] == ["init", "manifest"] * 10


def test_when_nothing_but_notices_is_left_the_oldest_goes_first(tmp_path: Path) -> None:
    told = [clip for clip, _ in kept(tmp_path, room_parts=10, clips=25, kinds="n")]
    assert told == list(range(told[0], 26))
    assert 1 < told[0] < 25

import os
import select
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crafted import Bell, entry_of, numbers
from sealbell.spool import BELL, Entry, OutboxError, listing, parse_name
from sealbell.uplink.outbox import OutboxReader
from sealbell.watch.outbox import Outbox
from sealbell_wire.part import Part, parse_part, verify_part

NO_CAP = 1 << 40


class Flat:
    """A doorbell's outbox without limits, or with those given; remembers what it was told was dropped."""

    def __init__(self, folder: Path, cap_bytes: int = NO_CAP, min_free_bytes: int = 0) -> None:
        self.bell = Bell(size_bytes=10_000)  # a dropped one leaves about 600
        self.folder = folder
        self.free_bytes = NO_CAP
        self.outbox = Outbox(folder, cap_bytes, min_free_bytes, self.bell.drop, lambda _: self.free_bytes)
        self.dropped: list[Entry] = []
        self.committed: list[Part] = []

    def commit(self, *parts: Part, pressed: bool = False) -> None:
        for part in parts:
            self.dropped += self.outbox.commit(part, pressed=pressed, counter=self.bell.counter)
            self.committed.append(part)

    @property
    def held(self) -> list[tuple[int, int]]:
        """(clip's number, seq) of every whole part."""
        return [(entry.counter, entry.seq) for entry in listing(self.folder) if not entry.dropped]

    @property
    def lost(self) -> list[tuple[int, int]]:
        """The same of every dropped one."""
        return [(entry.counter, entry.seq) for entry in listing(self.folder) if entry.dropped]


entries = st.builds(
    Entry,
    clip=st.text("0123456789abcdef", min_size=32, max_size=32),
    seq=st.integers(0, 9_999),
    kind=st.sampled_from(["notice", "init", "media", "manifest"]),
    pressed=st.booleans(),
    counter=st.integers(1, 2**53 - 1),
    dropped=st.booleans(),
)


@given(entry=entries)
def test_name_says_everything_that_the_uplink_needs(entry: Entry) -> None:
    assert parse_name(entry.name) == entry


@given(pair=st.tuples(entries, entries))
def test_names_sort_as_what_they_name(pair: tuple[Entry, Entry]) -> None:
    one, other = sorted(pair)
    assert (one.clip, one.seq) <= (other.clip, other.seq)


@pytest.mark.parametrize(
    "name",
    [
        "", ".bell", ".new-1-1", "README", "a" * 32 + "-000000-nm-1.tmp", "A" * 32 + "-000000-nm-1.part",
        "a" * 31 + "-000000-nm-1.part", "a" * 32 + "-00000-nm-1.part", "a" * 32 + "-000000-xm-1.part",
        "a" * 32 + "-000000-nm-.part", "a" * 32 + "-000000-nm-1.part\n", "a" * 32 + "-000000-nm-1.part.part",
        "a" * 32 + "-\u0660\u0660\u0660\u0660\u0660\u0660-nm-1.part", "../" + "a" * 32 + "-000000-nm-1.part",
        "a" * 32 + "-000000-nm-" + "1" * 17 + ".part",
    ],
)  # fmt: skip
def test_foreign_name_is_nobodys(name: str) -> None:
    assert parse_name(name) is None


@given(name=st.text(max_size=80))
def test_name_of_garbage_is_nobodys_or_its_own(name: str) -> None:
    entry = parse_name(name)
    assert entry is None or parse_name(entry.name) == entry


def test_committed_part_is_listed_and_read_back_unchanged(tmp_path: Path) -> None:
    flat = Flat(tmp_path / "outbox")
    flat.commit(*flat.bell.spell("nivf"))
    reader = OutboxReader(flat.folder)
    read = [reader.read(entry) for entry in reader.entries()]
    assert read == [part.encode() for part in flat.committed]
    assert [entry.kind for entry in reader.entries()] == ["notice", "init", "media", "manifest"]


def test_newest_is_where_the_chain_goes_on(tmp_path: Path) -> None:
    flat = Flat(tmp_path)
    assert flat.outbox.newest() is None
    flat.commit(*flat.bell.spell("niv"), *flat.bell.spell("ni"))
    newest = flat.outbox.newest()
    assert newest is not None
    assert newest == (entry_of(flat.committed[-1], counter=2), flat.committed[-1])


def test_foreign_files_are_ignored_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("hello")
    (tmp_path / "a folder").mkdir()
    flat = Flat(tmp_path, cap_bytes=25_000)
    flat.commit(*flat.bell.spell("nivv"))
    assert {entry.clip for entry in OutboxReader(tmp_path).entries()} == {flat.committed[0].record.clip}
    assert (tmp_path / "README").read_text() == "hello"


def test_bell_rings_at_each_commit_and_is_silenced(tmp_path: Path) -> None:
    flat, reader = Flat(tmp_path), OutboxReader(tmp_path)
    bell = reader.open_bell()
    assert select.select([bell], [], [], 0)[0] == []
    for part in flat.bell.spell("niv"):
        flat.commit(part)
        assert select.select([bell], [], [], 0)[0] == [bell]
        reader.silence_bell()
        assert select.select([bell], [], [], 0)[0] == []
    os.close(bell)


def test_bell_that_nobody_hears_keeps_nothing_from_being_committed(tmp_path: Path) -> None:
    flat = Flat(tmp_path)
    (tmp_path / BELL).unlink()
    flat.commit(*flat.bell.spell("n"))
    assert flat.held == [(1, 0)]


def test_bell_that_rings_for_ever_keeps_nothing_from_being_committed(tmp_path: Path) -> None:
    flat, reader = Flat(tmp_path), OutboxReader(tmp_path)
    bell = reader.open_bell()
    while True:
        try:
            os.write(bell, b"!" * 4_096)
        except BlockingIOError:
            break
    flat.commit(*flat.bell.spell("n"))
    assert flat.held == [(1, 0)]
    os.close(bell)


def test_either_process_may_come_first(tmp_path: Path) -> None:
    reader = OutboxReader(tmp_path)
    bell = reader.open_bell()
    flat = Flat(tmp_path)
    flat.commit(*flat.bell.spell("n"))
    assert select.select([bell], [], [], 0)[0] == [bell]
    os.close(bell)


def test_nothing_is_dropped_while_there_is_room(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=100_000)
    flat.commit(*flat.bell.spell("nivvvvvvvf"))
    assert flat.dropped == []
    assert len(flat.held) == 10


def test_what_the_uplink_deleted_is_room_again(tmp_path: Path) -> None:
    flat, reader = Flat(tmp_path, cap_bytes=50_000), OutboxReader(tmp_path)
    for _ in range(20):
        for part in flat.bell.spell("niv"):
            flat.commit(part)
            for entry in reader.entries():
                reader.received(entry)
    assert flat.dropped == []


def test_full_outbox_drops_motion_before_presses_and_oldest_first(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=125_000)
    flat.commit(*flat.bell.spell("nivv"), pressed=True)  # 1
    flat.commit(*flat.bell.spell("nivv"))  # 2
    flat.commit(*flat.bell.spell("nivv"))  # 3: twelve parts, no byte left
    flat.commit(*flat.bell.spell("n"))
    assert numbers_of(flat.dropped) == [(2, 2)]
    flat.commit(*flat.bell.spell("niv"))
    assert numbers_of(flat.dropped) == [(2, 2), (2, 3), (3, 2), (3, 3)]
    assert {entry for entry in flat.dropped if entry.counter == 1} == set(), "footage of a press goes last"
    assert {entry.kind for entry in flat.dropped} == {"media"}


def numbers_of(dropped: list[Entry]) -> list[tuple[int, int]]:
    assert all(entry.dropped for entry in dropped)
    return [(entry.counter, entry.seq) for entry in dropped]


def test_press_makes_all_of_its_clip_footage_of_a_press(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=89_000)
    flat.commit(*flat.bell.spell("niv"))
    flat.commit(flat.bell.add("n"), pressed=True)  # somebody rang when the clip had begun by motion
    flat.commit(*flat.bell.spell("niv"))
    flat.commit(*flat.bell.spell("ni"))
    assert numbers_of(flat.dropped) == [(2, 2)]
    flat.commit(flat.bell.add("v"))
    assert (1, 2) in flat.held


def test_footage_of_a_press_goes_when_nothing_else_is_left(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=65_000)
    flat.commit(*flat.bell.spell("nivvvv"), pressed=True)
    flat.commit(flat.bell.add("v"), pressed=True)
    assert numbers_of(flat.dropped)[0] == (1, 2)
    assert (1, 6) in flat.held


def test_new_motion_footage_gives_way_to_footage_of_a_press(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=65_000)
    flat.commit(*flat.bell.spell("nivvvv"), pressed=True)
    flat.bell.begin()
    flat.commit(flat.bell.add("n", 2_000))
    flat.commit(flat.bell.add("i", 2_000))
    before = flat.held
    flat.commit(flat.bell.add("v"))
    assert numbers_of(flat.dropped)[-1] == (2, 2)
    assert flat.held == before


def test_notices_headers_and_manifests_go_last(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=65_000)
    flat.commit(*flat.bell.spell("nvf"))
    flat.commit(*flat.bell.spell("nvf"))
    for _ in range(2):
        flat.commit(*flat.bell.spell("n"), pressed=True)
    assert numbers_of(flat.dropped)[:2] == [(1, 1), (2, 1)]
    kinds = [entry.kind for entry in flat.dropped]
    assert "media" not in kinds[2:]


def test_newest_part_stays_whatever_it_is(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=30_000)
    flat.commit(*flat.bell.spell("nv"))
    flat.commit(*flat.bell.spell("nv"), pressed=True)
    flat.commit(*flat.bell.spell("nv"))
    for _ in range(10):
        before = listing(tmp_path)[-1]
        flat.commit(*flat.bell.spell("n"), pressed=True)
        kept = [entry for entry in listing(tmp_path) if (entry.clip, entry.seq) == (before.clip, before.seq)]
        assert [entry.dropped for entry in kept] == [before.dropped]


def test_dropped_part_travels_as_its_signed_record(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=45_000)
    flat.commit(*flat.bell.spell("nivvvvv"))
    originals = {(part.record.clip, part.record.seq): part for part in flat.committed}
    reader = OutboxReader(tmp_path)
    dropped = [entry for entry in reader.entries() if entry.dropped]
    assert dropped
    for entry in dropped:
        part = parse_part(reader.read(entry) or b"")
        verify_part(part, flat.bell.verify_key)
        assert part.sealed is None
        assert part.hash == originals[entry.clip, entry.seq].hash
        assert len(part.encode()) < 1_000
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {BELL, *(entry.name for entry in listing(tmp_path))}, "the footage itself is gone"


def test_every_drop_is_told_also_when_room_could_not_be_made(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=65_000)
    flat.commit(*flat.bell.spell("nivvvv"))
    flat.bell.begin()
    flat.commit(flat.bell.add("n", 200_000), pressed=True)
    assert sorted(numbers_of(flat.dropped)) == flat.lost
    assert (2, 0) in flat.lost


def test_part_larger_than_the_whole_outbox_is_known_by_its_record(tmp_path: Path) -> None:
    flat = Flat(tmp_path, cap_bytes=4_000)
    flat.commit(*flat.bell.spell("n", 5_000))
    assert (flat.held, flat.lost) == ([], [(1, 0)])


def test_disk_that_others_fill_counts_as_full(tmp_path: Path) -> None:
    flat = Flat(tmp_path, min_free_bytes=1_000_000)
    flat.free_bytes = 1_010_000
    flat.commit(*flat.bell.spell("n"))
    assert flat.dropped == []
    flat.free_bytes = 1_009_999
    flat.commit(flat.bell.add("i"))
    assert numbers_of(flat.dropped) == [(1, 1)]


def test_received_entries_are_deleted_but_the_newest(tmp_path: Path) -> None:
    flat, reader = Flat(tmp_path), OutboxReader(tmp_path)
    flat.commit(*flat.bell.spell("niv"))
    for entry in reader.entries():
        reader.received(entry)
    assert reader.entries() == []
    assert flat.held == [(1, 2)], "its hash is how a cut end is noticed"
    flat.commit(flat.bell.add("f"))
    assert [entry.seq for entry in reader.entries()] == [3]
    assert flat.held == [(1, 3)]


def test_newest_stays_until_the_next_is_committed_also_across_restarts_of_the_uplink(tmp_path: Path) -> None:
    flat = Flat(tmp_path)
    flat.commit(*flat.bell.spell("n"))
    for _ in range(3):
        reader = OutboxReader(tmp_path)
        for entry in reader.entries():
            reader.received(entry)
        assert flat.held == [(1, 0)]


def test_receipt_for_what_was_dropped_meanwhile_deletes_nothing(tmp_path: Path) -> None:
    flat, reader = Flat(tmp_path, cap_bytes=45_000), OutboxReader(tmp_path)
    flat.commit(*flat.bell.spell("nivv"))
    old = next(entry for entry in reader.entries() if entry.kind == "media")
    flat.commit(flat.bell.add("v"))
    assert numbers_of(flat.dropped)[0] == (1, old.seq)
    reader.received(old)
    assert (1, old.seq) in flat.lost
    assert old not in reader.entries()


def test_entry_that_is_gone_reads_as_none(tmp_path: Path) -> None:
    flat, reader = Flat(tmp_path), OutboxReader(tmp_path)
    flat.commit(*flat.bell.spell("ni"))
    entry = reader.entries()[0]
    (tmp_path / entry.name).unlink()
    assert reader.read(entry) is None


def test_outbox_that_is_no_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("in the way")
    with pytest.raises(OutboxError, match="cannot be used"):
        Flat(tmp_path / "outbox")
    with pytest.raises(OutboxError, match="cannot be used"):
        OutboxReader(tmp_path / "outbox").open_bell()


def test_uplink_that_deletes_while_watch_drops_loses_no_record(tmp_path: Path) -> None:
    flat, done = Flat(tmp_path, cap_bytes=80_000), threading.Event()

    def deliver() -> None:
        reader = OutboxReader(tmp_path)
        while not done.is_set() or len(reader.entries()) > 0:
            for entry in reader.entries():
                data = reader.read(entry)
                if data is not None:
                    arrived.setdefault((entry.counter, entry.seq), parse_part(data).hash)
                    reader.received(entry)

    arrived: dict[tuple[int, int], str] = {}
    thread = threading.Thread(target=deliver, daemon=True)
    thread.start()
    for _ in range(15):
        flat.commit(*flat.bell.spell("nivvf"))
    done.set()
    thread.join(10)
    assert not thread.is_alive()
    expected = {pair: part.hash for pair, part in zip(numbers(flat.committed), flat.committed, strict=True)}
    assert arrived == expected

"""The outbox, cut off before each of its file operations, and with each of them failing: nothing lost, nothing twice.

A forked child does the work. Python tells its audit hooks of every open, rename and removal before it happens; the hook
of the child ends it there at once, as a power cut would, or raises what a failing disk would. So what stands on the
disk is what stands between two real steps.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import ramdisk
from crafted import Bell, numbers
from sealbell.spool import BELL, OutboxError, listing
from sealbell.uplink.outbox import OutboxReader
from sealbell.watch.outbox import Outbox
from sealbell_wire.part import Part, parse_part, verify_part

# Other tests may have left a thread that waits; the child holds none of its locks, and ends without it.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

FILE_OPERATIONS = {"open", "os.rename", "os.remove", "os.listdir", "os.scandir", "os.mkdir"}
CHANGES = {"open", "os.rename", "os.remove", "os.mkdir"}
DONE, DONE_ALL_THE_SAME, REFUSED, BROKEN, KILLED = range(5)
CAP_BYTES = 65_000
MAX_STEPS = 200


@dataclass(frozen=True)
class Fault:
    """Strikes at one file operation or, with `ever_after`, at every change from there on. No `code`: sudden death."""

    step: int
    code: int | None = None
    ever_after: bool = False

    def strike(self, number: int, event: str) -> bool:
        if number < self.step or (number > self.step and not (self.ever_after and event in CHANGES)):
            return False
        if self.code is None:
            os._exit(KILLED)
        return True


def in_a_child(work: Callable[[], object], fault: Fault) -> int:
    """Do `work` in a child, and let `fault` strike; how it ended: DONE if the work has fewer steps than that."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    numbering, struck = count(1), False

    def hook(event: str, _: tuple[Any, ...]) -> None:
        nonlocal struck
        if event in FILE_OPERATIONS and fault.strike(next(numbering), event):
            struck = True
            raise OSError(fault.code, os.strerror(fault.code or 0))

    try:
        sys.addaudithook(hook)
        work()
    except OutboxError:
        os._exit(REFUSED)
    except BaseException:
        os._exit(BROKEN)
    os._exit(DONE_ALL_THE_SAME if struck else DONE)


class Story:
    """What an outbox holds, and what shall be committed next; `at` is a fresh folder in which it stands so."""

    def __init__(self, folder: Path, before: list[tuple[str, bool]], then: tuple[str, bool]) -> None:
        self._folder = folder
        self.bell = Bell(size_bytes=10_000)
        self.committed: list[Part] = []
        outbox = self.open(folder / "before")
        for kinds, pressed in before:
            for part in self.bell.spell(kinds):
                outbox.commit(part, pressed=pressed, counter=self.bell.counter)
                self.committed.append(part)
        self._files = {path.name: path.read_bytes() for path in (folder / "before").iterdir() if path.name != BELL}
        self._pressed = then[1]
        self.next = self.bell.spell(then[0])
        pairs = zip(numbers([*self.committed, *self.next]), [*self.committed, *self.next], strict=True)
        self._originals = dict(pairs)

    def at(self, step: int) -> Path:
        folder = self._folder / str(step)
        folder.mkdir()
        os.mkfifo(folder / BELL)
        for name, data in self._files.items():
            (folder / name).write_bytes(data)
        return folder

    def open(self, folder: Path) -> Outbox:
        return Outbox(folder, CAP_BYTES, 0, self.bell.drop, lambda _: 1 << 40)

    def go_on(self, folder: Path) -> None:
        outbox = self.open(folder)
        for part in self.next:
            outbox.commit(part, pressed=self._pressed, counter=self.bell.counter)

    def check(self, folder: Path) -> None:
        """Nothing that was committed is gone, changed or there twice, and the chain goes on from the newest."""
        outbox, before = self.open(folder), self._before()
        entries = listing(folder)
        names = [(entry.counter, entry.seq) for entry in entries]
        assert len(set(names)) == len(names)
        assert before.keys() <= set(names), "nothing that was committed is lost"
        assert names == [name for name in sorted(self._originals) if name in names]
        for entry, name in zip(entries, names, strict=True):
            part = parse_part((folder / entry.name).read_bytes())
            verify_part(part, self.bell.verify_key)
            assert part.hash == self._originals[name].hash
            assert (part.sealed is None) == entry.dropped
            assert entry.dropped or part == self._originals[name]
            assert entry.dropped or not before.get(name, False), "what was dropped does not come back"
        newest = outbox.newest()
        assert (newest[1].hash if newest else None) == (self._originals[names[-1]].hash if names else None)
        files = {path.name for path in folder.iterdir()}
        assert files == {BELL, *(entry.name for entry in entries)}, "nothing is left lying about"

    def _before(self) -> dict[tuple[int, int], bool]:
        return {(entry.counter, entry.seq): entry.dropped for entry in listing(self._folder / "before")}


STORIES: dict[str, tuple[list[tuple[str, bool]], tuple[str, bool]]] = {
    "commit": ([("niv", False)], ("ni", False)),
    "commit to an empty outbox": ([], ("n", False)),
    "drop for a newer one": ([("nivv", False), ("nv", True)], ("nv", True)),
    "drop the newcomer": ([("nivvvv", True)], ("niv", False)),
}


@pytest.fixture
def place() -> Iterator[Path]:
    with ramdisk.folder() as folder:
        yield folder


@pytest.fixture(params=STORIES)
def story(request: pytest.FixtureRequest, place: Path) -> Story:
    return Story(place, *STORIES[request.param])


def steps() -> Iterator[int]:
    yield from range(1, MAX_STEPS)
    raise AssertionError(f"not done after {MAX_STEPS} steps")


def test_crash_at_any_step_loses_and_doubles_nothing(story: Story) -> None:
    for step in steps():
        folder = story.at(step)
        end = in_a_child(lambda folder=folder: story.go_on(folder), Fault(step))
        assert end in (KILLED, DONE)
        story.check(folder)
        if end == DONE:
            assert step > 5, "fewer steps than a commit has: the hook sees nothing"
            return


def test_crash_while_a_crash_is_tidied_up_loses_and_doubles_nothing(story: Story) -> None:
    for step in steps():
        folder = story.at(step)
        (folder / ".new-1-1").write_bytes(b"half a par")
        for entry in listing(folder)[1:2]:
            (marked,) = [part for part in story.committed if (part.record.clip, part.record.seq) == (entry.clip, 1)]
            (folder / f"{entry.name[:-4]}drop").write_bytes(story.bell.drop(marked).encode())
        end = in_a_child(lambda folder=folder: story.open(folder), Fault(step))
        assert end in (KILLED, DONE)
        story.check(folder)
        if end == DONE:
            return


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_operation_that_fails_is_said_or_made_good(story: Story, code: int) -> None:
    for step in steps():
        folder = story.at(step)
        end = in_a_child(lambda folder=folder: story.go_on(folder), Fault(step, code))
        assert end in (REFUSED, DONE_ALL_THE_SAME, DONE), "only an OutboxError comes out"
        assert not list(folder.glob(".new-*")), "half a part takes no room from the next"
        story.check(folder)
        if end == DONE:
            return


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_disk_that_fails_from_some_moment_on_keeps_what_it_had(story: Story, code: int) -> None:
    for step in steps():
        folder = story.at(step)
        end = in_a_child(lambda folder=folder: story.go_on(folder), Fault(step, code, ever_after=True))
        assert end in (REFUSED, DONE_ALL_THE_SAME, DONE)
        story.check(folder)
        if end == DONE:
            return


def test_part_that_the_uplink_may_have_seen_counts_as_committed_whatever_fails_then(place: Path) -> None:
    # The fsync of the folder comes after the rename: to number another part like this one would fork the chain.
    story = Story(place, [("niv", False)], ("n", False))
    for step in steps():
        folder = story.at(step)
        end = in_a_child(lambda folder=folder: story.go_on(folder), Fault(step, errno.EIO))
        there = (2, 0) in {(entry.counter, entry.seq) for entry in listing(folder)}
        assert there == (end != REFUSED)
        if end == DONE:
            return


def test_uplink_killed_at_any_step_loses_and_doubles_nothing(place: Path) -> None:
    story = Story(place, [("nivvf", False)], ("n", False))

    def deliver(folder: Path) -> None:
        reader = OutboxReader(folder)
        for entry in reader.entries():
            assert reader.read(entry) is not None
            reader.received(entry)

    for step in steps():
        folder = story.at(step)
        end = in_a_child(lambda folder=folder: deliver(folder), Fault(step))
        left = [entry.seq for entry in listing(folder)]
        assert left == list(range(5))[-len(left) :], "from the oldest on, and the newest stays"
        if end == DONE:
            assert left == [4]
            return


def test_file_written_by_half_is_never_taken_for_a_part(place: Path) -> None:
    story = Story(place, [("niv", False)], ("n", False))
    folder, data = story.at(1), story.next[0].encode()
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        (folder / f".new-1-{cut}").write_bytes(data[:cut])
    assert len(OutboxReader(folder).entries()) == 3
    story.check(folder)


def test_the_child_tells_its_ends_apart(place: Path) -> None:
    def refuse() -> None:
        raise OutboxError("no")

    assert in_a_child(refuse, Fault(9)) == REFUSED
    assert in_a_child(lambda: {}["no"], Fault(9)) == BROKEN
    assert in_a_child(place.stat, Fault(1)) == DONE
    assert in_a_child(lambda: list(place.iterdir()), Fault(1)) == KILLED
    assert in_a_child(lambda: list(place.iterdir()), Fault(1, errno.EIO)) == BROKEN

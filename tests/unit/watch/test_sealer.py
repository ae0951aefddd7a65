import hashlib
import logging
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from crafted import entry_of, key_of
from histories import Told, tell
from recordings import Door
from scene import VIDEO, filmed, packet, packets
from sealbell.items import ClipBegins, ClipEnds, Draft, InitDraft, MediaDraft, NoticeDraft, Run
from sealbell.spool import Entry, OutboxError, listing
from sealbell.watch import mp4
from sealbell.watch.heads import MAX_PREPARED_HEADS
from sealbell.watch.outbox import Outbox
from sealbell.watch.recorder import MAX_RUN_BYTES
from sealbell.watch.sealer import MAX_OWED_DRAFTS, Readers, Sealer, SealPart
from sealbell_testing.clock import DAY_MS, HandClock
from sealbell_wire import sealing, sshsig
from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.file import Head, unwrap
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.boxes import take_binding
from sealbell_wire.content import Init, Trigger
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import ZERO_HASH, clip_time_ms
from sealbell_wire.limits import MAX_PART_BYTES, MAX_SEQ
from sealbell_wire.part import Part, parse_part, split_sealed
from sealbell_wire.sealing import drop_part, hide_number
from wraps import CountedDecoy

KEY = key_of(1)
DOORBELL_KEY = sshsig.verify_key_of(KEY)
IDENTITIES = [HybridIdentity(bytes([n]) * 32) for n in range(1, 10)]
DECOY = Decoy(os.urandom)
READERS = Readers(hide_number([IDENTITIES[0].recipient], DECOY), "5e" * 32)
HEADER = mp4.header(VIDEO, packet(0, 0, keyframe=True).data)
FRAGMENT = mp4.fragment(1, 0, Run((packet(0, 0, keyframe=True),), 1_000_000))
STILL = b"\xff\xd8\xff still"


class Shelf:
    """Where parts are committed, in memory: takes nothing while `full`, says that `drops` were dropped for the next."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.entries: list[Entry] = []
        self.full = False
        self.drops: list[Entry] = []

    def newest(self) -> tuple[Entry, Part] | None:
        return (self.entries[-1], self.parts[-1]) if self.parts else None

    def commit(self, part: Part, *, pressed: bool, counter: int) -> list[Entry]:
        if self.full:
            raise OutboxError("the outbox takes nothing more: no space left on device")
        self.parts.append(parse_part(part.encode()))
        self.entries.append(entry_of(part, pressed=pressed, counter=counter))
        drops, self.drops = self.drops, []
        return drops


class Room:
    """A sealer, its clock and its shelf; `restart` starts the process anew on what is committed."""

    def __init__(self, readers: Readers = READERS, seal: SealPart = sealing.seal_part) -> None:
        self.shelf, self.clock = Shelf(), HandClock()
        self._readers, self._seal = readers, seal
        self._random = random.Random(7)
        self.restart()

    def restart(self) -> None:
        self.sealer = Sealer(KEY, self._readers, "1.2.3", self.clock, self.shelf, self._random.randbytes, self._seal)

    def idle(self) -> int:
        """Let the sealer prepare as long as it wants to; return how many heads it made."""
        made = 0
        while self.sealer.prepare():
            made += 1
        return made

    def step(self, *drafts: Draft) -> None:
        for draft in drafts:
            self.clock.pass_us(1_000)
            self.sealer.step(draft)

    def clip(self, *, media: int = 2, trigger: str = "motion", continues: bool = False, end: bool = True) -> None:
        self.step(ClipBegins(continues), NoticeDraft(self.clock.now_us(), trigger, STILL))  # type: ignore[arg-type]
        self.step(init_draft(), *[media_draft()] * media)
        if end:
            self.step(end_draft())

    def told(self) -> list[Told]:
        return tell(self.shelf.parts, DOORBELL_KEY, [IDENTITIES[0]])


def init_draft() -> InitDraft:
    return InitDraft(0, HEADER)


def media_draft(pictures: int = 10) -> MediaDraft:
    return MediaDraft(0, FRAGMENT, keyframe=True, pictures=pictures)


def end_draft(lost: int = 0, triggers: tuple[Trigger, ...] = ()) -> ClipEnds:
    return ClipEnds(1_000_000, 9_000_000, triggers, lost)


def test_what_the_recorder_says_becomes_a_clip_that_an_owner_can_open() -> None:
    room, door = Room(), Door()
    door.press(0)
    door.see(*filmed(40))
    door.finish()
    room.step(*door.drafts)
    (clip,) = room.told()
    assert clip.kinds == "nivvvvf"
    assert clip.notices[0].trigger == "button"
    assert clip.notices[0].readers == "5e" * 32
    assert clip.init == Init("1.2.3", "5e" * 32)
    film = b"".join(text or b"" for text, kind in zip(clip.plaintexts, clip.kinds, strict=True) if kind in "iv")
    for draft in door.drafts:
        if isinstance(draft, MediaDraft):
            assert draft.fragment in film


def test_chain_joins_across_clips() -> None:
    room = Room()
    for _ in range(4):
        room.clip()
    assert [clip.parts[0].record.counter for clip in room.told()] == [1, 2, 3, 4]


def test_chain_joins_across_restarts_also_in_the_middle_of_a_clip() -> None:
    room = Room()
    room.restart()
    room.clip()
    room.restart()
    room.clip(end=False)
    room.restart()
    room.clip(media=0, end=False)
    room.restart()
    room.clip()
    assert [clip.kinds for clip in room.told()] == ["nivvf", "nivv", "ni", "nivvf"]
    assert [clip.parts[0].record.counter for clip in room.told()] == [1, 2, 3, 4]


def test_chain_goes_on_from_a_part_that_was_dropped() -> None:
    room = Room()
    room.clip()
    room.shelf.parts[-1] = drop_part(room.shelf.parts[-1], KEY)
    room.restart()
    room.clip()
    first, second = room.told()
    assert second.parts[0].record.last == first.parts[-1].hash


@pytest.mark.parametrize("jump_ms", [DAY_MS, -DAY_MS, 365 * DAY_MS, -365 * DAY_MS])
@pytest.mark.parametrize("restart", [False, True])
def test_clips_sort_in_order_of_recording_whatever_the_wall_clock_does(jump_ms: int, restart: bool) -> None:
    room = Room()
    for _ in range(2):
        room.clip()
        room.clock.wall_offset_ms += jump_ms
        if restart:
            room.restart()
        room.clip()
        room.clip()
        room.clock.wall_offset_ms -= jump_ms
        room.clip()
    told = room.told()
    assert len(told) == 8
    assert len({clip.clip for clip in told}) == 8


def test_clip_is_named_by_the_time_when_no_clock_has_jumped() -> None:
    room = Room()
    room.clip()
    assert abs(clip_time_ms(room.told()[0].clip) - room.clock.wall_ms(room.clock.now_us())) < 1_000


def test_records_tell_the_times_that_the_clock_gave() -> None:
    room = Room()
    room.clock.pass_us(50_000_000)
    room.clip(end=False)
    room.clock.is_synced = True
    room.clip()
    first, second = room.told()
    record = first.parts[0].record
    assert (record.boot, record.synced) == ("b0" * 16, False)
    assert record.wall_ms - record.monotonic_ms == room.clock.wall_offset_ms
    assert 50_000 <= record.monotonic_ms <= 50_010
    assert second.parts[0].record.synced
    assert first.notices[0].wall_ms == record.wall_ms
    assert first.notices[0].monotonic_ms == record.monotonic_ms


def test_manifest_is_what_was_committed() -> None:
    room = Room()
    room.step(ClipBegins(False), NoticeDraft(0, "motion", STILL), init_draft(), media_draft())
    room.step(NoticeDraft(1, "button", b""), media_draft())
    gone = [replace(entry, dropped=True) for entry in room.shelf.entries if entry.kind == "media"]
    other = replace(gone[0], clip="ff" * 16, seq=77)
    room.shelf.drops = [gone[1], other]
    triggers = (Trigger("motion", 1, 2_000), Trigger("button", 3, 3))
    room.step(media_draft(), end_draft(lost=4, triggers=triggers))
    (clip,) = room.told()
    assert clip.kinds == "nivnvvf"
    digests = tuple(hashlib.sha256(text or b"").hexdigest() for text in clip.plaintexts[:-1])
    assert clip.manifest.parts == digests
    assert clip.manifest.dropped == (4,), "only what was dropped of this clip"
    assert clip.manifest.lost == 4
    assert clip.manifest.triggers == triggers
    assert (clip.manifest.start_ms, clip.manifest.end_ms) == (1_000, 9_000)


def test_notice_says_whether_the_owner_is_to_be_called() -> None:
    room = Room()
    room.step(ClipBegins(False), NoticeDraft(0, "pir", STILL, alert=False), NoticeDraft(1, "button", b""), end_draft())
    (clip,) = room.told()
    assert [(notice.trigger, notice.alert) for notice in clip.notices] == [("pir", False), ("button", True)]


def test_clip_without_a_picture_has_notices_and_a_manifest_only() -> None:
    room = Room()
    room.step(ClipBegins(False), NoticeDraft(0, "button", b""), NoticeDraft(1, "button", b""), end_draft())
    (clip,) = room.told()
    assert clip.kinds == "nnf"


def test_press_marks_what_is_committed_from_then_on_as_footage_of_a_press() -> None:
    room = Room()
    room.clip(media=1, end=False)
    room.step(NoticeDraft(0, "button", b""), media_draft())
    assert [entry.pressed for entry in room.shelf.entries] == [False, False, False, True, True]
    room.clip()
    assert not any(entry.pressed for entry in room.shelf.entries[5:])


def test_continued_clip_names_the_one_before() -> None:
    room = Room()
    room.clip()
    room.clip(continues=True)
    room.clip()
    first, second, third = room.told()
    assert [clip.notices[0].continues for clip in (first, second, third)] == [None, first.clip, None]


def test_continued_clip_names_no_clip_that_is_not_the_one_before() -> None:
    room = Room()
    room.clip()
    room.shelf.full = True
    room.clip()
    room.shelf.full = False
    room.clip(continues=True)
    assert [clip.notices[0].continues for clip in room.told()] == [None, None]


def test_full_disk_owes_notices_and_headers_and_pays_when_it_has_room_again() -> None:
    room = Room()
    room.shelf.full = True
    room.step(ClipBegins(False), NoticeDraft(1_000, "button", STILL), init_draft(), media_draft(10))
    room.step(NoticeDraft(2_000, "button", b""), media_draft(7))
    assert room.shelf.parts == []
    room.shelf.full = False
    room.step(media_draft(5), end_draft(lost=2))
    (clip,) = room.told()
    assert clip.kinds == "ninvf", "in the order in which they were owed"
    assert [notice.monotonic_ms for notice in clip.notices] == [1, 2]
    assert clip.notices[0].snapshot == STILL
    assert clip.manifest.lost == 10 + 7 + 2
    assert clip.parts[0].record.counter == 1


def test_full_disk_in_the_middle_of_a_clip_leaves_a_chain_that_joins() -> None:
    room = Room()
    room.clip(media=2, end=False)
    room.shelf.full = True
    room.step(media_draft(10), media_draft(10), NoticeDraft(5, "button", b""))
    room.shelf.full = False
    room.step(media_draft(3), end_draft())
    (clip,) = room.told()
    assert clip.kinds == "nivvnvf"
    assert clip.manifest.lost == 20


def test_clip_that_no_disk_took_uses_up_neither_number_nor_place_in_the_chain() -> None:
    room = Room()
    room.clip()
    room.shelf.full = True
    room.clip()
    room.clip()
    room.shelf.full = False
    room.clip()
    assert [clip.parts[0].record.counter for clip in room.told()] == [1, 2]


def test_clip_whose_end_no_disk_took_is_interrupted_and_the_next_joins() -> None:
    room = Room()
    room.clip(end=False)
    room.shelf.full = True
    room.step(end_draft())
    room.shelf.full = False
    room.clip()
    assert [clip.kinds for clip in room.told()] == ["nivv", "nivvf"]


def test_what_one_clip_owed_is_not_paid_by_the_next() -> None:
    room = Room()
    room.shelf.full = True
    room.step(ClipBegins(False), NoticeDraft(1_000, "button", STILL), end_draft())
    room.shelf.full = False
    room.clip()
    assert [clip.kinds for clip in room.told()] == ["nivvf"]


def test_pictures_without_a_header_are_lost_and_counted() -> None:
    room = Room()
    room.step(ClipBegins(False), NoticeDraft(0, "motion", b""), media_draft(6), end_draft())
    (clip,) = room.told()
    assert (clip.kinds, clip.manifest.lost) == ("nf", 6)


def test_debts_are_bounded() -> None:
    room = Room()
    room.shelf.full = True
    room.step(ClipBegins(False), *[NoticeDraft(0, "button", b"")] * (MAX_OWED_DRAFTS + 20))
    room.shelf.full = False
    room.step(end_draft())
    assert room.told()[0].kinds == "n" * MAX_OWED_DRAFTS + "f"


def test_full_disk_is_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    room = Room()
    room.shelf.full = True
    with caplog.at_level(logging.ERROR):
        room.clip()
    assert "no space left on device" in caplog.text


def test_dropped_parts_are_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    room = Room()
    room.shelf.drops = [Entry("ab" * 16, 3, "media", False, 1, dropped=True)]
    with caplog.at_level(logging.WARNING):
        room.clip()
    assert f"dropped part 3 of clip {'ab' * 16}" in caplog.text


STEPS = ["begin", "go on", "press", "media", "media", "end", "full", "room", "restart", "jump", "jump back"]


@given(steps=st.lists(st.sampled_from(STEPS), max_size=40))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_the_history_joins_and_nothing_is_twice(steps: list[str]) -> None:
    room, in_clip = Room(), False
    in_a_clip: dict[str, Draft] = {"press": NoticeDraft(0, "button", b""), "media": media_draft(), "end": end_draft()}
    for step in steps:
        if step in ("begin", "go on"):
            room.step(
                *[end_draft()] * in_clip, ClipBegins(step == "go on"), NoticeDraft(0, "motion", b""), init_draft()
            )
            in_clip = True
        elif step in in_a_clip:
            room.step(*[in_a_clip[step]] * in_clip)
            in_clip = in_clip and step != "end"
        elif step == "restart":
            room.restart()
            in_clip = False
        elif step in ("full", "room"):
            room.shelf.full = step == "full"
        else:
            room.clock.wall_offset_ms += DAY_MS if step == "jump" else -DAY_MS
    names = [(part.record.clip, part.record.seq) for part in room.shelf.parts]
    assert len(set(names)) == len(names)
    for clip in room.told():
        digests = tuple(hashlib.sha256(text or b"").hexdigest() for text in clip.plaintexts[:-1])
        assert not clip.kinds.endswith("f") or clip.manifest.parts == digests


@pytest.mark.parametrize("count", range(1, 10))
def test_header_tells_nobody_how_many_readers_there_are(count: int) -> None:
    readers = [identity.recipient for identity in IDENTITIES[:count]]
    room = Room(Readers(hide_number(readers, DECOY), "5e" * 32))
    room.clip(media=1)
    for identity in IDENTITIES[:count]:
        tell(room.shelf.parts, DOORBELL_KEY, [identity])  # checks, too, that the stanzas are a multiple of four
    sizes = {len(part.sealed or b"") for part in room.shelf.parts if part.record.kind == "notice"}
    assert len(sizes) == 1


def test_press_after_idling_waits_for_no_stanza() -> None:
    decoy = CountedDecoy(os.urandom)
    room = Room(Readers(hide_number([IDENTITIES[0].recipient], decoy), "5e" * 32))
    assert room.idle() == MAX_PREPARED_HEADS
    prepared = decoy.wraps
    room.clip(media=MAX_PREPARED_HEADS - 2, end=False)
    assert len(room.shelf.parts) == MAX_PREPARED_HEADS
    assert decoy.wraps == prepared
    room.step(media_draft())
    assert decoy.wraps > prepared, "and when none is left, one is made"


def test_idle_doorbell_prepares_no_more_than_what_was_taken() -> None:
    room = Room()
    room.idle()
    assert room.idle() == 0
    room.clip(media=1)
    assert room.idle() == 4


def test_clip_is_the_same_whether_its_heads_were_prepared_or_not() -> None:
    prompt, idle = Room(), Room()
    idle.idle()
    for room in (prompt, idle):
        room.clip(media=MAX_PREPARED_HEADS)
    assert idle.told()[0].plaintexts == prompt.told()[0].plaintexts
    shapes = [[(part.record.kind, part.record.size) for part in room.shelf.parts] for room in (prompt, idle)]
    assert shapes[0] == shapes[1]


def test_no_two_parts_share_a_file_key() -> None:
    room = Room()
    room.clip()
    room.idle()
    room.clip(media=MAX_PREPARED_HEADS)
    room.idle()
    room.clip()
    heads = [split_sealed(part.sealed or b"")[0] for part in room.shelf.parts]
    assert len({unwrap(head, [IDENTITIES[0]]) for head in heads}) == len(heads) > 15


def test_part_that_could_not_be_kept_is_sealed_anew_under_another_head() -> None:
    heads: list[Head] = []

    def seal(draft: sealing.Draft, head: Head, key: Ed25519PrivateKey) -> Part:
        heads.append(head)
        return sealing.seal_part(draft, head, key)

    room = Room(seal=seal)
    room.idle()
    room.shelf.full = True
    room.clip(media=0, end=False)
    room.shelf.full = False
    room.step(media_draft())
    assert room.told()[0].kinds == "niv"
    assert len({id(head) for head in heads}) == len(heads) > 3


def test_every_notice_is_as_large_as_every_other() -> None:
    room = Room()
    room.step(ClipBegins(False), NoticeDraft(0, "motion", b""), NoticeDraft(0, "button", STILL * 1_000))
    assert len({len(part.sealed or b"") for part in room.shelf.parts}) == 1


def test_sealing_that_fails_ends_the_stage_and_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(draft: sealing.Draft, head: object, key: object) -> Part:
        raise RuntimeError("no more randomness")

    outbox = Outbox(tmp_path, 1 << 40, 0, lambda part: drop_part(part, KEY), lambda _: 1 << 40)
    sealer = Sealer(KEY, READERS, "1", HandClock(), outbox, random.Random(7).randbytes, fail)
    sealer.step(ClipBegins(False))
    with pytest.raises(RuntimeError):
        sealer.step(NoticeDraft(0, "button", STILL))
    assert listing(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == [".bell"], "not even for a moment, under no other name"


def test_nothing_on_the_disk_is_plaintext(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, 1 << 40, 0, lambda part: drop_part(part, KEY), lambda _: 1 << 40)
    sealer = Sealer(KEY, READERS, "1", HandClock(), outbox, random.Random(7).randbytes)
    door = Door()
    door.press(0)
    door.see(*filmed(40))
    door.finish()
    for draft in door.drafts:
        sealer.step(draft)
    disk = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    needles = [STILL, b"ftypiso5", b"moov", b'"trigger"', b"button", *mp4.parameter_sets(filmed(40)[0].data)]
    for draft in door.drafts:
        if isinstance(draft, MediaDraft):
            needles += [draft.fragment[at : at + 16] for at in range(0, len(draft.fragment) - 16, 4_096)]
    assert len(needles) > 8
    assert [needle for needle in needles if needle in disk] == []


def test_part_that_would_be_too_large_is_refused_and_nothing_is_committed() -> None:
    room = Room()
    room.clip(media=0, end=False)
    huge = MediaDraft(0, bytes(MAX_PART_BYTES), keyframe=True, pictures=1)
    committed: list[Part] = list(room.shelf.parts)
    with pytest.raises(FormatError, match="more than the 1000000"):
        room.step(huge)
    assert room.shelf.parts == committed


def test_largest_run_that_the_recorder_gives_fits_a_message_with_sixteen_readers() -> None:
    readers = [HybridIdentity(bytes([n]) * 32).recipient for n in range(16)]
    room = Room(Readers(readers, "5e" * 32))
    run = Run(tuple(packet(i, i, keyframe=i == 0, size_bytes=MAX_RUN_BYTES // 60) for i in range(60)), 60)
    assert sum(len(each.data) for each in run.packets) > MAX_RUN_BYTES - 100
    room.clip(media=0, end=False)
    room.step(MediaDraft(0, mp4.fragment(1, 0, run), keyframe=True, pictures=60))
    assert room.shelf.parts[-1].record.kind == "media"
    assert len(room.shelf.parts[-1].encode()) <= MAX_PART_BYTES


def test_clip_that_goes_on_for_ever_still_ends_with_its_manifest() -> None:
    def quickly(draft: sealing.Draft, head: object, key: object) -> Part:
        body = b"filling\n\n--- filling\n"
        record = replace(draft.record, head=ZERO_HASH, body=ZERO_HASH, size=len(body))
        return Part(record, record.encode(), bytes(64), body)

    room = Room(seal=quickly)
    room.clip(media=MAX_SEQ + 5)
    kinds = [part.record.kind for part in room.shelf.parts]
    assert (len(kinds), kinds[-1], kinds[-2]) == (MAX_SEQ + 1, "manifest", "media")


def test_each_plaintext_says_whose_it_is() -> None:
    room = Room()
    room.clip(media=1)
    (clip,) = room.told()
    text = take_binding(clip.plaintexts[2] or b"")
    assert DOORBELL_KEY.hex().encode() in text
    assert clip.clip.encode() in text


def test_packets_of_a_recording_in_motion_are_never_marked_as_a_press() -> None:
    room, door = Room(), Door()
    for each in packets(80):
        door.motion(each.t_us, active=each.t_us < 1_000_000)
        door.see(each)
    door.finish()
    room.step(*door.drafts)
    assert not any(entry.pressed for entry in room.shelf.entries)


def test_relay_reads_the_time_of_the_picture_and_the_owner_that_of_the_press() -> None:
    room = Room()
    room.step(ClipBegins(False), NoticeDraft(1_934_567, "button", STILL, shown_us=1_900_000), end_draft())
    record = room.shelf.parts[0].record
    assert (record.monotonic_ms, record.wall_ms) == (1_900, room.clock.wall_ms(1_900_000))
    (clip,) = room.told()
    assert (clip.notices[0].monotonic_ms, clip.notices[0].wall_ms) == (1_934, room.clock.wall_ms(1_934_567))

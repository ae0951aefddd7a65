"""The health book: when the doorbell has to say how it is, and what it says then."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell.items import ClipEnds, Condition, HealthDraft, Machine, Trouble
from sealbell.link import STALE_MS, Link
from sealbell.watch.health import AWAY_US, CLOCK_GRACE_US, EVERY_US, GAP_US, LOOK_US, HealthBook, HealthWatch
from sealbell_testing.clock import HandClock
from sealbell_wire import report

S = 1_000_000
BOOT = "b0" * 16
ENDED = ClipEnds(0, 1, (), 0)


def link(since_ms: int = 0, *, connected: bool = True, told_ms: int = 0) -> Link:
    return Link(BOOT, told_ms, connected, since_ms, "relay.example", "" if connected else "refused", -56)


def begun(book: HealthBook, t_us: int, trouble: Trouble = Trouble.CAMERA_STALLED, *, present: bool = True) -> None:
    book.condition(Condition(t_us, trouble, present))


def said_until(book: HealthBook, from_us: int, to_us: int, step_us: int = S) -> list[HealthDraft]:
    drafts = (book.due(now_us) for now_us in range(from_us, to_us, step_us))
    return [draft for draft in drafts if draft]


@pytest.fixture
def book() -> HealthBook:
    """A book that has said its first word at time 0."""
    book = HealthBook(0, linked=True)
    assert book.due(0)
    return book


def test_doorbell_says_how_it_is_at_its_start_and_every_fifteen_minutes() -> None:
    book = HealthBook(7, linked=False)
    drafts = said_until(book, 7, 4 * EVERY_US)
    assert [draft.t_us - 7 for draft in drafts] == [0, EVERY_US, 2 * EVERY_US, 3 * EVERY_US]
    assert {draft.started_us for draft in drafts} == {7}
    assert EVERY_US == 15 * 60 * S


def test_trouble_is_told_when_it_begins_and_when_it_ends_with_since_when(book: HealthBook) -> None:
    begun(book, 20 * S)
    draft = book.due(21 * S)
    assert draft is not None
    assert draft.troubles == ((Trouble.CAMERA_STALLED, 20 * S),)
    assert book.troubles == {Trouble.CAMERA_STALLED}
    begun(book, 50 * S, present=False)
    draft = book.due(51 * S)
    assert draft is not None
    assert draft.troubles == ()
    assert book.troubles == frozenset()


def test_trouble_that_is_told_twice_is_one(book: HealthBook) -> None:
    begun(book, 20 * S)
    assert book.due(21 * S)
    begun(book, 40 * S)
    begun(book, 41 * S, Trouble.BUTTON_STUCK, present=False)
    assert said_until(book, 42 * S, 800 * S) == []


def test_flapping_trouble_costs_one_message_in_ten_seconds_and_its_last_state_goes_out(book: HealthBook) -> None:
    drafts: list[HealthDraft] = []
    for tenth in range(1, 3_000):
        now_us = tenth * S // 10
        if now_us < 200 * S:
            begun(book, now_us, present=bool(tenth % 2))
        drafts += filter(None, [book.due(now_us)])
    assert len(drafts) == 20
    assert min(later.t_us - earlier.t_us for earlier, later in itertools.pairwise(drafts)) >= GAP_US
    assert drafts[-1].troubles == ((Trouble.CAMERA_STALLED, 199_900_000),)


@given(st.lists(st.tuples(st.integers(0, 30 * S), st.sampled_from(list(Trouble)), st.booleans()), max_size=40))
def test_whatever_comes_the_last_state_goes_out_and_never_too_often(steps: list[tuple[int, Trouble, bool]]) -> None:
    book, now_us, drafts = HealthBook(0, linked=False), 0, [HealthDraft(0, 0, (), "", Machine(), None)]
    for pause_us, trouble, present in steps:
        now_us += pause_us
        begun(book, now_us, trouble, present=present)
        drafts += filter(None, [book.due(now_us)])
    drafts += said_until(book, now_us, now_us + 2 * GAP_US, GAP_US // 4)
    assert {trouble for trouble, _ in drafts[-1].troubles} == book.troubles
    assert all(later.t_us - earlier.t_us >= GAP_US for earlier, later in itertools.pairwise(drafts[1:]))


def test_clip_that_ended_is_told(book: HealthBook) -> None:
    assert book.due(20 * S) is None
    book.drafted(ENDED)
    assert book.due(20 * S)
    assert book.due(40 * S) is None


def test_mode_is_told_when_it_changes(book: HealthBook) -> None:
    book.mode("")
    assert book.due(20 * S) is None
    book.mode("away")
    draft = book.due(20 * S)
    assert draft is not None
    assert draft.mode == "away"
    book.mode("away")
    assert book.due(40 * S) is None


def test_clock_that_is_set_is_told_and_one_that_never_is_becomes_a_trouble(book: HealthBook) -> None:
    book.look(15 * S, Machine(), link(), synced=False)
    book.look(20 * S, Machine(), link(), synced=False)
    assert book.due(20 * S) is None, "the network takes a moment after boot"
    book.look(CLOCK_GRACE_US, Machine(), link(), synced=False)
    draft = book.due(CLOCK_GRACE_US)
    assert draft is not None
    assert draft.troubles == ((Trouble.CLOCK_UNSYNCED, CLOCK_GRACE_US),)
    book.look(200 * S, Machine(), link(), synced=True)
    draft = book.due(200 * S)
    assert draft is not None
    assert draft.troubles == ()


@pytest.mark.parametrize(
    ("bits", "troubles"),
    [
        (0x0, set()),
        (0x1, {Trouble.UNDERVOLTAGE}),
        (0x2, {Trouble.THROTTLED}),
        (0x4, {Trouble.THROTTLED}),
        (0x8, {Trouble.THROTTLED}),
        (0x5, {Trouble.UNDERVOLTAGE, Trouble.THROTTLED}),
        (0x50000, set()),
        (None, set()),
    ],
)
def test_board_that_sags_or_throttles_now_is_in_trouble(
    book: HealthBook, bits: int | None, troubles: set[Trouble]
) -> None:
    book.look(20 * S, Machine(throttled=bits), link(), synced=True)
    assert book.troubles == troubles


def test_relay_that_is_away_is_a_trouble_after_a_minute(book: HealthBook) -> None:
    away = link(20_000, connected=False)
    book.look(20 * S + AWAY_US - 1, Machine(), away, synced=True)
    assert book.troubles == frozenset()
    book.look(20 * S + AWAY_US, Machine(), away, synced=True)
    assert book.troubles == {Trouble.RELAY_AWAY}
    book.look(20 * S + AWAY_US + 1, Machine(), link(90_000), synced=True)
    assert book.troubles == frozenset()
    draft = book.due(500 * S)
    assert draft is not None
    assert draft.link == report.Link(True, 90_000, "", -56)


def test_network_process_that_says_nothing_is_a_trouble_too_unless_there_is_none(book: HealthBook) -> None:
    book.look(AWAY_US, Machine(), None, synced=True)
    assert book.troubles == {Trouble.RELAY_AWAY}
    alone = HealthBook(0, linked=False)
    alone.look(AWAY_US, Machine(), None, synced=True)
    assert alone.troubles == frozenset()


def test_change_that_waits_goes_out_at_the_end_of_the_process(book: HealthBook) -> None:
    begun(book, 1 * S, Trouble.CAMERA_FAILING)
    assert book.due(1 * S) is None
    draft = book.due(1 * S, ending=True)
    assert draft is not None
    assert draft.troubles == ((Trouble.CAMERA_FAILING, 1 * S),)
    assert book.due(2 * S, ending=True) is None, "where nothing has changed nothing is said"


def test_watch_tells_of_the_mode_that_is_in_force() -> None:
    clock, modes = HandClock(BOOT), ["home"]
    watch = HealthWatch(clock, Machine, None, lambda _: modes[-1])
    assert [draft.mode for draft in [watch.due()] if draft] == ["home"]
    modes.append("away")
    clock.pass_us(GAP_US)
    assert [draft.mode for draft in [watch.due()] if draft] == ["away"]


def test_watch_looks_every_five_seconds_and_believes_only_what_was_told_lately() -> None:
    clock, looks = HandClock(BOOT), 0
    links = [link(told_ms=0)]
    clock.is_synced = True

    def machine() -> Machine:
        nonlocal looks
        looks += 1
        return Machine(free_bytes=looks)

    watch = HealthWatch(clock, machine, lambda: links[-1])
    draft = watch.due()
    assert draft is not None
    assert (draft.machine, draft.link) == (Machine(free_bytes=1), report.Link(True, 0, "", -56))
    for _ in range(60):
        clock.pass_us(S)
        watch.due()
    assert looks == 1 + 60 * S // LOOK_US
    clock.pass_us(STALE_MS * 1_000)
    watch.due()
    assert watch.book.troubles == {Trouble.RELAY_AWAY}, "who spoke last three minutes ago may have died"
    links.append(link(told_ms=clock.now_us() // 1_000))
    clock.pass_us(LOOK_US)
    watch.due()
    assert watch.book.troubles == frozenset()

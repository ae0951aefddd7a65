"""Any train of closures and openings, told in time, late, or with edges missing."""

from dataclasses import dataclass
from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from sealbell.items import Condition, Press, Trouble
from sealbell.watch.panel.debounce import FELT_US, LOOK_SOON_US, LOOK_US, SETTLE_US, STUCK_US, Debounce

MS = 1_000
END_US = 2 * SETTLE_US
Felt = Press | Condition


@dataclass(frozen=True)
class Contact:
    """When the contact moved, beginning with a closing, and in the end it is open."""

    moves_us: tuple[int, ...]

    @property
    def edges(self) -> list[tuple[int, bool]]:
        return [(t_us, number % 2 == 0) for number, t_us in enumerate(self.moves_us)]

    @property
    def end_us(self) -> int:
        return self.moves_us[-1] + END_US if self.moves_us else END_US

    def closed(self, t_us: int) -> bool:
        return sum(move_us <= t_us for move_us in self.moves_us) % 2 == 1

    def presses(self) -> list[tuple[int, int]]:
        """(first closing, moment at which it had been closed for long enough) of each press, by the book."""
        closures = list(zip(self.moves_us[::2], self.moves_us[1::2], strict=True))
        runs: list[list[tuple[int, int]]] = []
        for closure in closures:
            if runs and closure[0] - runs[-1][-1][1] < SETTLE_US:
                runs[-1].append(closure)
            else:
                runs.append([closure])
        found = []
        for run in runs:
            left_us = FELT_US
            for start_us, end_us in run:
                if end_us - start_us >= left_us:
                    found.append((run[0][0], start_us + left_us))
                    break
                left_us -= end_us - start_us
        return found


def contact(lengths_us: list[int]) -> Contact:
    even = lengths_us[: len(lengths_us) // 2 * 2]
    return Contact(tuple(accumulate(even, initial=1_000_000))[: len(even)])


LENGTH_US = st.one_of(st.integers(1, 3 * MS), st.integers(1, 60 * MS), st.sampled_from([FELT_US, FELT_US - 1]))
CONTACTS = st.lists(LENGTH_US, max_size=40).map(contact)


def felt(contact: Contact, edges: list[tuple[int, bool]]) -> list[tuple[int, Felt]]:
    """Everything that came, and when, if the edges come in time and the level is looked at when it is due."""
    debounce, now_us, came = Debounce(0, closed=False), 0, []
    waiting = list(edges)
    while now_us < contact.end_us + LOOK_US:
        due_us = debounce.due_us(now_us)
        if waiting and waiting[0][0] <= due_us:
            now_us, closed = waiting.pop(0)
            came += [(now_us, item) for item in debounce.edge(now_us, closed=closed)]
        else:
            now_us = due_us
            came += [(now_us, item) for item in debounce.look(now_us, closed=contact.closed(now_us))]
    return came


@settings(deadline=None)
@given(CONTACTS)
def test_every_press_of_20_ms_is_felt_once_at_the_moment_it_is_one_and_nothing_else_is(contact: Contact) -> None:
    expected = [(known_us, Press(began_us)) for began_us, known_us in contact.presses()]
    assert felt(contact, contact.edges) == expected


@settings(deadline=None)
@given(st.integers(1, 200), st.lists(st.integers(1, 900), min_size=2, max_size=16))
def test_bounce_of_a_press_and_of_its_release_delays_by_its_openings_only(held_ms: int, bounce_us: list[int]) -> None:
    bounces = bounce_us[: len(bounce_us) // 2 * 2]
    bell = contact([*bounces, FELT_US + held_ms * MS, *bounces[::-1], 1, SETTLE_US])
    (known_us, press), *others = felt(bell, bell.edges)
    assert others == []
    assert press == Press(bell.moves_us[0])
    assert known_us - press.t_us <= FELT_US + sum(bounces[1::2])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, FELT_US - 1), st.integers(SETTLE_US, 100 * MS)), max_size=40))
def test_nothing_shorter_than_20_ms_is_felt(pulses: list[tuple[int, int]]) -> None:
    noise = contact([length_us for pulse in pulses for length_us in pulse])
    assert felt(noise, noise.edges) == []


def test_a_shower_of_sparks_is_no_press() -> None:
    sparks = contact([50, 2 * MS] * 300)
    assert felt(sparks, sparks.edges) == []


def felt_late(contact: Contact, stalls_us: list[int], lag_us: int) -> list[int]:
    """Times of the presses that are felt by one who is put aside again and again; new edges take `lag_us` to come."""
    debounce, now_us, came = Debounce(0, closed=False), 0, []
    waiting, turn = contact.edges, 0
    while now_us < contact.end_us + LOOK_US or waiting:
        now_us = max(debounce.due_us(now_us), now_us + stalls_us[turn % len(stalls_us)])
        turn += 1
        while waiting and waiting[0][0] <= now_us - lag_us:
            t_us, closed = waiting.pop(0)
            came += debounce.edge(t_us, closed=closed)
        came += debounce.look(now_us, closed=contact.closed(now_us))
    return [item.t_us for item in came]


STALLS_US = st.lists(st.integers(1, 400 * MS), min_size=1, max_size=20)


@settings(deadline=None)
@given(CONTACTS, STALLS_US)
def test_a_busy_machine_loses_no_press_and_makes_none(contact: Contact, stalls_us: list[int]) -> None:
    assert felt_late(contact, stalls_us, 0) == [began_us for began_us, _ in contact.presses()]


CLEAR = st.one_of(  # presses that are ones, and noise that is, whatever a look may add or take
    st.integers(FELT_US + LOOK_SOON_US, 300 * MS), st.integers(1, FELT_US - 2 * LOOK_SOON_US)
)


@settings(deadline=None)
@given(st.lists(st.tuples(CLEAR, st.integers(2 * SETTLE_US, 300 * MS)), max_size=20), STALLS_US, st.integers(0, 4_999))
def test_edges_that_are_on_their_way_while_the_level_is_read_are_not_missed(
    presses: list[tuple[int, int]], stalls_us: list[int], lag_us: int
) -> None:
    bell = contact([length_us for press in presses for length_us in press])
    assert felt_late(bell, stalls_us, lag_us) == [began_us for began_us, _ in bell.presses()]


PEOPLE = st.tuples(  # bounce, held, bounce, away: what fingers do
    st.lists(st.integers(1, 900), max_size=20).map(lambda us: us[: len(us) // 2 * 2]),
    st.integers(LOOK_US + FELT_US + LOOK_SOON_US, 500 * MS),
    st.lists(st.integers(1, 900), max_size=20).map(lambda us: us[: len(us) // 2 * 2]),
    st.integers(LOOK_US + SETTLE_US + LOOK_SOON_US, 500 * MS),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PEOPLE, min_size=1, max_size=8), st.data())
def test_edges_that_never_come_are_made_up_for_by_looking(people: list, data: st.DataObject) -> None:
    lengths, presses_us, at_us = [], [], 1_000_000
    for before, held_us, after, away_us in people:
        presses_us.append(at_us)
        lengths += [
            *before,
            held_us,
            *(us for pair in zip(after[::2], after[1::2], strict=True) for us in pair),
            away_us,
        ]
        at_us = 1_000_000 + sum(lengths)
    bell = contact(lengths)
    kept = [edge for edge in bell.edges if data.draw(st.booleans())]
    came = felt(bell, kept)
    assert len(came) == len(people)
    for (known_us, press), began_us in zip(came, presses_us, strict=True):
        assert isinstance(press, Press)
        bounce_us = 20 * 900
        assert 0 <= press.t_us - began_us <= LOOK_US + bounce_us
        assert known_us - began_us <= LOOK_US + FELT_US + LOOK_SOON_US + bounce_us


def test_an_opening_that_turns_up_late_counts_from_its_own_time() -> None:
    debounce = Debounce(0, closed=False)
    debounce.edge(0, closed=True)
    debounce.look(18 * MS, closed=False)
    debounce.edge(10 * MS, closed=False)  # so it was closed for 10 ms, not 18
    debounce.edge(22 * MS, closed=True)
    assert debounce.look(32 * MS - 1, closed=True) == []
    assert debounce.look(32 * MS, closed=True) == [Press(0)]


def test_an_edge_that_is_older_than_a_look_takes_no_time_back() -> None:
    debounce = Debounce(0, closed=False)
    debounce.look(50 * MS, closed=True)
    debounce.edge(30 * MS, closed=False)  # the closing before it was dropped
    debounce.edge(55 * MS, closed=True)
    assert debounce.look(55 * MS + FELT_US, closed=True) == [Press(50 * MS)]


def test_a_contact_that_moves_is_looked_at_often() -> None:
    debounce = Debounce(0, closed=False)
    assert debounce.due_us(0) == LOOK_US
    debounce.edge(0, closed=True)
    assert debounce.due_us(0) == LOOK_SOON_US
    debounce.edge(1, closed=False)
    assert debounce.due_us(1) == 1 + LOOK_SOON_US


def test_button_that_is_held_is_stuck_after_30_s_and_until_it_is_open() -> None:
    bell = contact([STUCK_US + 5 * MS, 1 * MS, 3_000 * MS, SETTLE_US])
    (pressed_us, press), (stuck_us, stuck), (free_us, free) = felt(bell, bell.edges)
    assert (press, pressed_us) == (Press(1_000_000), 1_000_000 + FELT_US)
    assert stuck == Condition(stuck_us, Trouble.BUTTON_STUCK, present=True)
    assert 0 <= stuck_us - 1_000_000 - STUCK_US <= LOOK_US
    assert free == Condition(free_us, Trouble.BUTTON_STUCK, present=False)
    assert 0 <= free_us - bell.moves_us[-1] <= SETTLE_US + LOOK_SOON_US


def test_button_that_is_held_for_less_is_not_stuck() -> None:
    bell = contact([STUCK_US - 1, SETTLE_US])
    assert [type(item) for _, item in felt(bell, bell.edges)] == [Press]


def test_button_that_is_down_when_we_come_rings_nobody_but_is_reported_when_stuck() -> None:
    debounce = Debounce(0, closed=True)
    came = [item for t_us in range(0, 31_000_000, LOOK_US) for item in debounce.look(t_us, closed=True)]
    assert came == [Condition(STUCK_US, Trouble.BUTTON_STUCK, present=True)]
    came = [item for t_us in (31_000_000, 31_000_000 + SETTLE_US) for item in debounce.look(t_us, closed=False)]
    assert came == [Condition(31_000_000 + SETTLE_US, Trouble.BUTTON_STUCK, present=False)]
    assert debounce.edge(32_000_000, closed=True) == []
    assert debounce.look(32_000_000 + FELT_US, closed=True) == [Press(32_000_000)], "and then it is a bell again"


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40_000 * MS), st.booleans())))
def test_whatever_it_is_told_it_says_no_press_twice(told: list[tuple[bool, int, bool]]) -> None:
    debounce, came, now_us = Debounce(0, closed=False), [], 0
    for is_edge, later_us, closed in told:
        now_us += later_us
        came += (debounce.edge if is_edge else debounce.look)(now_us, closed=closed)
        assert debounce.due_us(now_us) - now_us in range(LOOK_US + 1)
    presses = [item.t_us for item in came if isinstance(item, Press)]
    assert all(later - sooner >= FELT_US + SETTLE_US for sooner, later in pairwise(presses))
    stuck = [item.present for item in came if isinstance(item, Condition)]
    assert stuck == [number % 2 == 0 for number in range(len(stuck))]

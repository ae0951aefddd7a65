from hypothesis import given
from hypothesis import strategies as st

from scene import packet
from sealbell.items import Run
from sealbell.watch.preroll import Preroll

S = 1_000_000
NO_LIMIT = 1 << 40


def runs(count: int, *, keyframe_every: int = 1, size_bytes: int = 0, length_us: int = S) -> list[Run]:
    return [
        Run(
            (packet(i * length_us, i, keyframe=i % keyframe_every == 0, size_bytes=size_bytes),),
            (i + 1) * length_us,
        )
        for i in range(count)
    ]


def filled(ring: Preroll, film: list[Run]) -> Preroll:
    for run in film:
        ring.add(run)
    return ring


def test_hands_out_the_span_and_a_run_more_rather_than_less() -> None:
    film = runs(20)
    ring = filled(Preroll(3 * S, NO_LIMIT), film)
    assert ring.take(17_500_000) == film[17:]


def test_keeps_enough_for_a_trigger_that_comes_before_the_next_run_is_complete() -> None:
    film = runs(20)
    for t_us in range(20 * S, 21 * S, 100_000):
        held = filled(Preroll(3 * S, NO_LIMIT), film).take(t_us - 3 * S)
        assert held[0].start_us <= t_us - 3 * S
        assert held[0].start_us > t_us - 4 * S - 1
        assert held[-1] is film[-1]


def test_forgets_what_is_older_than_the_span() -> None:
    ring = filled(Preroll(3 * S, NO_LIMIT), runs(1_000))
    assert len(ring.take(0)) <= 4


def test_what_was_taken_is_not_handed_out_again() -> None:
    ring = filled(Preroll(3 * S, NO_LIMIT), runs(10))
    assert ring.take(0)
    assert ring.take(0) == []


def test_first_run_is_one_that_a_player_can_begin_with() -> None:
    film = runs(20, keyframe_every=4)
    assert filled(Preroll(3 * S, NO_LIMIT), film).take(18 * S) == film[16:]
    assert filled(Preroll(3 * S, NO_LIMIT), film[1:4]).take(0) == []
    assert filled(Preroll(3 * S, NO_LIMIT), film[1:6]).take(0) == film[4:6]


def test_stays_below_its_limit_of_bytes() -> None:
    film = runs(20, size_bytes=1_000)
    assert filled(Preroll(15 * S, 5_500), film).take(0) == film[15:]


def test_one_run_beyond_the_limit_leaves_nothing() -> None:
    assert filled(Preroll(3 * S, 500), runs(3, size_bytes=1_000)).take(0) == []


films = st.lists(st.tuples(st.booleans(), st.integers(1, 3_000_000), st.integers(1, 2_000)), max_size=40)


def film_of(steps: list[tuple[bool, int, int]]) -> list[Run]:
    film: list[Run] = []
    for keyframe, length_us, size_bytes in steps:
        start_us = film[-1].end_us if film else 0
        first = packet(start_us, len(film), keyframe=keyframe, size_bytes=size_bytes)
        film.append(Run((first,), start_us + length_us))
    return film


@given(steps=films, back_us=st.integers(0, 3 * S))
def test_hands_out_exactly_what_is_needed_to_show_the_span(steps: list[tuple[bool, int, int]], back_us: int) -> None:
    film = film_of(steps)
    since_us = film[-1].end_us - back_us if film else 0
    begins = [i for i, run in enumerate(film) if run.keyframe]
    old_enough = [i for i in begins if film[i].start_us <= since_us]
    first = (old_enough[-1:] or begins[:1] or [len(film)])[0]
    assert filled(Preroll(3 * S, NO_LIMIT), film).take(since_us) == film[first:]


@given(steps=films, limit_bytes=st.integers(1, 20_000))
def test_bytes_cost_the_oldest(steps: list[tuple[bool, int, int]], limit_bytes: int) -> None:
    film = film_of(steps)
    held = filled(Preroll(3 * S, limit_bytes), film).take(0)
    assert held == film[len(film) - len(held) :]
    assert sum(len(run.packets[0].data) for run in held) <= limit_bytes
    assert all(run.keyframe for run in held[:1])

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene import packet, packets
from sealbell.items import Run
from sealbell.watch.gather import Gatherer

S = 1_000_000


def test_run_is_complete_when_the_next_keyframe_comes() -> None:
    gatherer, film = Gatherer(10 * S, 1_000_000), packets(11)
    assert [gatherer.add(picture) for picture in film[:10]] == [None] * 10
    assert gatherer.add(film[10]) == Run(tuple(film[:10]), S)


def test_run_ends_when_it_has_lasted_long_enough() -> None:
    gatherer, film = Gatherer(S, 1_000_000), packets(11, gop=100)
    assert [gatherer.add(picture) for picture in film[:10]] == [None] * 10
    assert gatherer.add(film[10]) == Run(tuple(film[:10]), S)


def test_run_ends_before_it_outgrows_a_message() -> None:
    gatherer = Gatherer(S, 1_000)
    film = [packet(i, i, keyframe=i == 0, size_bytes=400) for i in range(3)]
    assert [gatherer.add(picture) for picture in film] == [None, None, Run(tuple(film[:2]), 2)]


def test_picture_exactly_as_large_as_a_message_is_a_run_of_its_own() -> None:
    gatherer = Gatherer(S, 1_000)
    large, after = packet(0, 0, keyframe=True, size_bytes=1_000), packet(9, 1, keyframe=False)
    assert gatherer.add(large) is None
    assert gatherer.add(after) == Run((large,), 9)


def test_picture_larger_than_a_message_is_refused_and_changes_nothing() -> None:
    gatherer = Gatherer(S, 1_000)
    small = packet(0, 0, keyframe=True)
    gatherer.add(small)
    with pytest.raises(ValueError, match="1001 bytes"):
        gatherer.add(packet(1, 1, keyframe=False, size_bytes=1_001))
    assert gatherer.pending == (small,)


def test_last_picture_of_all_stands_as_long_as_the_one_before() -> None:
    gatherer = Gatherer(S, 1_000_000)
    for picture in packets(3):
        gatherer.add(picture)
    assert gatherer.flush() == Run(tuple(packets(3)), 300_000)
    assert gatherer.flush() is None


def test_lone_picture_stands_for_a_moment() -> None:
    gatherer = Gatherer(S, 1_000_000)
    gatherer.add(packet(5, 0, keyframe=True))
    run = gatherer.flush()
    assert run is not None
    assert run.end_us > 5


def test_what_is_discarded_is_in_no_run() -> None:
    gatherer, film = Gatherer(S, 1_000_000), packets(12)
    gatherer.add(film[0])
    gatherer.discard()
    assert gatherer.pending == ()
    assert gatherer.add(film[10]) is None


@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(1, 700_000), st.integers(1, 600)), max_size=60),
)
def test_runs_hold_every_packet_once_in_order_within_limits(steps: list[tuple[bool, int, int]]) -> None:
    gatherer, film, found, now_us = Gatherer(S, 1_000), [], [], 0
    for keyframe, step_us, size_bytes in steps:
        film.append(packet(now_us, len(film), keyframe=keyframe, size_bytes=size_bytes))
        now_us += step_us
        found.append(gatherer.add(film[-1]))
    runs = [run for run in [*found, gatherer.flush()] if run]
    assert [picture for run in runs for picture in run.packets] == film
    for run, following in pairwise(runs):
        assert run.end_us == following.start_us, "no moment between two runs"
    for run in runs:
        assert sum(len(picture.data) for picture in run.packets) <= 1_000
        assert run.packets[-1].t_us - run.start_us < S
        assert not any(picture.keyframe for picture in run.packets[1:])

"""Token buckets: so many at once, so many in the long run, and never more memory than was said."""

from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.http.buckets import Buckets, Rate


def test_a_burst_is_let_through_and_then_one_at_a_time() -> None:
    buckets = Buckets(Rate(per_second=2, burst=3), 10)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.take("a", 0.0) == 0.5
    assert buckets.wait_s("a", 0.25) == 0.25
    assert buckets.take("a", 0.5) == 0.0
    assert buckets.take("a", 0.5) > 0


def test_names_do_not_pay_for_each_other() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), 10)
    assert buckets.take("a", 0.0) == 0.0
    assert buckets.take("a", 0.0) > 0
    assert buckets.take("b", 0.0) == 0.0


def test_what_waits_is_not_charged() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), 10)
    buckets.take("a", 0.0)
    for _ in range(100):
        buckets.take("a", 0.5)
    assert buckets.take("a", 1.0) == 0.0


def test_memory_is_bounded_and_the_newest_are_remembered() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), 100)
    for number in range(10_000):
        buckets.take(str(number), 0.0)
    assert len(buckets) == 100
    assert buckets.take("9999", 0.0) > 0


@given(st.lists(st.floats(0, 100), max_size=200), st.integers(1, 20), st.floats(0.1, 50))
def test_never_more_than_rate_and_burst(times: list[float], burst: int, per_second: float) -> None:
    buckets = Buckets(Rate(per_second, burst), 10)
    taken = [now for now in sorted(times) if buckets.take("a", now) == 0.0]
    for begin in range(len(taken)):
        for end in range(begin, len(taken)):
            assert end - begin + 1 <= burst + per_second * (taken[end] - taken[begin]) + 1e-6

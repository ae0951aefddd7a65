"""In which order a growing clip is sent: pure, with a clock that the test moves."""

from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.order import Order, Patience

PATIENCE = Patience(hole_s=5.0, idle_s=30.0, keep_alive_s=1.0)


def drained(order: Order, now: float) -> list[int]:
    sent = []
    while (seq := order.next(now)) is not None:
        sent.append(seq)
    return sent


def test_parts_are_sent_as_they_come_in_order() -> None:
    order = Order(0, PATIENCE, 0)
    assert order.next(0) is None
    for seq in range(3):
        assert order.came(seq, seq)
        assert drained(order, seq) == [seq]


def test_a_missing_part_is_waited_for() -> None:
    order = Order(0, PATIENCE, 0)
    for seq in (0, 2, 3):
        order.came(seq, 1)
    assert drained(order, 1) == [0]
    assert order.wait_s(2) == 4
    assert drained(order, 5.9) == []
    assert order.came(1, 5.9)
    assert drained(order, 5.9) == [1, 2, 3]


def test_a_part_that_does_not_come_is_passed_over_and_not_sent_later() -> None:
    order = Order(0, PATIENCE, 0)
    for seq in (0, 2, 5):
        order.came(seq, 1)
    assert drained(order, 1) == [0]
    assert drained(order, 6) == [2]
    assert order.wait_s(6) == 5
    assert drained(order, 11) == [5]
    assert not order.came(1, 12)
    assert not order.came(5, 12)
    assert drained(order, 100) == []


def test_a_part_that_comes_twice_is_sent_once() -> None:
    order = Order(0, PATIENCE, 0)
    assert order.came(0, 0)
    assert not order.came(0, 0)
    assert drained(order, 0) == [0]


def test_parts_before_the_start_are_left_out() -> None:
    order = Order(3, PATIENCE, 0)
    assert [order.came(seq, 0) for seq in (2, 3)] == [False, True]
    assert drained(order, 0) == [3]


def test_it_is_over_when_nothing_came_for_long_but_not_while_something_waits() -> None:
    order = Order(0, PATIENCE, 0)
    assert not order.over(29.9)
    assert order.wait_s(29) == 1
    assert order.over(30)
    order.came(0, 29)
    order.came(2, 29)
    assert drained(order, 29) == [0]
    assert not order.over(200)
    assert drained(order, 200) == [2]
    assert order.over(200)


@given(st.permutations(range(12)), st.lists(st.floats(0, 3), min_size=12, max_size=12))
def test_whatever_the_order_of_arrival_no_part_is_sent_twice_or_backwards(seqs: list[int], waits: list[float]) -> None:
    order, now, sent = Order(0, PATIENCE, 0), 0.0, list[int]()
    for seq, wait in zip(seqs, waits, strict=True):
        now += wait
        order.came(seq, now)
        sent += drained(order, now)
    for _ in range(12):
        now += order.wait_s(now)
        sent += drained(order, now)
    assert sent == sorted(set(sent))
    assert order.next(now + 100) is None


@given(st.permutations(range(12)))
def test_if_all_come_in_time_all_are_sent(seqs: list[int]) -> None:
    order, sent = Order(0, PATIENCE, 0), list[int]()
    for n, seq in enumerate(seqs):
        order.came(seq, n / 10)
        sent += drained(order, n / 10)
    assert sent == list(range(12))

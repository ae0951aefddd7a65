"""In which order a growing clip is sent: pure, with a clock that the test moves."""

from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.follow.order import Order, Patience

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


def test_a_part_that_does_not_come_ends_the_stream_before_it() -> None:
    order = Order(0, PATIENCE, 0)
    for seq in (0, 2, 5):
        order.came(seq, 1)
    assert drained(order, 1) == [0]
    assert not order.over(5.9)
    assert order.wait_s(6) == 0
    assert order.over(6)
    assert drained(order, 100) == []


def test_one_hole_after_another_is_waited_for_each_for_its_own_time() -> None:
    order = Order(0, PATIENCE, 0)
    for seq in (0, 2, 4):
        order.came(seq, 0)
    assert drained(order, 0) == [0]
    order.came(1, 4)
    assert drained(order, 4) == [1, 2]
    assert not order.over(8.9)
    assert order.over(9)


def test_a_part_that_comes_twice_is_sent_once() -> None:
    order = Order(0, PATIENCE, 0)
    assert order.came(0, 0)
    assert not order.came(0, 0)
    assert drained(order, 0) == [0]


def test_parts_before_the_start_are_left_out() -> None:
    order = Order(3, PATIENCE, 0)
    assert [order.came(seq, 0) for seq in (2, 3)] == [False, True]
    assert drained(order, 0) == [3]


def test_it_is_over_when_nothing_came_for_long() -> None:
    order = Order(0, PATIENCE, 0)
    assert not order.over(29.9)
    assert order.wait_s(29) == 1
    assert order.over(30)
    order.came(0, 29)
    assert drained(order, 29) == [0]
    assert not order.over(58.9)
    assert order.over(59)


@given(st.permutations(range(12)), st.lists(st.floats(0, 3), min_size=12, max_size=12))
def test_whatever_the_order_of_arrival_what_was_sent_has_no_hole(seqs: list[int], waits: list[float]) -> None:
    order, now, sent = Order(0, PATIENCE, 0), 0.0, list[int]()
    for seq, wait in zip(seqs, waits, strict=True):
        now += wait
        order.came(seq, now)
        sent += drained(order, now)
        assert sent == list(range(len(sent)))
    assert sent == list(range(12))
    assert order.next(now + 100) is None

import threading

from sealbell.clock import SystemClock
from sealbell.watch.panel.turns import MAX_WAIT_S, Turns

DEADLINE_S = 20.0
DAY_US = 86_400_000_000


class Running:
    """Turns on a thread of their own; `taken` is let go once for each."""

    def __init__(self, wait_us: int) -> None:
        self.clock = SystemClock("b0" * 16)
        self.taken = threading.Semaphore(0)
        self.beats = threading.Semaphore(0)
        self.wait_us = wait_us
        self.turns = Turns(self.clock, self._turn)
        self.thread = threading.Thread(target=self.turns.run, args=(self.beats.release,), daemon=True)
        self.thread.start()

    def _turn(self) -> int:
        self.taken.release()
        return self.clock.now_us() + self.wait_us

    def end(self) -> bool:
        self.turns.stop()
        self.thread.join(DEADLINE_S)
        return not self.thread.is_alive()


def test_turns_are_taken_when_they_are_due_and_each_is_a_beat() -> None:
    running = Running(1_000)
    began_us = running.clock.now_us()
    assert all(running.taken.acquire(timeout=DEADLINE_S) for _ in range(20))
    assert all(running.beats.acquire(timeout=DEADLINE_S) for _ in range(20))
    assert running.clock.now_us() - began_us >= 15_000, "and not before"
    assert running.end()


def test_whoever_waits_for_long_beats_all_the_same() -> None:
    running = Running(DAY_US)
    assert all(running.beats.acquire(timeout=DEADLINE_S) for _ in range(2))
    assert running.end()


def test_a_turn_is_taken_soon_when_woken() -> None:
    running = Running(DAY_US)
    assert running.taken.acquire(timeout=DEADLINE_S)
    began_us = running.clock.now_us()
    running.turns.wake()
    assert running.taken.acquire(timeout=DEADLINE_S)
    assert running.clock.now_us() - began_us < MAX_WAIT_S * 1e6 / 2
    assert running.end()


def test_stopped_before_it_runs_it_takes_no_turn() -> None:
    turns = Turns(SystemClock("b0" * 16), lambda: 1 // 0)
    turns.stop()
    turns.run(lambda: None)

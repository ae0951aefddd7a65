"""One contract for every Panel. With SEALBELL_REAL_PANEL=1, on a Raspberry Pi, its pins join in: look and listen."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from handpins import Door
from sealbell.clock import FootageClock, SystemClock
from sealbell.items import Felt, LightCode, Press
from sealbell.notify import Notifier
from sealbell.pins import TABLE
from sealbell.seams import Panel
from sealbell.supervisor import Supervisor
from sealbell.watch.panel.gpio import GpioPanel
from sealbell.watch.panel.scripted import ScriptedPanel
from sealbell_testing.clock import HandClock
from sealbell_testing.panel import HandPanel

BOOT = "b0" * 16
DEADLINE_S = 20.0
PRESSES_US = (1_000_000, 1_200_000, 5_000_000)
END_US = 6_000_000
AT_ONCE_US = 1_000_000  # a busy machine may put us aside


@dataclass
class Bench:
    """A panel, and how to let somebody press it at PRESSES_US; None where it takes a finger."""

    panel: Panel
    run: Callable[[], None] | None


def scripted() -> Bench:
    clock = FootageClock(BOOT, real=False)
    return Bench(ScriptedPanel(clock, PRESSES_US), lambda: clock.reach(END_US))


def gpio() -> Bench:
    door = Door()

    def run() -> None:
        door.settle()
        for t_us in PRESSES_US:
            door.pass_us(t_us - door.clock.now_us())
            door.press()
        door.pass_us(END_US - door.clock.now_us())

    return Bench(door.panel, run)


def by_hand() -> Bench:
    clock = HandClock(BOOT)
    panel = HandPanel(clock)

    def run() -> None:
        for t_us in PRESSES_US:
            clock.pass_us(t_us - clock.now_us())
            panel.press()

    return Bench(panel, run)


def real() -> Bench:
    return Bench(GpioPanel(TABLE, SystemClock(BOOT), Supervisor(Notifier(None)).spawn), None)


BENCHES: dict[str, Any] = {"scripted": scripted, "by hand": by_hand, "pins by hand": gpio}
if os.environ.get("SEALBELL_REAL_PANEL") == "1":
    BENCHES["real pins"] = real


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = BENCHES[request.param]()
    yield bench
    bench.panel.stop()


def test_every_press_is_one_item_of_its_time_in_order(bench: Bench) -> None:
    if bench.run is None:
        pytest.skip("needs a finger")
    felt: list[Felt] = []
    bench.panel.start(felt.append)
    bench.run()
    assert felt == [Press(t_us) for t_us in PRESSES_US]


def test_nobody_is_told_anything_after_stop(bench: Bench) -> None:
    felt: list[Felt] = []
    bench.panel.start(felt.append)
    bench.panel.stop()
    if bench.run:
        bench.run()
    assert felt == []


def test_everything_may_be_called_before_start_and_after_stop_and_twice(bench: Bench) -> None:
    def all_of_it() -> None:
        for code in LightCode:
            bench.panel.show(code)
        bench.panel.chime()
        bench.panel.infrared(on=True)
        bench.panel.infrared(on=False)

    all_of_it()
    bench.panel.start(lambda _: None)
    all_of_it()
    bench.panel.stop()
    bench.panel.stop()
    all_of_it()


def test_everything_returns_at_once_from_any_thread(bench: Bench) -> None:
    clock = SystemClock(BOOT)
    bench.panel.start(lambda _: None)
    longest_us: list[int] = []

    def call() -> None:
        for _ in range(20):
            for code in LightCode:
                began_us = clock.now_us()
                bench.panel.show(code)
                bench.panel.chime()
                bench.panel.infrared(on=code is LightCode.RECORDING)
                longest_us.append(clock.now_us() - began_us)

    threads = [threading.Thread(target=call, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert not any(thread.is_alive() for thread in threads)
    assert len(longest_us) == 4 * 20 * len(LightCode)
    assert max(longest_us) < AT_ONCE_US


def test_whatever_the_sink_does_with_the_panel_is_allowed(bench: Bench) -> None:
    if bench.run is None:
        pytest.skip("needs a finger")
    felt: list[Felt] = []

    def sink(item: Felt) -> None:
        felt.append(item)
        bench.panel.show(LightCode.RINGING)
        bench.panel.chime()
        bench.panel.stop()

    bench.panel.start(sink)
    bench.run()
    assert felt == [Press(PRESSES_US[0])]

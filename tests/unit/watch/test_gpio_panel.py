"""The panel on pins that a test moves. What every panel promises is in tests/contract/test_panel.py."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from handpins import Door, HandPin, HandPins
from sealbell.clock import SystemClock
from sealbell.items import Condition, LightCode, Presence, Press, Trouble
from sealbell.notify import Notifier
from sealbell.pins import TABLE, Direction, Function, assign
from sealbell.supervisor import StageError, Supervisor
from sealbell.watch.panel.chime import MAX_PULSE_US, PERIOD_US, PULSE_US
from sealbell.watch.panel.debounce import FELT_US, LOOK_US, SETTLE_US, STUCK_US
from sealbell.watch.panel.gpio import MAX_EDGES, GpioPanel, Habits, PanelError, read_inputs
from sealbell_testing.clock import HandClock

DEADLINE_S = 20.0
TRY = """
from sealbell.clock import SystemClock
from sealbell.pins import TABLE
from sealbell.watch.panel.gpio import GpioPanel, PanelError
try:
    GpioPanel(TABLE, SystemClock("0" * 32), print)
except PanelError as error:
    print(error)
"""
ENDING = """
import sys
from gpiozero.pins.mock import MockFactory, MockPin
from sealbell.clock import SystemClock
from sealbell.items import LightCode
from sealbell.pins import TABLE
from sealbell.watch.panel.gpio import GpioPanel
class Told(MockPin):
    def _change_state(self, value):
        if self._function == "output": print(self.info.name, value, flush=True)
        return super()._change_state(value)
panel = GpioPanel(TABLE, SystemClock("0" * 32), lambda *_: None, factory=MockFactory("902120", Told))
panel.start(print)
panel.infrared(on=True), panel.chime(), panel.show(LightCode.STARTING), panel.light()
"""
SECOND_US = 1_000_000
MS = 1_000


class Grounded(HandPin):
    """A pin with a wire to ground."""

    def drive_high(self) -> None:
        self.drive_low()


@pytest.fixture
def door() -> Door:
    return Door().start()


def test_1000_presses_that_bounce_are_1000_presses(door: Door) -> None:
    chance = random.Random(20)
    pressed_us = []
    for _ in range(1_000):
        pressed_us.append(door.clock.now_us())
        for down in (True, False):
            for bounce in range(2 * chance.randrange(8) + 1):
                door.button(down == (bounce % 2 == 0))
                door.pass_us(chance.randint(20, 900))
            door.pass_us(chance.randint(25 * MS, 400 * MS))
    assert door.felt == [Press(t_us) for t_us in pressed_us]


def test_press_is_told_20_ms_after_it_began(door: Door) -> None:
    door.button(True)
    door.pass_us(FELT_US - 1)
    assert door.felt == []
    door.pass_us(1)
    assert door.felt == [Press(0)]


def test_habits_are_those_that_were_chosen() -> None:
    door = Door(habits=Habits(felt_us=50 * MS, stuck_us=5 * SECOND_US, pulse_us=100 * MS)).start()
    door.press(50 * MS - 1)
    assert door.felt == []
    began_us = door.clock.now_us()
    door.button(True)
    door.pass_us(50 * MS)
    assert door.felt == [Press(began_us)]
    door.pass_us(100 * MS - 1)
    assert door.lights.chime
    door.pass_us(1)
    assert not door.lights.chime
    door.pass_us(5 * SECOND_US)
    assert [type(item) for item in door.felt] == [Press, Condition]


def test_1000_sparks_ring_nobody(door: Door) -> None:
    chance = random.Random(21)
    for _ in range(1_000):
        door.press(chance.randrange(1, FELT_US), chance.randint(25 * MS, 100 * MS))
    assert door.felt == []
    assert not door.lights.chime


def test_press_that_the_kernel_tells_of_only_when_it_is_over_is_felt(door: Door) -> None:
    door.drive(Function.BUTTON, True)
    door.clock.pass_us(60 * MS)
    door.factory.late_s = 0.0
    door.drive(Function.BUTTON, False)
    door.clock.pass_us(300 * MS)
    door.settle()
    assert door.felt == [Press(0)]


def test_both_edges_late_by_the_same_time_are_as_far_apart_as_they_were(door: Door) -> None:
    door.factory.late_s = 0.25
    door.clock.pass_us(300 * MS)
    door.drive(Function.BUTTON, True)
    door.factory.late_s = 0.2
    door.drive(Function.BUTTON, False)  # all within one moment of ours, 50 ms of the kernel's
    door.settle()
    door.pass_us(100 * MS)
    assert door.felt == [Press(50 * MS)]


def test_a_kernel_that_counts_from_elsewhere_is_not_believed(door: Door) -> None:
    for late_s in (-1e9, 1e9):
        door.felt.clear()
        began_us = door.clock.now_us()
        door.factory.late_s = late_s
        door.press()
        assert door.felt == [Press(began_us)]


def test_press_without_any_edge_is_found_by_looking(door: Door) -> None:
    pin = door.factory.pin(TABLE[Function.BUTTON].bcm)
    pin.when_changed = None  # as if the kernel's queue had run over
    door.drive(Function.BUTTON, True)
    door.pass_us(LOOK_US + FELT_US + 1)
    door.drive(Function.BUTTON, False)
    door.pass_us(SECOND_US)
    assert [type(item) for item in door.felt] == [Press]


def test_of_a_wire_that_chatters_only_the_newest_edges_are_kept(door: Door) -> None:
    door.drive(Function.BUTTON, True)
    door.clock.pass_us(FELT_US)
    door.drive(Function.BUTTON, False)
    for _ in range(MAX_EDGES // 2):
        door.clock.pass_us(SETTLE_US)
        door.drive(Function.BUTTON, True)
        door.clock.pass_us(10)
        door.drive(Function.BUTTON, False)
    door.settle()
    assert door.felt == [], "the press before them is forgotten"
    door.press()
    assert [type(item) for item in door.felt] == [Press], "and it goes on"


def test_stuck_button_rings_once_and_is_reported_with_its_end(door: Door) -> None:
    rings = 0
    door.button(True)
    for _ in range(400):
        before = door.lights.chime
        door.pass_us(100 * MS)
        rings += door.lights.chime and not before
    assert rings == 1
    door.button(False)
    door.pass_us(100 * MS)
    press, stuck, free = door.felt
    assert press == Press(0)
    assert stuck == Condition(stuck.t_us, Trouble.BUTTON_STUCK, present=True)
    assert STUCK_US <= stuck.t_us <= STUCK_US + LOOK_US
    assert free == Condition(free.t_us, Trouble.BUTTON_STUCK, present=False)


def test_button_that_is_stuck_from_the_beginning_does_not_ring_at_every_start() -> None:
    door = Door()
    door.drive(Function.BUTTON, True)
    door.start()
    door.pass_us(STUCK_US + LOOK_US)
    assert [type(item) for item in door.felt] == [Condition]
    assert not door.lights.chime


def test_pir_is_told_when_it_changes(door: Door) -> None:
    for active in (True, False):
        door.drive(Function.PIR, active)
        door.pass_us(LOOK_US)
        door.pass_us(SECOND_US)
    seen = [(item.present, item.t_us // SECOND_US) for item in door.felt if isinstance(item, Presence)]
    assert seen == [(True, 0), (False, 1)]
    assert len(door.felt) == 2


def test_pir_whose_wire_is_off_does_not_flood() -> None:
    door = Door().start()
    for _ in range(10_000):
        door.drive(Function.PIR, True)
        door.clock.pass_us(100)
        door.drive(Function.PIR, False)
        door.pass_us(100)
    assert len(door.felt) <= 2 * SECOND_US // LOOK_US + 1


def test_chime_rings_before_anybody_is_told() -> None:
    heard = []
    door = Door()
    door.start(lambda _: heard.append(door.lights.chime))
    door.press()
    assert heard == [True]


def test_chime_is_off_again_though_whoever_was_told_hangs() -> None:
    """The sink never returns: the stage that shows opens the relay all the same."""
    door, told, go_on = Door(), threading.Event(), threading.Event()

    def hang(_: object) -> None:
        told.set()
        go_on.wait(DEADLINE_S)

    door.panel.start(hang)
    door.panel.feel()
    door.drive(Function.BUTTON, True)
    door.clock.pass_us(FELT_US)
    feeling = threading.Thread(target=door.panel.feel, daemon=True)
    feeling.start()
    assert told.wait(DEADLINE_S)
    assert door.lights.chime
    assert door.panel.light() <= door.clock.now_us() + PULSE_US
    door.clock.pass_us(PULSE_US)
    door.panel.light()
    assert not door.lights.chime
    go_on.set()
    feeling.join(DEADLINE_S)


def test_chime_is_off_again_though_the_light_hangs(door: Door) -> None:
    door.button(True)
    door.clock.pass_us(FELT_US)
    door.panel.feel()
    assert door.lights.chime
    door.clock.pass_us(PULSE_US)
    door.panel.feel()
    assert not door.lights.chime


@pytest.mark.parametrize("pulse_us", [PULSE_US, 10 * SECOND_US])
def test_chime_is_never_closed_for_a_second(pulse_us: int) -> None:
    door = Door(habits=Habits(pulse_us=pulse_us)).start()
    chance, closed_us, longest_us = random.Random(22), 0, 0
    for _ in range(2_000):
        if chance.random() < 0.3:
            door.panel.chime()
        if chance.random() < 0.3:
            door.button(chance.random() < 0.5)
        before = door.lights.chime
        door.pass_us(30 * MS)
        closed_us = closed_us + 30 * MS if before and door.lights.chime else 0
        longest_us = max(longest_us, closed_us)
    assert 100 * MS < longest_us <= MAX_PULSE_US < SECOND_US
    assert MAX_PULSE_US <= PERIOD_US / 2


def test_light_keeps_its_rhythm_though_it_is_told_the_same_again(door: Door) -> None:
    seen = []
    door.panel.show(LightCode.STARTING)
    door.settle()
    for _ in range(80):
        door.panel.show(LightCode.STARTING)
        door.pass_us(50 * MS)
        seen.append((door.lights.light_red, door.lights.light_green))
    assert seen == ([(True, True)] * 9 + [(False, False)] * 10 + [(True, True)]) * 4


def test_infrared_moves_the_filter_too(door: Door) -> None:
    door.panel.infrared(on=True)
    assert (door.lights.infrared, door.lights.ir_cut) == (True, True)
    door.panel.infrared(on=False)
    assert (door.lights.infrared, door.lights.ir_cut) == (False, False)


def test_parts_that_are_not_fitted_do_nothing() -> None:
    clock = HandClock()
    panel = GpioPanel({}, clock, lambda *_: None, factory=HandPins(clock))
    panel.start(lambda _: None)
    panel.feel()
    panel.chime()
    panel.show(LightCode.TROUBLE)
    panel.infrared(on=True)
    panel.light()
    panel.stop()
    assert panel.feel() > clock.now_us()
    assert panel.light() > clock.now_us()


def test_reset_is_left_to_whoever_asks_for_it(door: Door) -> None:
    assert read_inputs({Function.RESET: TABLE[Function.RESET]}, door.factory) == {Function.RESET: False}
    door.drive(Function.RESET, True)
    door.pass_us(20 * SECOND_US)
    assert door.felt == []


def test_inputs_can_be_read_without_a_panel_and_are_let_go_of() -> None:
    inputs = {function for function, pin in TABLE.items() if pin.direction is Direction.IN}
    factory = HandPins(HandClock())
    for _ in range(2):
        assert read_inputs(TABLE, factory) == dict.fromkeys(inputs, False)
    grounded = HandPins(HandClock())
    grounded.pin_class = Grounded
    assert read_inputs(TABLE, grounded) == {Function.BUTTON: True, Function.RESET: True, Function.PIR: False}


def test_pin_that_somebody_else_has_is_named_with_what_to_do(door: Door) -> None:
    with pytest.raises(PanelError, match=r"BCM \d+ \(header pin \d+\) cannot be had: .*\nhint: .*wiring\.svg"):
        GpioPanel(TABLE, door.clock, lambda *_: None, factory=door.factory)
    door.panel.stop()
    GpioPanel(TABLE, door.clock, lambda *_: None, factory=door.factory).stop()


def test_panel_that_cannot_be_had_whole_keeps_no_pin() -> None:
    clock = HandClock()
    factory = HandPins(clock)
    pins = assign({Function.PIR: 2})  # pulled up by a resistor on the board, and a PIR wants it down
    with pytest.raises(PanelError, match="pir: BCM 2") as refused:
        GpioPanel(pins, clock, lambda *_: None, factory=factory)
    GpioPanel(TABLE, clock, lambda *_: None, factory=factory).stop()
    assert refused.tb, "whose frames would keep what was not let go of"


def test_whoever_stops_it_in_the_midst_of_a_turn_is_told_no_more() -> None:
    door, felt = Door(), []

    def stop(item: object) -> None:
        felt.append(item)
        door.panel.stop()

    door.start(stop)
    door.drive(Function.BUTTON, True)
    door.drive(Function.PIR, True)
    door.clock.pass_us(FELT_US)
    door.panel.feel()
    assert felt == [Press(0)]


def python(code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, check=False)


def test_a_machine_without_pins_is_told_so(tmp_path: Path) -> None:
    done = python(TRY, tmp_path)
    said, hint = done.stdout.splitlines()
    assert said.startswith("no driver for the pins: "), done.stderr
    assert "lgpio" in said
    assert hint.startswith("hint: on a Raspberry Pi: ")
    assert done.stderr == ""


def test_without_gpiozero_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "gpiozero.py").write_text("raise ImportError('none here')\n")
    done = python(TRY, tmp_path)  # python -c looks into its folder first
    said = "gpiozero is not installed\nhint: apt-get install python3-gpiozero python3-lgpio\n"
    assert done.stdout == said, done.stderr


ENDINGS = {
    "at its end": ("", 0),
    "by an exception": ("raise RuntimeError('a stage failed')\n", 1),
    "by its own exit": ("sys.exit(3)\n", 3),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_process_that_ends_leaves_everything_dark(ending: str, tmp_path: Path) -> None:
    last, expected = ENDINGS[ending]
    done = python(ENDING + last, tmp_path)
    assert done.returncode == expected, done.stderr
    states = dict(line.split() for line in done.stdout.splitlines())
    outputs = {f"GPIO{pin.bcm}" for pin in TABLE.values() if pin.direction is Direction.OUT}
    assert states == dict.fromkeys(outputs, "False")
    assert done.stdout.count("True") == len(outputs), "and all were lit"


def test_stages_are_run_by_whoever_supervises_and_end_with_the_panel() -> None:
    supervisor, clock, felt = Supervisor(Notifier(None)), SystemClock("b0" * 16), threading.Event()
    factory = HandPins(HandClock())
    panel = GpioPanel(TABLE, clock, supervisor.spawn, factory=factory)
    panel.start(lambda _: felt.set())
    factory.pin(TABLE[Function.BUTTON].bcm).drive_low()
    assert felt.wait(DEADLINE_S)
    panel.stop()
    waiting = threading.Thread(target=supervisor.wait, daemon=True)
    waiting.start()
    waiting.join(DEADLINE_S)
    assert not waiting.is_alive()


def test_an_edge_wakes_the_stage_that_feels() -> None:
    """Without it every other press would wait for the next look, so twelve in a row that did not are no chance."""
    supervisor, clock, chance = Supervisor(Notifier(None)), SystemClock("b0" * 16), random.Random(23)
    factory, told, felt_us, nobody = HandPins(HandClock()), threading.Event(), [0], threading.Event()
    pin = factory.pin(TABLE[Function.BUTTON].bcm)
    panel = GpioPanel(TABLE, clock, supervisor.spawn, factory=factory)

    def sink(item: object) -> None:
        if isinstance(item, Press):
            felt_us[0] = clock.now_us()
            told.set()

    def late_us() -> int:
        told.clear()
        nobody.wait((SETTLE_US * 2 + chance.randrange(LOOK_US)) / 1e6)
        began_us = clock.now_us()
        pin.drive_low()
        assert told.wait(DEADLINE_S)
        pin.drive_high()
        return felt_us[0] - began_us - FELT_US

    panel.start(sink)
    assert any(all(late_us() < 4 * MS for _ in range(12)) for _ in range(50)), "a busy machine may try again"
    panel.stop()


def test_stage_of_the_panel_that_fails_ends_the_process() -> None:
    supervisor, clock = Supervisor(Notifier(None)), SystemClock("b0" * 16)
    factory = HandPins(HandClock())
    panel = GpioPanel(TABLE, clock, supervisor.spawn, factory=factory)

    def refuse(_: object) -> None:
        raise AssertionError("no room")

    panel.start(refuse)
    factory.pin(TABLE[Function.BUTTON].bcm).drive_low()
    with pytest.raises(StageError, match="panel failed"):
        supervisor.wait()
    panel.stop()


def test_panel_that_was_stopped_before_it_started_feels_and_lights_nothing() -> None:
    door = Door()
    door.panel.stop()
    door.panel.start(door.felt.append)
    assert (door.spawned, door.felt) == ([], [])

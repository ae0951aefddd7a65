import pytest
from gpiozero.pins.mock import MockFactory

from sealbell.pins import (
    BUSES,
    EEPROM,
    GROUND,
    HEADER,
    PINS,
    POWER_3V3,
    POWER_5V,
    TABLE,
    Direction,
    Function,
    Level,
    PinError,
    Pull,
    assign,
    check,
    shared,
)


def test_every_function_has_one_row() -> None:
    assert [pin.function for pin in PINS] == list(Function)


def test_header_is_whole_and_no_place_is_two_things() -> None:
    places = [*HEADER.values(), *POWER_3V3, *POWER_5V, *GROUND, *EEPROM]
    assert sorted(places) == list(range(1, 41))
    assert sorted(HEADER) == list(range(2, 28))


def test_places_are_those_that_gpiozero_knows_too() -> None:
    header = MockFactory(revision="902120").board_info.headers["J8"]
    known = {pin.name: pin.number for pin in header.pins.values() if pin.name.startswith("GPIO")}
    assert {f"GPIO{bcm}": place for bcm, place in HEADER.items()} | {"GPIO0": 27, "GPIO1": 28} == known
    assert {pin.number for pin in header.pins.values() if pin.name == "GND"} == set(GROUND)


def test_each_supply_and_ground_pin_has_one_wire() -> None:
    wires = [place for pin in PINS for place in pin.also]
    assert len(wires) == len(set(wires))
    assert set(wires) <= {*POWER_3V3, *POWER_5V, *GROUND}


def test_defaults_can_be_used_and_no_bus_takes_them() -> None:
    check(PINS)
    assert shared(PINS) == []


def test_outputs_are_dark_while_the_board_boots() -> None:
    """BCM 9 and up are pulled down at reset, 0 to 8 up (BCM2835 ARM Peripherals, table 6-31)."""
    for pin in PINS:
        if pin.direction is Direction.OUT:
            assert pin.bcm >= 9, pin
            assert pin.active is Level.HIGH, pin


def test_inputs_that_are_cut_off_are_not_active() -> None:
    rests = {Pull.UP: Level.LOW, Pull.DOWN: Level.HIGH}
    inputs = [pin for pin in PINS if pin.direction is Direction.IN]
    assert inputs
    assert all(pin.active is rests[pin.pull] for pin in inputs)


def test_what_is_chosen_counts_what_is_left_out_stays_what_is_none_is_not_fitted() -> None:
    pins = assign({Function.BUTTON: 5, Function.PIR: None})
    assert pins[Function.BUTTON].bcm == 5
    assert pins[Function.BUTTON].header == 29
    assert pins[Function.BUTTON].wired == TABLE[Function.BUTTON].wired
    assert Function.PIR not in pins
    assert {f: pins[f] for f in pins if f is not Function.BUTTON} == {
        f: TABLE[f] for f in TABLE if f not in (Function.BUTTON, Function.PIR)
    }


@pytest.mark.parametrize("bcm", [-1, 0, 1, 28, 40, 1_000])
def test_no_pin_that_is_none(bcm: int) -> None:
    with pytest.raises(PinError, match=rf"button: there is no pin BCM {bcm}\nhint: "):
        assign({Function.BUTTON: bcm})


def test_no_pin_twice() -> None:
    with pytest.raises(PinError, match=r"chime: BCM 17 is button already\nhint: "):
        assign({Function.CHIME: 17})
    assert assign({Function.CHIME: 17, Function.BUTTON: 23}), "but they may change places"


@pytest.mark.parametrize("bus", BUSES)
def test_a_pin_that_a_bus_may_take_is_told(bus: str) -> None:
    for bcm in BUSES[bus]:
        (line,) = shared(assign({Function.RESET: bcm}).values())
        assert line.startswith(f"reset: BCM {bcm} is {bus}'s")

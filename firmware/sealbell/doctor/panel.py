"""The panel: whether its pins can be reached and, if asked for, what light and chime do."""

from collections.abc import Callable, Iterable, Mapping

from sealbell.doctor.finding import Finding, failure, ok, unseen, warning
from sealbell.doctor.machine import Machine
from sealbell.items import LightCode
from sealbell.pins import Function, Pin, shared
from sealbell.seams import Panel

SHOWN = (LightCode.WATCHING, LightCode.RECORDING, LightCode.TROUBLE)
SHOW_S = 1.5
SAID = {
    Function.BUTTON: "the button is down",
    Function.RESET: "the reset jumper is set",
    Function.PIR: "the PIR sees somebody",
}
WIRING = "compare with hardware/wiring.svg and the table in docs/panel.md"
SHORTED = f"if nobody presses the button, its wire is shorted: {WIRING}"


def buses(chosen: Iterable[Pin]) -> Finding:
    """Whether a bus of the Raspberry Pi may take one of the pins that the settings choose."""
    if taken := shared(chosen):
        return warning("buses", "; ".join(taken), "choose another below [pins] in the settings, or leave the bus off")
    return ok("buses", "no pin in the settings belongs to one")


def pins(machine: Machine, active: Callable[[], Mapping[Function, bool]] | None) -> Finding:
    """Whether there are pins at all, this user may use them, and what is active on them now.

    `active` reads the inputs; None where somebody else holds them.
    """
    chips = machine.find("dev/gpiochip*")
    if not chips:
        return unseen("pins", "no GPIO here")
    try:
        chips[0].open("rb").close()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return failure("pins", f"{chips[0].name} cannot be opened: {why}", "run the doctor as root")
    if active is None:
        return ok("pins", f"{chips[0].name} can be opened; sealbell-watch reads it")
    try:
        now = [SAID[function] for function, on in active().items() if on]
    except Exception as error:  # whatever the pins' library raises: that is what was asked
        said, _, hint = str(error).partition("\n")
        return failure("pins", said or type(error).__name__, hint.removeprefix("hint: ") or WIRING)
    if SAID[Function.BUTTON] in now:
        return warning("pins", "; ".join(now), SHORTED)
    return ok("pins", "; ".join(now) or f"{chips[0].name} can be opened; nothing is active on it")


def show(open_panel: Callable[[], Panel], wait: Callable[[float], object]) -> Finding:
    """Ring the chime and show every light, for somebody who looks and listens: nothing here can."""
    try:
        panel = open_panel()
    except Exception as error:  # whatever the pins' library raises: that is what was asked
        said, _, hint = str(error).partition("\n")
        return failure("light and chime", said or type(error).__name__, hint.removeprefix("hint: ") or WIRING)
    try:
        panel.start(lambda _: None)
        panel.chime()
        for code in SHOWN:
            panel.show(code)
            wait(SHOW_S)
    finally:
        panel.stop()
    shown = ", ".join(SHOWN)
    return ok("light and chime", f"the chime rang once; the light showed {shown}: if you missed one: {WIRING}")

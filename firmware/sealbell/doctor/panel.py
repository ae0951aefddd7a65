"""The panel: whether its pins can be reached and, if asked for, what light and chime do."""

from collections.abc import Callable

from sealbell.doctor.finding import Finding, failure, ok, unseen
from sealbell.doctor.machine import Machine
from sealbell.items import LightCode
from sealbell.seams import Panel

SHOWN = (LightCode.WATCHING, LightCode.RECORDING, LightCode.TROUBLE)
SHOW_S = 1.5
WIRING = "compare with hardware/wiring.svg and the table in docs/panel.md"


def pins(machine: Machine) -> Finding:
    """Whether there are pins at all, and this user may use them."""
    chips = machine.find("dev/gpiochip*")
    if not chips:
        return unseen("pins", "no GPIO here")
    try:
        chips[0].open("rb").close()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return failure("pins", f"{chips[0].name} cannot be opened: {why}", "run the doctor as root")
    return ok("pins", f"{chips[0].name} can be opened")


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

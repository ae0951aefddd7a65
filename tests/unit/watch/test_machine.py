from pathlib import Path

import pytest

from sealbell.items import Machine
from sealbell.watch.machine import MachineReader

PI_4 = "sys/devices/platform/soc/soc:firmware/get_throttled"
PI_5 = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(root: Path) -> Machine:
    return MachineReader(root, root).read()


@pytest.mark.parametrize("path", [PI_4, PI_5])
def test_board_says_its_voltage_and_temperature(tmp_path: Path, path: str) -> None:
    write(tmp_path, **{path: "50005\n", TEMPERATURE: "51540\n"})
    machine = read(tmp_path)
    assert (machine.throttled, machine.celsius) == (0x50005, 51)
    assert machine.free_bytes is not None
    assert machine.free_bytes > 0


def test_machine_that_is_no_pi_says_what_it_has(tmp_path: Path) -> None:
    assert read(tmp_path).throttled is None
    assert read(tmp_path).celsius is None
    assert MachineReader(tmp_path, tmp_path / "no card").read() == Machine()


@pytest.mark.parametrize("text", ["", "hot", "\0\0", "9" * 64, "-999999999", "1.5"])
def test_what_the_kernel_never_writes_is_not_believed(tmp_path: Path, text: str) -> None:
    write(tmp_path, **{PI_4: text.replace("9", "f"), TEMPERATURE: text})
    machine = read(tmp_path)
    assert (machine.throttled, machine.celsius) == (None, None)

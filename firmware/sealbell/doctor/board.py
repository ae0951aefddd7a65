"""The board: power, clock, watchdog, wireless."""

from sealbell.doctor.finding import Finding, failure, ok, unseen, warning
from sealbell.doctor.machine import Machine

# Bits of get_throttled, as Raspberry Pi documents them for `vcgencmd get_throttled`. Slowed down means, as for health:
# frequency capped, throttled, soft temperature limit.
UNDERVOLTED_NOW, THROTTLED_NOW, UNDERVOLTED_SINCE, THROTTLED_SINCE = 0x1, 0xE, 0x1_0000, 0xE_0000
MAX_WATCHDOG_S = 15  # the Pi's own cannot wait longer (raspberrypi/linux issue 7432)
GOOD_DBM, WEAK_DBM = -67, -75
SUPPLY = "use a 5 V supply of 2.5 A or more and a short, thick cable"


def power(machine: Machine) -> Finding:
    """Undervoltage and throttling, now and since the start."""
    text = machine.first("sys/devices/platform/soc*/soc*firmware/get_throttled")
    try:
        bits = int(text, 16) if text else None
    except ValueError:
        bits = None
    if bits is None:
        return unseen("power", "only a Raspberry Pi tells about its supply")
    if bits & UNDERVOLTED_NOW:
        return failure("power", "the supply is below 4.63 V now", SUPPLY)
    if bits & THROTTLED_NOW:
        return warning("power", "the processor is slowed down now", "shade the case, or give it more air")
    if bits & UNDERVOLTED_SINCE:
        return warning("power", "the supply has been below 4.63 V since the start", SUPPLY)
    if bits & THROTTLED_SINCE:
        return warning("power", "the processor has been slowed down since the start", "shade the case on hot days")
    return ok("power", "the supply has been steady since the start")


def clock(machine: Machine) -> Finding:
    """Whether the wall clock was set from outside since the start."""
    if machine.read("run/systemd/timesync/synchronized") is not None:
        return ok("clock", "set from the network since the start")
    if (machine.ask(("timedatectl", "show", "--property=NTPSynchronized", "--value")) or "").strip() == "yes":
        return ok("clock", "set from the network since the start")
    return warning(
        "clock",
        "not set from the network since the start: clips say so, and the schedule is not followed",
        "see `timedatectl timesync-status`; the doorbell records all the same",
    )


def watchdog(machine: Machine) -> Finding:
    """Whether the hardware restarts the Pi when systemd hangs."""
    if not machine.find("sys/class/watchdog/watchdog*"):
        return unseen("watchdog", "this machine has no hardware watchdog")
    if machine.first("sys/class/watchdog/watchdog*/state") is None:
        asked = "`systemctl show --property=RuntimeWatchdogUSec` says whether systemd feeds it"
        return unseen("watchdog", "there is one, of which this kernel tells nothing more", asked)
    if machine.first("sys/class/watchdog/watchdog*/state") != "active":
        return warning("watchdog", "nobody feeds the hardware watchdog", "set RuntimeWatchdogSec=15s for systemd")
    try:
        timeout_s = int(machine.first("sys/class/watchdog/watchdog*/timeout") or "")
    except ValueError:
        return unseen("watchdog", "it does not tell its time limit")
    if timeout_s > MAX_WATCHDOG_S:
        return warning(
            "watchdog", f"it waits {timeout_s} s, more than it can", f"set RuntimeWatchdogSec={MAX_WATCHDOG_S}s"
        )
    return ok("watchdog", f"the hardware restarts a hung system after {timeout_s} s")


def wireless(machine: Machine) -> Finding:
    """The strength of the wireless link."""
    level_dbm = _level_dbm(machine.read("proc/net/wireless") or "")
    if level_dbm is None:
        return unseen("wi-fi", "no wireless link here")
    said = f"{level_dbm} dBm"
    if level_dbm >= GOOD_DBM:
        return ok("wi-fi", said)
    nearer = "bring the access point nearer to the door, or use 2.4 GHz"
    if level_dbm >= WEAK_DBM:
        return warning("wi-fi", f"{said} is weak: video may arrive late", nearer)
    return failure("wi-fi", f"{said} is too weak for video", nearer)


def _level_dbm(table: str) -> int | None:
    for line in table.splitlines()[2:]:
        columns = line.split()
        try:
            return int(float(columns[3].rstrip(".")))
        except (IndexError, ValueError):
            continue
    return None

"""The word on the connection, as the network process writes it."""

import os
import stat
from pathlib import Path

import pytest

from sealbell.link import LINK, TOLD_EVERY_MS, Link, read_link
from sealbell.uplink.link import LinkTeller, wifi_dbm
from sealbell_testing.clock import HandClock

# Captured from a Raspberry Pi: /proc/net/wireless of a brcmfmac interface, and of a machine without one.
PI = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0
"""


class Desk:
    """A teller, its inbox, and why there is no connection."""

    def __init__(self, inbox: Path) -> None:
        self.clock, self.inbox, self.why = HandClock(), inbox, "connecting"
        self.teller = LinkTeller(inbox, "relay.example", self.clock, lambda: self.why, lambda: -56)

    def read(self) -> Link | None:
        return read_link(self.inbox)


def test_link_is_told_at_every_change_with_since_when_and_why(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.clock.pass_us(1_000_000)
    desk.teller.tell()
    assert desk.read() == Link(desk.clock.boot, 1_000, False, 0, "relay.example", "connecting", -56)
    desk.why = "refused"
    desk.clock.pass_us(1_000_000)
    desk.teller.tell()
    assert desk.read() == Link(desk.clock.boot, 2_000, False, 0, "relay.example", "refused", -56)
    desk.clock.pass_us(1_000_000)
    desk.teller.changed(connected=True)
    assert desk.read() == Link(desk.clock.boot, 3_000, True, 3_000, "relay.example", "", -56)


def test_link_is_told_again_in_time_to_stay_fresh_and_not_before(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.teller.changed(connected=True)
    desk.clock.pass_us((TOLD_EVERY_MS - 1) * 1_000)
    desk.teller.tell()
    link = desk.read()
    assert link is not None
    assert link.told_ms == 0, "a card is not written to for nothing"
    desk.clock.pass_us(1_000)
    desk.teller.tell()
    link = desk.read()
    assert link is not None
    assert (link.told_ms, link.since_ms) == (TOLD_EVERY_MS, 0)


def test_link_can_be_read_by_the_group_whatever_the_mask_says_and_leaves_nothing_lying_about(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        Desk(tmp_path).teller.changed(connected=True)
    finally:
        os.umask(before)
    assert [path.name for path in tmp_path.iterdir()] == [LINK]
    assert stat.S_IMODE((tmp_path / LINK).stat().st_mode) == 0o640


def test_inbox_that_refuses_is_logged_once_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(tmp_path / "not there")
    for connected in (True, False, True):
        desk.teller.changed(connected=connected)
    assert caplog.text.count("takes no word of the connection") == 1


@pytest.mark.parametrize(
    ("text", "dbm"),
    [
        (PI, -56),
        (PI.replace("-56.", "-56 "), -56),
        (PI.replace("-56.", "-999"), -200),
        (PI.rsplit(" wlan0", 1)[0], None),
        ("", None),
        ("\0\xff" * 3_000, None),
    ],
)
def test_strength_of_the_wifi_is_what_the_kernel_says(tmp_path: Path, text: str, dbm: int | None) -> None:
    (tmp_path / "wireless").write_bytes(text.encode("latin-1"))
    assert wifi_dbm(tmp_path / "wireless") == dbm


def test_machine_without_wifi_has_no_strength(tmp_path: Path) -> None:
    assert wifi_dbm(tmp_path / "wireless") is None

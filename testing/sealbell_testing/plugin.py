"""The pytest plugin: fixtures for whoever tests with a doorbell that does not exist (docs/testing.md).

Every one is new for each test. Nothing heavy is imported before a fixture is asked for, since pytest loads this module
wherever it is installed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sealbell_testing.clock import HandClock
    from sealbell_testing.doorbell import Doorbell
    from sealbell_testing.owner import Owner
    from sealbell_testing.panel import HandPanel
    from sealbell_testing.relay import Relay


@pytest.fixture
def sealbell_folder(tmp_path: Path) -> Path:
    """The folder in which relay, owner and doorbell each have theirs."""
    folder = tmp_path / "sealbell"
    folder.mkdir()
    return folder


@pytest.fixture
def sealbell_clock() -> "HandClock":
    """The doorbell's clock: stands still until the test lets time pass, and the camera shows pictures as it does."""
    from sealbell_testing.clock import HandClock

    return HandClock()


@pytest.fixture
def sealbell_panel(sealbell_clock: "HandClock") -> "HandPanel":
    """The doorbell's panel: a button that the test presses, a PIR, and what light and chime did."""
    from sealbell_testing.panel import HandPanel

    return HandPanel(sealbell_clock)


@pytest.fixture
def sealbell_relay(sealbell_folder: Path) -> "Iterator[Relay]":
    """A real relay with its broker, in processes of their own, on ports that were free."""
    from sealbell_testing.relay import serving

    with serving(sealbell_folder / "relay") as relay:
        yield relay


@pytest.fixture
def sealbell_owner(sealbell_folder: Path, sealbell_relay: "Relay") -> "Owner":
    """An owner with new keys, known to the relay, who has pinned the doorbell if the test asks for one."""
    from sealbell_testing.owner import Owner

    owner = Owner(sealbell_folder / "owner", sealbell_relay.card)
    sealbell_relay.allow(owner.card)
    return owner


@pytest.fixture
def sealbell_doorbell(
    sealbell_folder: Path,
    sealbell_relay: "Relay",
    sealbell_owner: "Owner",
    sealbell_clock: "HandClock",
    sealbell_panel: "HandPanel",
) -> "Iterator[Doorbell]":
    """The owner's doorbell, known to the relay: the product's own code on a film or a drawing. Off to begin with."""
    from sealbell_testing.doorbell import Doorbell

    doorbell = Doorbell(sealbell_folder / "doorbell", sealbell_owner.bundle, sealbell_clock, sealbell_panel)
    sealbell_relay.allow(doorbell.introduction)
    sealbell_owner.pin(doorbell.card)
    try:
        yield doorbell
    finally:
        doorbell.kills_uplink()
        doorbell.switched_off()

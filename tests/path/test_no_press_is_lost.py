"""No press is lost: a thousand of them, bouncing, on a Pi's pins, while clips run, the network is away and the outbox
is nearly full of pictures."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import ramdisk
from handpins import Door
from sealbell.watch.panel.gpio import GpioPanel
from sealbell_testing.clock import HandClock
from sealbell_testing.doorbell import Doorbell
from sealbell_testing.owner import OpenedClip, Owner
from sealbell_testing.relay import Relay
from sealbell_testing.waiting import until

PRESSES = 1_000
NEARLY = 0.9
OUTBOX_BYTES = 80_000_000  # a thousand notices are 73 million
RICH_PICTURES = "320x240@6:4000000"
STORED_S = 60.0


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def sealbell_clock(door: Door) -> HandClock:
    return door.clock


@pytest.fixture
def sealbell_panel(door: Door) -> GpioPanel:
    return door.panel


@pytest.fixture
def sealbell_folder() -> Iterator[Path]:
    with ramdisk.folder() as folder:
        yield folder


def press_with_bounce(door: Door, chance: random.Random) -> int:
    """Press, with contacts that bounce as they close and as they open; return when they closed first, in ms."""
    at_ms = door.clock.now_us() // 1_000
    for held_us in (chance.randint(25_000, 90_000), 0):
        for _ in range(chance.randint(0, 6)):
            for down in (True, False):
                door.button(down if held_us else not down)
                door.pass_us(chance.randint(50, 1_500))
        door.button(bool(held_us))
        door.pass_us(held_us or chance.randint(25_000, 60_000))
    return at_ms


def noise(door: Door, chance: random.Random) -> None:
    """A spark: the contacts touch for less than what anybody's finger takes."""
    door.button(True)
    door.pass_us(chance.randint(50, 10_000))
    door.button(False)
    door.pass_us(30_000)


def told_ms(clip: OpenedClip) -> list[int]:
    """Of which presses the clip tells; where a clip goes on from another, its first notice tells of that alone."""
    notices = clip.notices[1:] if clip.notices and clip.notices[0].continues else clip.notices
    return [notice.monotonic_ms for notice in notices if notice.trigger == "button"]


@pytest.mark.timeout(180)
def test_a_thousand_presses_are_a_thousand_notices(
    door: Door, sealbell_doorbell: Doorbell, sealbell_relay: Relay, sealbell_owner: Owner
) -> None:
    chance = random.Random(17)
    sealbell_relay.goes_away()
    sealbell_doorbell.is_set(f"[outbox]\nmax_bytes = {OUTBOX_BYTES}")
    sealbell_doorbell.draws(RICH_PICTURES)
    pressed_ms = []
    while sealbell_doorbell.outbox_used_bytes < NEARLY * OUTBOX_BYTES:
        pressed_ms.append(press_with_bounce(door, chance))
        door.pass_us(4_000_000)
    filling = len(pressed_ms)
    while len(pressed_ms) < PRESSES:
        noise(door, chance)
        pressed_ms.append(press_with_bounce(door, chance))
    door.pass_us(10_000_000)
    sealbell_doorbell.switched_off()

    committed = sealbell_doorbell.waiting
    assert filling < PRESSES / 10
    assert sealbell_doorbell.outbox_used_bytes <= OUTBOX_BYTES
    sealbell_relay.comes_back()
    sealbell_doorbell.starts_uplink()
    store = sealbell_relay.root / "store" / "clips"
    until(lambda: len(list(store.rglob("*.*"))) == len(committed), "all is stored", STORED_S)

    clips = sealbell_owner.clips()
    assert all(clip.verified for clip in clips)
    assert [at_ms for clip in clips for at_ms in told_ms(clip)] == pressed_ms
    assert sum(len(clip.dropped) for clip in clips) > 0, "the outbox was full: pictures gave way"

"""The whole way through the fixtures of sealbell_testing: what its users rely on, and what a doorbell promises them."""

import io
from pathlib import Path

import av
import pytest

from sealbell.items import LightCode, Trouble
from sealbell_testing.clock import HandClock
from sealbell_testing.doorbell import Doorbell
from sealbell_testing.owner import Owner
from sealbell_testing.panel import HandPanel
from sealbell_testing.relay import Relay

FOOTAGE = Path(__file__).parents[1] / "footage"
FPS = 10


def pictures(video: bytes) -> int:
    with av.open(io.BytesIO(video)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_ring_reaches_the_owner_and_its_clip_is_the_same_each_time(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_panel: HandPanel, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.draws()
    sealbell_clock.passes(seconds=4)
    sealbell_panel.press()
    sealbell_clock.passes(seconds=7)
    clip = sealbell_owner.waits_for_clip()
    assert (clip.trigger, clip.seconds, clip.verified, clip.lost) == ("button", 8.0, True, 0)
    assert pictures(clip.video) == 8 * FPS
    assert sealbell_panel.chimes == 1


def test_somebody_who_walks_past_reaches_the_owner(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.draws(walk_s=3, every_s=20)
    sealbell_clock.passes(seconds=32)
    clips = [sealbell_owner.waits_for_clip()]
    assert {clip.trigger for clip in clips} == {"motion"}


def test_motion_in_quiet_mode_is_recorded_and_calls_nobody(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.is_set('[mode]\nnow = "quiet"')
    sealbell_doorbell.draws(walk_s=3, every_s=20)
    sealbell_clock.passes(seconds=32)
    assert [notice.alert for notice in sealbell_owner.waits_for_clip().notices] == [False]


def test_somebody_whom_the_pir_feels_is_recorded(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_panel: HandPanel, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.is_set('[motion]\nsource = "pir"')
    sealbell_doorbell.draws(walk_s=3, every_s=20)
    sealbell_clock.passes(seconds=30)
    sealbell_panel.presence(True)
    sealbell_clock.passes(seconds=1)
    sealbell_panel.presence(False)
    sealbell_clock.passes(seconds=8)
    assert [clip.trigger for clip in (sealbell_owner.waits_for_clip(), *sealbell_owner.clips())] == ["pir", "pir"]


def test_the_light_says_that_it_rang_and_the_owner_that_the_button_is_stuck(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_panel: HandPanel, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.draws()
    sealbell_panel.waits_for_light(LightCode.WATCHING)
    sealbell_panel.press()
    sealbell_panel.waits_for_light(LightCode.RINGING)
    sealbell_panel.stuck(True)
    sealbell_clock.passes(seconds=30)
    sealbell_owner.waits_for_trouble(Trouble.BUTTON_STUCK)
    sealbell_panel.stuck(False)
    sealbell_clock.passes(seconds=30)
    sealbell_owner.waits_for_trouble(Trouble.BUTTON_STUCK, present=False)


def test_a_film_is_watched_to_its_end(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_clock: HandClock, sealbell_panel: HandPanel
) -> None:
    seconds = sealbell_doorbell.plays(FOOTAGE / "derived_static_onebyone_0-55.mp4")
    sealbell_clock.passes(seconds / 2)
    sealbell_panel.press()
    sealbell_clock.passes(seconds)
    assert sealbell_owner.waits_for_clip().seconds == pytest.approx(seconds, abs=0.1)


def test_the_owner_hears_of_a_ring_before_the_clip_has_ended(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_panel: HandPanel, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.draws()
    sealbell_clock.passes(seconds=1)
    with sealbell_owner.follows() as following:
        sealbell_panel.press()
        assert following.waits_for("notice")["trigger"] == "button"
        sealbell_clock.passes(seconds=3)
        following.waits_for("media", times=2)
        assert pictures(following.film.read_bytes()) >= 2 * FPS
    notice = sealbell_owner.waits_for_notice()
    assert notice.monotonic_ms == 1_000
    assert notice.snapshot.startswith(b"\xff\xd8\xff")


def test_a_ring_while_the_relay_is_away_reaches_the_owner_afterwards(
    sealbell_doorbell: Doorbell,
    sealbell_owner: Owner,
    sealbell_relay: Relay,
    sealbell_panel: HandPanel,
    sealbell_clock: HandClock,
) -> None:
    sealbell_doorbell.draws()
    sealbell_relay.goes_away()
    sealbell_clock.passes(seconds=4)
    sealbell_panel.press()
    sealbell_clock.passes(seconds=7)
    sealbell_relay.comes_back()
    assert sealbell_owner.waits_for_clip().verified


def test_a_broker_that_dies_costs_nothing(
    sealbell_doorbell: Doorbell,
    sealbell_owner: Owner,
    sealbell_relay: Relay,
    sealbell_panel: HandPanel,
    sealbell_clock: HandClock,
) -> None:
    sealbell_doorbell.draws()
    sealbell_clock.passes(seconds=4)
    sealbell_panel.press()
    sealbell_relay.loses_broker()
    sealbell_clock.passes(seconds=7)
    clip = sealbell_owner.waits_for_clip()
    assert (clip.verified, clip.dropped, clip.seconds) == (True, (), 8.0)


def test_a_power_cut_leaves_an_interrupted_clip_and_the_doorbell_rings_again(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_panel: HandPanel, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.draws()
    sealbell_panel.press()
    sealbell_clock.passes(seconds=3)
    sealbell_owner.waits_for_notice()
    sealbell_doorbell.power_cut()
    sealbell_panel.press()
    assert sealbell_panel.chimes == 1, "without power nothing rings"
    sealbell_doorbell.draws()
    sealbell_clock.passes(seconds=1)
    sealbell_panel.press()
    sealbell_clock.passes(seconds=7)
    whole = sealbell_owner.waits_for_clip()
    cut, after = sealbell_owner.clips()
    assert (cut.interrupted, cut.verified, cut.trigger) == (True, True, "button")
    assert after == whole


def test_a_ring_while_the_camera_stalls_is_told_and_what_it_shows_later_is_recorded(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_panel: HandPanel, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.draws()
    sealbell_clock.passes(seconds=2)
    assert sealbell_doorbell.camera
    sealbell_doorbell.camera.stalls()
    sealbell_clock.passes(seconds=4)
    sealbell_panel.press()
    assert sealbell_owner.waits_for_notice().trigger == "button"
    sealbell_doorbell.camera.goes_on()
    sealbell_clock.passes(seconds=8)
    assert sealbell_owner.waits_for_clip().verified


def test_nothing_is_left_behind(
    sealbell_doorbell: Doorbell, sealbell_relay: Relay, sealbell_panel: HandPanel, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.draws()
    sealbell_panel.press()
    sealbell_clock.passes(seconds=1)
    uplink = sealbell_doorbell.uplink
    assert uplink
    sealbell_doorbell.switched_off()
    assert not uplink.runs
    assert [entry.kind for entry in sealbell_doorbell.waiting][-1] == "manifest"
    sealbell_relay.stop()

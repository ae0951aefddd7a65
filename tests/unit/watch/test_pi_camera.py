"""What picamera2 can do to us, on the stand-in for it: the camera recovers, or fails and says so. No time is slept."""

import threading
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise

import numpy as np
import pytest

from fakes import picamera2
from footage_frames import PEOPLE, STILL_ROOM, between, footage
from motion_spans import active_spans_s
from sealbell.items import Area, Condition, Frame, Light, Packet, Picture, Seen, Trouble, VideoFormat
from sealbell.watch import mp4
from sealbell.watch.camera.masks import NO_MASKS, Masks
from sealbell.watch.camera.pi import (
    HEALTHY_US,
    LINE_ITEMS,
    MAX_RESTARTS,
    MAX_SILENCE_US,
    CameraError,
    PiCamera,
    PiSettings,
    installed,
)
from sealbell_testing.clock import HandClock

VIDEO = VideoFormat(64, 48)
DEADLINE_S = 20.0
PERIOD_US = 50_000
S = 1_000_000


class Door:
    """A camera that runs in a thread of its own, and the sensor before it."""

    def __init__(
        self,
        masks: Masks = NO_MASKS,
        *,
        pi5: bool = False,
        close_s: float = DEADLINE_S,
        rotate: int = 0,
        scene: picamera2.Scene | None = None,
        video: VideoFormat = VIDEO,
        fps: int = 20,
    ) -> None:
        self.clock = HandClock()
        self.sensor = picamera2.Sensor(self.clock, fps, scene or picamera2.moving_bar)
        self.faults = self.sensor.faults
        settings = PiSettings(video, fps, 400_000, rotate, masks)
        self.camera = PiCamera(settings, self.clock, picamera2.library(self.sensor, pi5=pi5), close_s)
        self.seen: list[Seen] = []
        self.free = threading.Event()  # the sink waits for it, with a packet in its hand
        self.free.set()
        self.waits = threading.Event()
        self.error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def opens(self) -> "Door":
        self._thread.start()
        return self

    def wait(self, until: Callable[[], object]) -> None:
        with self._changed:
            for _ in range(int(DEADLINE_S * 100)):
                if until():
                    return
                self._changed.wait(0.01)  # a camera that is opened tells nobody here
        raise AssertionError((len(self.seen), self.error))

    def shows(self, pictures: int) -> None:
        """So many pictures pass, and have been handed on."""
        before = len(self.packets)
        self.sensor.show(pictures)
        self.wait(lambda: len(self.packets) >= before + pictures or self.error)

    def ends(self) -> BaseException | None:
        self.camera.stop()
        self.free.set()
        self.sensor.end()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        return self.error

    def falls_silent(self) -> None:
        """No more pictures come, until the camera is opened anew or given up."""
        self.faults.stalled = True
        openings = self.sensor.openings

        def done() -> bool:
            self.clock.pass_us(S)
            return self.error is not None or self.sensor.openings > openings

        self.wait(done)

    @property
    def packets(self) -> list[Packet]:
        return [item for item in self.seen if isinstance(item, Packet)]

    @property
    def frames(self) -> list[Frame]:
        return [item for item in self.seen if isinstance(item, Frame)]

    @property
    def lights(self) -> list[Light]:
        return [item for item in self.seen if isinstance(item, Light)]

    @property
    def told(self) -> list[tuple[Trouble, bool]]:
        """What was said, told once where it was said again and again."""
        said = ((item.trouble, item.present) for item in self.seen if isinstance(item, Condition))
        return [one for one, _ in groupby(said)]

    def _take(self, item: Seen) -> None:
        if isinstance(item, Packet) and not self.free.is_set():
            self.waits.set()
            assert self.free.wait(DEADLINE_S)
        with self._changed:
            self.seen.append(item)
            self._changed.notify_all()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self.camera.run(self._take)
        except CameraError as raised:
            error = raised
        with self._changed:
            self.error = error
            self._changed.notify_all()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door.opens()
    door.ends()


def test_where_pictures_stop_the_camera_is_opened_anew_and_it_is_said(door: Door) -> None:
    door.shows(5)
    door.faults.heals_at_opening = 2
    door.falls_silent()
    assert door.told == [(Trouble.CAMERA_STALLED, True)]
    door.shows(5)
    assert door.told == [(Trouble.CAMERA_STALLED, True), (Trouble.CAMERA_STALLED, False)]
    assert len(door.packets) == 10
    assert door.packets[5].keyframe, "what comes after can be played by itself"
    assert all(sooner.t_us < later.t_us for sooner, later in pairwise(door.packets))
    assert door.packets[5].t_us - door.packets[4].t_us > MAX_SILENCE_US


def test_a_camera_that_is_waited_for_says_so_again_and_again_and_shows_nothing_old(door: Door) -> None:
    door.shows(5)
    assert door.camera.still() is not None
    door.falls_silent()
    said = sum(isinstance(item, Condition) for item in door.seen)
    door.wait(lambda: sum(isinstance(item, Condition) for item in door.seen) >= said + 3)
    assert door.camera.still() is None
    door.faults.stalled = False
    door.shows(1)
    assert door.camera.still() is not None


def test_while_a_silent_camera_is_being_closed_it_is_said_and_nothing_old_is_shown(door: Door) -> None:
    door.shows(5)
    door.faults.close_hangs = True
    door.faults.stalled = True
    door.wait(lambda: door.clock.pass_us(S) or door.told)
    assert door.told == [(Trouble.CAMERA_STALLED, True)]
    assert door.camera.still() is None


def test_a_short_silence_is_said_and_no_reason_to_open_it_anew(door: Door) -> None:
    door.shows(80)
    door.clock.pass_us(MAX_SILENCE_US - S)
    door.shows(5)
    assert (door.sensor.openings, door.told) == (1, [(Trouble.PICTURES_LOST, True)])


def test_a_sink_that_takes_long_is_no_silence(door: Door) -> None:
    door.shows(5)
    door.free.clear()
    door.sensor.show(1)
    assert door.waits.wait(DEADLINE_S)
    door.clock.pass_us(2 * MAX_SILENCE_US)
    door.free.set()
    door.shows(2)
    assert door.sensor.openings == 1
    assert (Trouble.CAMERA_STALLED, True) not in door.told


def test_a_camera_that_stays_silent_is_given_up_and_it_is_said(door: Door) -> None:
    door.shows(5)
    for _ in range(MAX_RESTARTS + 1):
        door.falls_silent()
    door.wait(lambda: door.error)
    assert "hint: check both ends of its ribbon cable" in str(door.error)
    assert door.told == [(Trouble.CAMERA_STALLED, True), (Trouble.CAMERA_FAILING, True)]
    assert door.sensor.openings == 1 + MAX_RESTARTS


def test_restarts_are_not_held_against_a_camera_that_was_well_for_long(door: Door) -> None:
    for round_ in range(2 * MAX_RESTARTS):
        door.shows(1)
        door.clock.pass_us(MAX_SILENCE_US - S)
        door.shows(1)
        for _ in range(HEALTHY_US // (MAX_SILENCE_US - S)):
            door.clock.pass_us(MAX_SILENCE_US - S)
            door.shows(1)
        door.faults.heals_at_opening = round_ + 2
        door.falls_silent()
    door.shows(1)
    assert door.error is None


def test_an_encoder_that_gives_nothing_is_silence_too(door: Door) -> None:
    door.shows(5)
    door.faults.heals_at_opening = 2
    door.faults.encoder_hangs = True
    door.sensor.show(2)
    door.clock.pass_us(MAX_SILENCE_US + S)
    door.wait(lambda: door.sensor.openings == 2)
    door.shows(5)
    assert door.told == [(Trouble.CAMERA_STALLED, True), (Trouble.CAMERA_STALLED, False)]


@pytest.mark.parametrize("pi5", [False, True])
def test_what_a_callback_raises_ends_the_camera_and_is_said(pi5: bool) -> None:
    door = Door(pi5=pi5).opens()
    door.shows(3)
    door.faults.no_stamp = True
    door.sensor.show(1)
    door.wait(lambda: door.error)
    assert "KeyError: 'SensorTimestamp'" in str(door.error)
    assert door.told == [(Trouble.CAMERA_FAILING, True)]
    assert len(door.packets) == 3
    door.ends()


@pytest.mark.parametrize("pi5", [False, True])
def test_a_picture_that_cannot_be_masked_reaches_neither_encoder_nor_sink_nor_still(pi5: bool) -> None:
    door = Door(Masks([Area(0, 0, 1_000, 1_000)]), pi5=pi5).opens()
    door.shows(3)
    door.faults.read_only = True
    door.sensor.show(1)
    door.wait(lambda: door.error)
    assert "read-only" in str(door.error)
    assert (len(door.packets), len(door.frames)) == (3, 3)
    assert door.sensor.coded == [0, 1, 2]
    still = door.camera.still()
    assert still is not None
    assert still.max() < 6
    door.ends()


def test_a_still_outlives_the_camera(door: Door) -> None:
    door.shows(5)
    before = door.camera.still()
    door.ends()
    after = door.camera.still()
    assert before is not None
    assert after is not None
    assert (before == after).all()


def test_a_mask_that_fails_on_the_second_stream_shows_nothing_of_the_first() -> None:
    class Half(Masks):
        def burn(self, yuv: Picture, video: VideoFormat) -> None:
            if video.width == 320:
                raise RuntimeError("half")

    door = Door(Half()).opens()
    door.sensor.show(1)
    door.wait(lambda: door.error)
    assert not door.packets
    assert not door.frames
    assert door.camera.still() is None
    door.ends()


def test_pictures_that_come_late_keep_their_time(door: Door) -> None:
    door.shows(3)
    door.sensor.show_late(3)
    door.shows(1)
    door.wait(lambda: len(door.packets) == 7)
    times = [packet.t_us for packet in door.packets]
    assert {later - sooner for sooner, later in pairwise(times)} == {PERIOD_US}


def test_no_picture_lies_in_the_future(door: Door) -> None:
    door.shows(3)
    door.sensor.show_late(3)
    door.shows(30)
    assert door.frames[-1].t_us <= door.clock.now_us()


def test_frames_that_are_dropped_leave_a_gap_are_said_and_no_gop_grows_long(door: Door) -> None:
    for _ in range(60):
        door.shows(1)
        door.sensor.miss(1)
    steps = {later.t_us - sooner.t_us for sooner, later in pairwise(door.packets)}
    assert steps == {2 * PERIOD_US}
    keyframes = [packet.t_us for packet in door.packets if packet.keyframe]
    assert all(later - sooner <= S + 3 * PERIOD_US for sooner, later in pairwise(keyframes))
    assert len(keyframes) >= 3
    assert door.told == [(Trouble.PICTURES_LOST, True)]
    door.shows(45)
    assert door.told == [(Trouble.PICTURES_LOST, True), (Trouble.PICTURES_LOST, False)]


def test_a_frame_that_is_dropped_now_and_then_is_not_worth_a_word(door: Door) -> None:
    for _ in range(10):
        door.shows(9)
        door.sensor.miss(1)
    assert door.told == []


def test_pictures_that_the_encoder_leaves_out_shift_no_others_time(door: Door) -> None:
    door.faults.encoder_skips = {2, 3, 7}
    door.sensor.show(10)
    door.wait(lambda: len(door.packets) == 7)
    shown = [door.frames[i].t_us for i in range(10) if i not in door.faults.encoder_skips]
    assert [packet.t_us for packet in door.packets] == shown


def test_where_the_sink_waits_for_long_whole_gops_are_left_out_and_it_is_said(door: Door) -> None:
    door.shows(1)
    door.free.clear()
    door.sensor.show(LINE_ITEMS)
    door.free.set()
    door.wait(lambda: len(door.packets) >= 40)
    door.sensor.show(25)
    door.wait(lambda: len(door.told) == 2)
    assert door.told == [(Trouble.PICTURES_LOST, True), (Trouble.PICTURES_LOST, False)]
    torn = next(i for i, (a, b) in enumerate(pairwise(door.packets)) if b.t_us - a.t_us > PERIOD_US)
    assert door.packets[torn + 1].keyframe


def test_light_is_told_about_once_a_second(door: Door) -> None:
    door.sensor.lux = 40.0
    door.shows(30)
    door.sensor.lux = 3.0
    door.shows(30)
    door.wait(lambda: len(door.lights) == 3)
    assert [light.lux for light in door.lights] == [40.0, 40.0, 3.0]
    assert [later.t_us - sooner.t_us for sooner, later in pairwise(door.lights)] == [S, S]


def test_a_camera_that_measures_no_light_tells_none(door: Door) -> None:
    door.faults.no_lux = True
    door.shows(30)
    assert door.lights == []


def test_night_is_grey_and_may_be_exposed_longer_and_day_is_as_before(door: Door) -> None:
    door.shows(2)
    assert door.sensor.controls == {"FrameDurationLimits": (PERIOD_US, PERIOD_US), "Saturation": 1.0}
    door.camera.expose(night=True)
    door.shows(2)
    assert door.sensor.controls == {"FrameDurationLimits": (PERIOD_US, 66_666), "Saturation": 0.0}
    door.camera.expose(night=False)
    door.shows(2)
    assert door.sensor.controls == {"FrameDurationLimits": (PERIOD_US, PERIOD_US), "Saturation": 1.0}


def test_controls_that_were_lost_are_said_again_within_two_seconds(door: Door) -> None:
    door.shows(2)
    door.faults.loses_controls = 1
    door.camera.expose(night=True)
    door.shows(2)
    assert door.sensor.controls["Saturation"] == 1.0
    door.shows(40)
    assert door.sensor.controls["Saturation"] == 0.0


def test_night_outlives_a_restart(door: Door) -> None:
    door.camera.expose(night=True)
    door.shows(2)
    door.faults.heals_at_opening = 2
    door.falls_silent()
    door.shows(2)
    assert door.sensor.controls["Saturation"] == 0.0


def test_frames_come_as_slowly_as_the_dark_asks_and_gops_stay_a_second(door: Door) -> None:
    door.camera.expose(night=True)
    door.sensor.lux = 0.1
    door.shows(60)
    keyframes = [packet.t_us for packet in door.packets if packet.keyframe]
    assert len(keyframes) >= 3
    assert all(later - sooner <= S + 3 * 66_666 for sooner, later in pairwise(keyframes))


def test_where_no_camera_is_connected_it_is_said_what_to_do() -> None:
    door = Door()
    door.faults.no_camera = True
    door.opens().wait(lambda: door.error)
    assert str(door.error) == (
        "the camera cannot be opened\nhint: does rpicam-hello --list-cameras see it, and does no other program use it?"
    )
    assert door.told == [(Trouble.CAMERA_FAILING, True)]


def test_a_camera_that_hangs_in_closing_ends_the_process_and_not_us(door: Door) -> None:
    hanging = Door(close_s=0.2).opens()
    hanging.shows(3)
    hanging.faults.close_hangs = True
    hanging.falls_silent()
    hanging.wait(lambda: hanging.error)
    assert str(hanging.error).startswith("the camera hangs in the kernel\nhint: ")
    hanging.ends()


def test_a_silent_camera_can_be_stopped(door: Door) -> None:
    door.shows(1)
    door.faults.stalled = True
    assert door.ends() is None


def test_it_says_what_it_found_and_films_all_that_the_lens_sees(door: Door) -> None:
    door.shows(1)
    facts = door.camera.facts
    assert facts is not None
    assert (facts.model, facts.sensor, facts.encoder) == ("imx708_wide", VideoFormat(2304, 1296), "hardware")


def test_on_a_pi_5_it_says_that_the_encoder_is_software() -> None:
    door = Door(pi5=True).opens()
    door.shows(1)
    assert door.camera.facts is not None
    assert door.camera.facts.encoder == "software"
    door.ends()


@pytest.mark.parametrize("rotate", [0, 180])
def test_the_sensor_itself_turns_the_picture(rotate: int) -> None:
    door = Door(rotate=rotate).opens()
    transform = door.sensor.wait_for_start().camera_configuration()["transform"]
    assert transform == picamera2.Transform(hflip=rotate == 180, vflip=rotate == 180)
    door.ends()


def test_the_stream_is_of_the_main_profile() -> None:
    door = Door().opens()
    door.shows(1)
    sps, _ = mp4.parameter_sets(door.packets[0].data)
    assert sps[1] == 77
    door.ends()


def test_motion_is_seen_in_real_footage_as_in_the_file_itself() -> None:
    frames = between(PEOPLE, 4.0, 12.0)
    door = Door(scene=film_of([luma for _, luma in frames]), video=VideoFormat(320, 240), fps=10).opens()
    door.shows(len(frames))
    expected = active_spans_s([(round(i * 100_000), luma) for i, (_, luma) in enumerate(frames)])
    first_us = door.frames[0].t_us
    assert expected
    assert active_spans_s([(frame.t_us - first_us, frame.luma) for frame in door.frames]) == expected
    door.ends()


def test_exposure_that_changes_is_no_motion() -> None:
    still = [luma for _, luma in footage(STILL_ROOM)]
    door = Door(scene=film_of(still), video=VideoFormat(320, 240), fps=10).opens()
    for step in range(60):
        door.sensor.exposure = 1.0 if step < 20 else min(2.0, 1.0 + (step - 20) / 10)
        door.shows(1)
    assert [np.mean(door.frames[i].luma) for i in (0, 59)] == sorted(np.mean(door.frames[i].luma) for i in (0, 59))
    assert active_spans_s([(frame.t_us, frame.luma) for frame in door.frames]) == []
    door.ends()


def film_of(lumas: list[Picture]) -> picamera2.Scene:
    return lambda number, width, height: lumas[min(number, len(lumas) - 1)]


def test_without_the_library_it_is_said_how_to_install_it() -> None:
    try:
        import picamera2 as real  # noqa: F401, PLC0415  # whether this is a Pi
    except ImportError:
        with pytest.raises(CameraError, match="hint: sudo apt install python3-picamera2"):
            installed()

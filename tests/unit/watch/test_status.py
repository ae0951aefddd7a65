import pytest

from sealbell.items import ClipBegins, ClipEnds, Condition, Draft, LightCode, Packet, Press, Seen, Trouble
from sealbell.watch.status import RINGING_US, Status

NOW_US = 60_000_000
BEGINS = ClipBegins(continues=False)
ENDS = ClipEnds(0, 1, (), 0)


def picture(t_us: int) -> Packet:
    return Packet(t_us, b"", keyframe=True)


def told(*items: tuple[Seen, list[Draft]]) -> Status:
    status = Status()
    for item, drafts in items:
        status.note(item, drafts)
    return status


def stall(*, present: bool) -> Condition:
    return Condition(NOW_US, Trouble.CAMERA_STALLED, present)


AWAY = Condition(NOW_US, Trouble.RELAY_AWAY, present=True)
UNSYNCED = Condition(NOW_US, Trouble.CLOCK_UNSYNCED, present=True)


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([], LightCode.STARTING),
        ([(picture(NOW_US), [])], LightCode.WATCHING),
        ([(picture(NOW_US), [BEGINS])], LightCode.RECORDING),
        ([(picture(NOW_US), [BEGINS, ENDS])], LightCode.WATCHING),
        ([(picture(NOW_US), []), (AWAY, [])], LightCode.RELAY_AWAY),
        ([(picture(NOW_US), []), (UNSYNCED, [])], LightCode.WATCHING),
        ([(picture(NOW_US), [BEGINS]), (stall(present=True), [])], LightCode.TROUBLE),
        ([(picture(NOW_US), []), (stall(present=True), []), (stall(present=False), [])], LightCode.WATCHING),
        ([(Press(NOW_US), []), (stall(present=True), [])], LightCode.RINGING),
        ([(picture(NOW_US), []), (Press(NOW_US - RINGING_US), [])], LightCode.WATCHING),
    ],
)
def test_light_shows_what_matters_most(items: list[tuple[Seen, list[Draft]]], code: LightCode) -> None:
    assert told(*items).code(NOW_US) is code


def test_line_tells_how_many_pictures_come_and_what_is_wrong() -> None:
    pictures = [(picture(NOW_US - 100_000 * ago), list[Draft]()) for ago in range(20, -1, -1)]
    assert Status().line(NOW_US) == "waiting for the first picture"
    assert told(*pictures).line(NOW_US) == "watching: 10.0 pictures a second"
    assert told(*pictures, (AWAY, [BEGINS])).line(NOW_US) == "recording: 10.0 pictures a second; relay-away"
    assert told(*pictures).line(NOW_US + 9_000_000) == "no picture for 9 s"


def test_trouble_that_ended_is_forgotten() -> None:
    assert told((stall(present=True), [])).troubles == {Trouble.CAMERA_STALLED}
    assert not told((stall(present=True), []), (stall(present=False), [])).troubles

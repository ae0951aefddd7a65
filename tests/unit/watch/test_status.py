import pytest

from sealbell.items import ClipBegins, ClipEnds, Draft, LightCode, Packet, Press, Seen, Trouble
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


STALLED, AWAY, UNSYNCED = Trouble.CAMERA_STALLED, Trouble.RELAY_AWAY, Trouble.CLOCK_UNSYNCED


@pytest.mark.parametrize(
    ("items", "troubles", "code"),
    [
        ([], set(), LightCode.STARTING),
        ([(picture(NOW_US), [])], set(), LightCode.WATCHING),
        ([(picture(NOW_US), [BEGINS])], set(), LightCode.RECORDING),
        ([(picture(NOW_US), [BEGINS, ENDS])], set(), LightCode.WATCHING),
        ([(picture(NOW_US), [])], {AWAY}, LightCode.RELAY_AWAY),
        ([(picture(NOW_US), [])], {UNSYNCED}, LightCode.WATCHING),
        ([(picture(NOW_US), [BEGINS])], {STALLED}, LightCode.TROUBLE),
        ([(picture(NOW_US), [BEGINS])], {Trouble.UNDERVOLTAGE}, LightCode.RECORDING),
        ([(picture(NOW_US), [])], {Trouble.UNDERVOLTAGE}, LightCode.TROUBLE),
        ([(Press(NOW_US), [])], {STALLED}, LightCode.RINGING),
        ([(picture(NOW_US), []), (Press(NOW_US - RINGING_US), [])], set(), LightCode.WATCHING),
    ],
)
def test_light_shows_what_matters_most(
    items: list[tuple[Seen, list[Draft]]], troubles: set[Trouble], code: LightCode
) -> None:
    assert told(*items).code(NOW_US, troubles) is code


def test_line_tells_how_many_pictures_come_and_what_is_wrong() -> None:
    pictures = [(picture(NOW_US - 100_000 * ago), list[Draft]()) for ago in range(20, -1, -1)]
    assert Status().line(NOW_US, set()) == "waiting for the first picture"
    assert told(*pictures).line(NOW_US, set()) == "watching: 10.0 pictures a second"
    assert told(*pictures, (Press(0), [BEGINS])).line(NOW_US, {AWAY}) == "recording: 10.0 pictures a second; relay-away"
    assert told(*pictures).line(NOW_US + 9_000_000, set()) == "no picture for 9 s"

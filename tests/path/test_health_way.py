"""Health the whole way: a doorbell that records, its network process, a real relay, and the owner's command."""

import asyncio
import base64
import contextlib
import dataclasses
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aiohttp

from parts_factory import Doorbell as SigningBell
from parts_factory import Owner as Token
from relay_peers import doorbell_line, owner_session
from sealbell_owner.cli import main
from sealbell_testing.clock import HandClock
from sealbell_testing.doorbell import Doorbell
from sealbell_testing.owner import Owner
from sealbell_testing.panel import HandPanel
from sealbell_testing.relay import COMMAND, Relay
from sealbell_testing.waiting import DEADLINE_S, until
from sealbell_wire import topics

US_PER_S = 1_000_000


def health(owner: Owner, *arguments: str) -> dict[str, Any]:
    """What `sealbell-owner health --json` says of the one doorbell."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(["health", str(owner.home.folder), "--json", *arguments])
    (doorbell,) = json.loads(out.getvalue())["doorbells"]
    assert code == (0 if doorbell["well"] else 3)
    return dict(doorbell)


def test_owner_hears_how_the_doorbell_is_and_that_all_it_recorded_is_shown(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_panel: HandPanel, sealbell_clock: HandClock
) -> None:
    assert health(sealbell_owner)["wrong"][0]["what"].startswith("it was never heard")
    sealbell_doorbell.draws()
    until(lambda: health(sealbell_owner)["heard"] is not None, "the doorbell said how it is when it started")
    assert health(sealbell_owner)["heard"]["tip"]["counter"] == 0
    sealbell_panel.press()
    sealbell_clock.pass_us(30 * US_PER_S)
    clip = sealbell_owner.waits_for_clip()
    until(lambda: health(sealbell_owner)["heard"]["tip"]["clip"] == clip.id, "its health names the clip that ended")
    told = health(sealbell_owner)
    assert told["heard"]["tip"]["counter"] == 1
    assert told["heard"]["dropped"] == 0
    assert not any("clip number" in found["what"] for found in told["wrong"])


def test_relay_that_hides_the_newest_clip_is_found_out_by_health(
    sealbell_doorbell: Doorbell,
    sealbell_owner: Owner,
    sealbell_panel: HandPanel,
    sealbell_clock: HandClock,
    sealbell_relay: Relay,
    tmp_path: Path,
) -> None:
    sealbell_doorbell.draws()
    sealbell_panel.press()
    sealbell_clock.pass_us(30 * US_PER_S)
    clip = sealbell_owner.waits_for_clip()
    sealbell_clock.pass_us(900 * US_PER_S)
    root = tmp_path / "seized"

    def told() -> dict[str, Any]:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(sealbell_relay.root / "store", root / "store")
        shutil.rmtree(root / "store" / "clips" / sealbell_doorbell.card.doorbell / clip.id[:6] / clip.id)
        return health(sealbell_owner, "--from", str(root))

    until(lambda: any("does not show" in found["what"] for found in told()["wrong"]), "the hidden clip is noticed")


def test_relay_keeps_the_newest_health_over_a_restart_and_shows_it_to_its_owner_alone(
    sealbell_relay: Relay,
) -> None:
    token, stranger = Token(1), Token(2)
    bell = SigningBell(1, token)
    sealbell_relay.allow(token.card, stranger.card, bell.card)
    path = f"/v1/doorbells/{bell.id}/health"

    async def get(session: aiohttp.ClientSession, path: str = path) -> tuple[int, Any]:
        async with session.get(path) as answer:
            return answer.status, await answer.json()

    async def scenario() -> None:
        async with (
            asyncio.timeout(DEADLINE_S),
            owner_session(sealbell_relay, token.authorization) as session,
            owner_session(sealbell_relay, stranger.authorization) as other,
            doorbell_line(sealbell_relay, bell) as line,
        ):
            assert await get(session) == (200, {"health": None, "arrived_ms": None})
            for health_message in (bell.health(2), bell.health(7), bell.health(3)):
                await line.publish(topics.health(bell.id), health_message.encode())
            await line.deliver(bell.clip(1)[0])  # a doorbell's messages are taken in order
            status, answer = await get(session)
            assert (status, answer["health"]) == (200, _base64(bell.health(7).encode()))
            assert await get(other) == (404, {"error": "not found"})
            assert await get(session, f"/v1/doorbells/{'0' * 32}/health") == (404, {"error": "not found"})

    asyncio.run(scenario())
    sealbell_relay.goes_away()
    sealbell_relay.comes_back()

    async def again() -> None:
        async with asyncio.timeout(DEADLINE_S), owner_session(sealbell_relay, token.authorization) as session:
            status, answer = await get(session)
            assert (status, answer["health"]) == (200, _base64(bell.health(7).encode()))

    asyncio.run(again())
    knows = subprocess.run(
        [*COMMAND, "knows", str(sealbell_relay.root), "--json"], capture_output=True, text=True, check=True
    )
    (told,) = json.loads(knows.stdout)["healths"]
    assert {name: told[name] for name in dataclasses.asdict(bell.health(7).beat)} == dataclasses.asdict(
        bell.health(7).beat
    )
    assert told.keys() <= json.loads(knows.stdout)["meanings"].keys()
    text = subprocess.run([*COMMAND, "knows", str(sealbell_relay.root)], capture_output=True, text=True, check=True)
    assert "health: number 7, " in text.stdout


def test_trouble_is_told_when_it_begins_and_when_it_ends(
    sealbell_doorbell: Doorbell, sealbell_owner: Owner, sealbell_panel: HandPanel, sealbell_clock: HandClock
) -> None:
    sealbell_doorbell.draws()

    def stuck() -> bool:
        return any("button is stuck" in found["what"] for found in health(sealbell_owner)["wrong"])

    until(lambda: health(sealbell_owner)["heard"] is not None, "the doorbell was heard")
    assert not stuck()
    sealbell_panel.stuck(True)
    sealbell_clock.pass_us(30 * US_PER_S)
    until(stuck, "a stuck button is told")
    sealbell_panel.stuck(False)
    sealbell_clock.pass_us(30 * US_PER_S)
    until(lambda: not stuck(), "and that it is free again")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

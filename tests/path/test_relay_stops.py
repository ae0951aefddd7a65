"""How a relay stops: nothing that it has taken is left without a receipt, and whoever listens is told to come again."""

import asyncio
import contextlib
import json
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import aiomqtt

from parts_factory import Doorbell, Owner
from relay_peers import doorbell_line, owner_session, read_object
from sealbell_testing.relay import COMMAND, Relay, serving
from sealbell_testing.waiting import DEADLINE_S, until

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)
PARTS = 60


def test_what_was_stored_before_the_end_was_receipted_and_the_rest_is_taken_later(tmp_path: Path) -> None:
    clip = BELL.clip(PARTS, size=100_000)

    async def until_it_ends(relay: Relay) -> set[int]:
        heard = set[int]()
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            async with doorbell_line(relay, BELL) as line:
                sending = asyncio.create_task(line.send(*clip))
                heard.add((await line.receipt()).seq)
                relay.process.send_signal(signal.SIGTERM)
                while True:
                    heard.add((await line.receipt()).seq)
                sending.cancel()
        return heard

    async def again(relay: Relay) -> tuple[set[int], set[int]]:
        async with doorbell_line(relay, BELL) as line:
            kept = {receipt.seq for receipt in await line.have(BELL.clip_id())}
            later = [await line.deliver(part) for part in clip if part.record.seq not in kept]
            assert {receipt.verdict for receipt in later} <= {"stored"}
            return kept, {receipt.seq for receipt in await line.have(BELL.clip_id())}

    with serving(tmp_path / "relay") as relay:
        relay.allow(OWNER.card, BELL.card)
        heard = asyncio.run(until_it_ends(relay))
        assert relay.process.wait(DEADLINE_S) == 0
    with serving(tmp_path / "relay") as relay:
        kept, all_of_it = asyncio.run(again(relay))
    assert heard
    assert kept == heard
    assert all_of_it == set(range(PARTS))


def test_a_stream_that_was_open_ends_at_a_part_and_not_within_one(tmp_path: Path) -> None:
    async def scenario(relay: Relay) -> None:
        clip = BELL.clip(3, size=400_000, final=False)
        path = f"/v1/doorbells/{BELL.id}/follow"
        async with owner_session(relay, OWNER.authorization) as session, session.get(path) as stream:
            async with doorbell_line(relay, BELL) as line:
                for part in clip:
                    await line.deliver(part)
            relay.process.send_signal(signal.SIGTERM)
            for part in clip:
                assert (await read_object(stream.content)).startswith(part.encode())
            assert set(await stream.content.read()) <= {0}  # signs of life, and then its end

    with serving(tmp_path / "relay") as relay:
        relay.allow(OWNER.card, BELL.card)
        asyncio.run(scenario(relay))
        assert relay.process.wait(DEADLINE_S) == 0


def test_a_relay_that_serves_is_ready_and_one_whose_store_fails_says_why(tmp_path: Path) -> None:
    def ready(relay: Relay) -> tuple[int, dict[str, str]]:
        url = (relay.root / "admin").read_text().strip()
        try:
            with urllib.request.urlopen(url + "/readyz", timeout=DEADLINE_S) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    async def send(relay: Relay) -> None:
        async with doorbell_line(relay, BELL) as line:
            await line.send(BELL.clip(1, final=False)[0])
            await asyncio.to_thread(relay.wait_for, "error store-fails")

    with serving(tmp_path / "relay") as relay:
        relay.allow(OWNER.card, BELL.card)
        assert ready(relay) == (200, {"status": "ready"})
        temporary = relay.root / "store" / "tmp"
        temporary.rmdir()
        temporary.write_bytes(b"in the way")
        asyncio.run(send(relay))
        status, said = ready(relay)
        assert status == 503
        assert said["status"] == "not ready"
        assert "the store cannot write" in said["why"]
        temporary.unlink()
        temporary.mkdir()


def test_a_relay_that_is_being_restored_is_not_ready_and_says_so(tmp_path: Path) -> None:
    def ready(relay: Relay) -> tuple[int, str]:
        url = (relay.root / "admin").read_text().strip()
        try:
            with urllib.request.urlopen(url + "/readyz", timeout=DEADLINE_S) as answer:
                return answer.status, ""
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())["why"]

    with serving(tmp_path / "relay") as relay:
        assert ready(relay) == (200, "")
        for words, status in ((("restored",), 503), (("restored", "--complete"), 200)):
            done = subprocess.run([*COMMAND, words[0], str(relay.root), *words[1:]], timeout=DEADLINE_S, check=False)
            assert done.returncode == 0
            until(lambda status=status: ready(relay)[0] == status, f"/readyz answers {status}")  # type: ignore[misc]
            assert (status == 503) == ("restored" in ready(relay)[1])

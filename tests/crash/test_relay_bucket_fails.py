"""A relay whose bucket is slow, fails, cuts, lies or says nothing stays up, says so to owners, and loses nothing.

The relay is real, and so is SeaweedFS; between them stands a proxy that behaves as the worst of networks does.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from hostile_bucket import Bucket, Mood, hostile
from parts_factory import Doorbell, Owner
from relay_peers import doorbell_line, health, owner_session
from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.intake.lanes import MAX_LANE_BYTES
from sealbell_relay.store.buckets import open_store
from sealbell_relay.tenants.allow import Register
from sealbell_testing.relay import Relay, credential_of, serving
from sealbell_testing.waiting import DEADLINE_S
from seaweed import Seaweed, seaweed

OWNER = Owner(1)
BELL, OTHER = Doorbell(1, OWNER), Doorbell(2, OWNER)
LATE_S = 60.0  # beyond the limits of one request to the bucket and its repetitions


def enrol(url: str) -> None:
    store = open_store(url)
    register = Register(store)
    register.allow(OWNER.card)
    for bell in (BELL, OTHER):
        register.allow(bell.card)
        Credentials(store).enrol(bell.id, credential_of(bell.id))


@pytest.fixture
def between(seaweed_cluster: Seaweed) -> Iterator[Bucket]:
    with hostile(seaweed_cluster.endpoint) as proxy:
        yield proxy


@pytest.fixture
def relay(tmp_path: Path, bucket: str, between: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    enrol(bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL", between.endpoint)
    with serving(tmp_path / "relay", "--store", bucket) as relay:
        relay.wait_for("info accounts users=2 ")
        yield relay
        assert "Traceback" not in "\n".join(relay.lines)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def within() -> None:
        async with asyncio.timeout(2 * LATE_S):
            await scenario

    asyncio.run(within())


async def ask(relay: Relay, path: str) -> tuple[int, bytes]:
    async with owner_session(relay, OWNER.authorization) as session, session.get(path) as answer:
        return answer.status, await answer.read()


async def check_stored_once(relay: Relay, parts: list[bytes]) -> None:
    status, body = await ask(relay, f"/v1/doorbells/{BELL.id}/clips/{BELL.clip_id()}/parts")
    assert status == 200
    found = list[bytes]()
    while body:
        end = 4 + int.from_bytes(body[:4])
        found += [body[4:end]] if end > 4 else []
        body = body[end:]
    assert len(found) == len(parts)
    for data, part in zip(found, parts, strict=True):
        assert data.startswith(part)


@pytest.mark.parametrize("mood", ["500", "503", "429", "cut", "short"])
def test_failing_bucket_is_told_and_what_came_meanwhile_is_kept_once(relay: Relay, between: Bucket, mood: Mood) -> None:
    async def scenario() -> None:
        clip = BELL.clip(4, size=20_000)
        async with doorbell_line(relay, BELL) as line:
            assert (await line.deliver(clip[0])).verdict == "stored"
            between.mood = mood
            await line.send(*clip[1:])
            await until_met(between)
            status, said = await ask(relay, f"/v1/doorbells/{BELL.id}/clips/{BELL.clip_id()}/parts")
            if mood != "short":  # a store that lies well is believed for what it says just now
                assert (status, b"the store fails; try again later" in said) == (503, True)
            between.mood = "well"
            waiting = {part.record.seq: part for part in clip[1:]}
            while waiting:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(2):
                        receipt = await line.receipt()
                        assert receipt.verdict == "stored"
                        waiting.pop(receipt.seq, None)
                        continue
                await line.send(*waiting.values())
        await check_stored_once(relay, [part.encode() for part in clip])

    run(scenario())
    assert relay.runs


async def until_met(between: Bucket) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while between.asked < 3:
            await asyncio.sleep(0.01)


def test_slow_bucket_takes_everything(relay: Relay, between: Bucket) -> None:
    async def scenario() -> None:
        clip = BELL.clip(3)
        between.mood = "slow"
        async with doorbell_line(relay, BELL) as line:
            for part in clip:
                assert (await line.deliver(part)).verdict == "stored"
        await check_stored_once(relay, [part.encode() for part in clip])

    run(scenario())


def test_bucket_that_hangs_for_one_doorbell_holds_up_no_other_and_takes_bounded_memory(
    relay: Relay, between: Bucket
) -> None:
    async def scenario() -> None:
        between.only = f"clips/{BELL.id}"
        async with doorbell_line(relay, BELL) as line, doorbell_line(relay, OTHER) as other:
            between.mood = "hang"
            parts = BELL.clip(24, size=900_000)
            await line.send(*parts)
            for part in OTHER.clip(6):
                assert (await other.deliver(part)).verdict == "stored"
            await asyncio.to_thread(relay.wait_for, "refused reason=overloaded")
            refused = (await health(relay))["refused"]
            assert isinstance(refused, dict)
            assert refused["overloaded"] >= 24 - MAX_LANE_BYTES // 900_000 - 1
            between.mood = "well"
            for part in parts[:2]:
                assert (await line.deliver(part)).verdict == "stored"

    run(scenario())


def test_killed_volume_server_is_noticed_by_no_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(relay: Relay, cluster: Seaweed) -> None:
        clip = BELL.clip(12)
        async with doorbell_line(relay, BELL) as line:
            for part in clip[:4]:
                assert (await line.deliver(part)).verdict == "stored"
            cluster.kill_volume(1)
            waiting = {part.record.seq: part for part in clip[4:]}
            while waiting:
                await line.send(*waiting.values())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(4):
                        while waiting:
                            waiting.pop((await line.receipt()).seq, None)
        await check_stored_once(relay, [part.encode() for part in clip])

    (tmp_path / "seaweed").mkdir()
    with seaweed(tmp_path / "seaweed", volumes=3) as cluster:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        enrol(f"s3://{cluster.bucket}")
        with serving(tmp_path / "relay", "--store", f"s3://{cluster.bucket}") as relay:
            relay.wait_for("info accounts users=2 ")
            run(scenario(relay, cluster))

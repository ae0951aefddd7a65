"""What was deleted is gone and stays gone: against forged tombstones, late parts, old copies, and a relay that lies.

The relay is real, with its broker and its store; doorbells come by MQTT and owners by HTTP.
"""

import asyncio
import contextlib
import shutil
import subprocess
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import obstore
import pytest
from obstore.store import S3Store

from parts_factory import STARTED_MS, Doorbell, Owner, topic_of
from relay_peers import doorbell_line, owner_session, read_object
from sealbell_relay.intake.intake import Intake
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.buckets import open_store
from sealbell_relay.store.packing import Packing
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_testing.relay import COMMAND, Relay, serving
from sealbell_testing.waiting import DEADLINE_S
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.receipt import Receipt, read_receipts
from sealbell_wire.resumption import Resumption
from sealbell_wire.retention import Retention
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.tombstone import Kind, Tombstone, read_tombstone
from sealbell_wire.topics import parse_up
from seaweed import Seaweed

OWNER, OTHER = Owner(1), Owner(2)
BELL, OTHERS_BELL = Doorbell(1, OWNER), Doorbell(2, OTHER)
CLIP, NEXT = BELL.clip(6), BELL.clip(4, number=2)
NAME = CLIP[0].record.clip


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    with serving(tmp_path / "relay") as relay:
        yield relay.allow(OWNER.card, BELL.card, OTHER.card, OTHERS_BELL.card)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def within() -> None:
        async with asyncio.timeout(3 * DEADLINE_S):
            await scenario

    asyncio.run(within())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def tombstone(kind: Kind = "clip", bell: Doorbell = BELL, clip: str = NAME, owner: Owner | None = None) -> bytes:
    owner = owner or bell.owner
    name = {"clip": clip, "doorbell": ZERO_ID, "token": owner.card.token_hash}[kind]
    doorbell = ZERO_ID if kind == "token" else bell.id
    return Tombstone(owner.card.key, kind, doorbell, name, STARTED_MS).sign(owner.key)


async def post(relay: Relay, path: str, body: bytes, owner: Owner = OWNER) -> tuple[int, bytes]:
    headers = {**owner.authorization, "Content-Type": "application/octet-stream"}
    async with owner_session(relay, headers) as session, session.post(path, data=body) as answer:
        return answer.status, await answer.read()


async def get(relay: Relay, path: str, owner: Owner = OWNER) -> tuple[int, Any]:
    async with owner_session(relay, owner.authorization) as session, session.get(path) as answer:
        return answer.status, await answer.json()


async def delete(relay: Relay, *frames: bytes, owner: Owner = OWNER) -> list[Receipt]:
    status, answer = await post(relay, "/v1/tombstones", b"".join(frames), owner)
    assert status == 200, answer
    return read_receipts(answer, bytes.fromhex(relay.card.receipt_key))


def stored(relay: Relay, bell: Doorbell = BELL) -> set[str]:
    """The clips of which anything at all lies in the store, by what the disk says."""
    folder = relay.root / "store" / "clips" / bell.id
    return {path.name for path in folder.glob("*/*")}


def on_disk(root: Path, name: str) -> list[Path]:
    return [path for path in (root / "store" / "clips").rglob("*") if name in path.name]


async def listed(relay: Relay) -> list[str]:
    status, answer = await get(relay, f"/v1/doorbells/{BELL.id}/clips")
    assert status == 200
    return [clip["clip"] for clip in answer["clips"]]


def test_a_deleted_clip_is_gone_from_the_disk_and_the_receipt_is_the_relays(relay: Relay) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            for part in (*CLIP, *NEXT):
                assert (await line.deliver(part)).verdict == "stored"
        assert await listed(relay) == [NEXT[0].record.clip, NAME]
        (receipt,) = await delete(relay, tombstone())
        assert (receipt.verdict, receipt.doorbell, receipt.clip) == ("deleted", BELL.id, NAME)
        assert receipt.record == read_tombstone(tombstone()).hash
        assert on_disk(relay.root, NAME) == []
        assert await listed(relay) == [NEXT[0].record.clip]
        assert (await get(relay, f"/v1/doorbells/{BELL.id}/clips/{NAME}/parts"))[0] == 404

    run(scenario())


@pytest.mark.parametrize("kind", ["clip", "doorbell", "token"])
def test_nobody_deletes_what_is_anothers(relay: Relay, kind: Kind) -> None:
    forged = tombstone(kind)[:-1] + bytes([tombstone(kind)[-1] ^ 1])
    in_the_owners_name = Tombstone(OWNER.card.key, kind, *_named(kind), STARTED_MS).sign(OTHER.key)
    as_their_own = Tombstone(OTHER.card.key, kind, *_named(kind), STARTED_MS).sign(OTHER.key)

    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            for part in CLIP:
                await line.deliver(part)
        assert (await post(relay, "/v1/tombstones", forged))[0] == 400
        assert (await post(relay, "/v1/tombstones", in_the_owners_name, OTHER))[0] == 400
        assert (await post(relay, "/v1/tombstones", as_their_own, OTHER))[0] == 404
        assert (await post(relay, "/v1/tombstones", tombstone(kind), OTHER))[0] == 404, "not by another's token either"
        mixed = tombstone("clip", OTHERS_BELL, owner=OTHER) + as_their_own
        assert (await post(relay, "/v1/tombstones", mixed, OTHER))[0] == 404, "none of several is obeyed then"
        assert await listed(relay) == [NAME]
        assert not (relay.root / "store" / "ended").exists()

    run(scenario())


def _named(kind: Kind) -> tuple[str, str]:
    read = read_tombstone(tombstone(kind))
    return read.doorbell, read.name


@pytest.mark.parametrize("body", [b"", b"x", tombstone()[:-1], tombstone() + b"x", tombstone() * 129])
def test_what_is_no_tombstone_is_refused(relay: Relay, body: bytes) -> None:
    async def scenario() -> None:
        assert (await post(relay, "/v1/tombstones", body))[0] == 400
        assert not (relay.root / "store" / "ended").exists()

    run(scenario())


def test_a_part_sent_after_the_deletion_is_receipted_and_not_stored(relay: Relay) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            for part in CLIP[:3]:
                await line.deliver(part)
            await delete(relay, tombstone())
            for part in CLIP:
                receipt = await line.deliver(part)
                assert (receipt.verdict, receipt.seq) == ("deleted", part.record.seq)
            assert (await line.deliver(NEXT[0])).verdict == "stored"
        assert stored(relay) == {NEXT[0].record.clip}

    run(scenario())


def test_a_tombstone_that_is_replayed_after_the_doorbell_recorded_more_deletes_nothing_more(relay: Relay) -> None:
    async def scenario() -> None:
        await delete(relay, tombstone())
        async with doorbell_line(relay, BELL) as line:
            await line.send(*NEXT)
            for _ in NEXT:
                await line.receipt()
        await delete(relay, tombstone(), tombstone())
        assert stored(relay) == {NEXT[0].record.clip}

    run(scenario())


def test_whoever_follows_a_clip_loses_it_when_it_is_deleted(relay: Relay) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            for part in CLIP[:3]:
                await line.deliver(part)
            path = f"/v1/doorbells/{BELL.id}/clips/{NAME}/parts?follow=1"
            async with owner_session(relay, OWNER.authorization) as session, session.get(path) as answer:
                for _ in CLIP[:3]:
                    await read_object(answer.content)
                await delete(relay, tombstone())
                await line.deliver(CLIP[3])
                rest = await answer.content.read()
        assert not rest.strip(b"\0"), "signs of life at most"

    run(scenario())


def test_a_deleted_doorbell_is_cut_off_and_nothing_of_it_is_left(relay: Relay) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            for part in (*CLIP, *NEXT):
                await line.deliver(part)
        await delete(relay, tombstone("doorbell"))
        assert stored(relay) == set()
        assert (await get(relay, "/v1/doorbells"))[1] == {"doorbells": []}
        assert (await get(relay, f"/v1/doorbells/{BELL.id}/clips"))[0] == 404
        (receipt,) = await delete(relay, tombstone("doorbell"))
        assert receipt.verdict == "deleted", "asked again it says so again"

    run(scenario())


def test_an_ended_token_shows_nothing_from_then_on(relay: Relay) -> None:
    async def scenario() -> None:
        await delete(relay, tombstone("token"))
        assert (await get(relay, "/v1/doorbells"))[0] == 401
        assert (await get(relay, "/v1/doorbells", OTHER))[0] == 200

    run(scenario())


def test_another_phone_learns_what_was_deleted_and_no_other_owner_does(relay: Relay) -> None:
    async def scenario() -> None:
        await delete(relay, tombstone(), tombstone(clip=NEXT[0].record.clip))
        _, mine = await get(relay, "/v1/tombstones")
        assert (len(mine["tombstones"]), mine["next"]) == (2, None)
        assert (await get(relay, "/v1/tombstones", OTHER))[1] == {"tombstones": [], "next": None}
        assert (await get(relay, "/v1/tombstones?after=../x"))[0] == 400

    run(scenario())


def retention(number: int, days: int, bell: Doorbell = BELL) -> bytes:
    return Retention(bell.owner.card.key, bell.id, number, days).sign(bell.owner.key)


def test_an_old_retention_document_that_is_replayed_changes_nothing(relay: Relay) -> None:
    path = f"/v1/doorbells/{BELL.id}/retention"

    async def scenario() -> None:
        assert (await get(relay, path))[1] == {"retention": None, "days": 30}
        status, answer = await post(relay, path, retention(5, 7))
        (receipt,) = read_receipts(answer, bytes.fromhex(relay.card.receipt_key))
        assert (status, receipt.verdict) == (200, "stored")
        assert (await post(relay, path, retention(4, 1)))[0] == 409
        assert (await post(relay, path, retention(5, 1)))[0] == 409
        assert (await post(relay, path, retention(5, 7)))[0] == 200
        assert (await get(relay, path))[1]["days"] == 7

    run(scenario())


def test_nobody_rules_over_anothers_retention(relay: Relay) -> None:
    path = f"/v1/doorbells/{BELL.id}/retention"
    forged = Retention(OTHER.card.key, BELL.id, 9, 1).sign(OTHER.key)

    async def scenario() -> None:
        assert (await post(relay, path, forged, OTHER))[0] == 404
        assert (await post(relay, path, forged))[0] == 404
        assert (await post(relay, path, retention(9, 1, OTHERS_BELL)))[0] == 404
        assert (await get(relay, path))[1] == {"retention": None, "days": 30}

    run(scenario())


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [*COMMAND, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


async def _fill_back_up_and_delete(relay: Relay, backup: Path) -> None:
    async with doorbell_line(relay, BELL) as line:
        for part in (*CLIP, *NEXT):
            await line.deliver(part)
    shutil.copytree(relay.root, backup, ignore=shutil.ignore_patterns("tmp", "broker"))
    await delete(relay, tombstone())


def test_a_relay_restored_from_a_copy_shows_nothing_until_its_owner_has_deleted_again(tmp_path: Path) -> None:
    async def held(relay: Relay) -> str:
        nonce = ""
        for path in ("/v1/doorbells", f"/v1/doorbells/{BELL.id}/clips", f"/v1/doorbells/{BELL.id}/clips/{NAME}/parts",
                     f"/v1/doorbells/{BELL.id}/health", "/v1/tombstones"):  # fmt: skip
            status, answer = await get(relay, path)
            assert status == 503, path
            nonce = answer["nonce"]
        return nonce

    async def restored(relay: Relay) -> None:
        nonce = await held(relay)
        async with doorbell_line(relay, BELL) as line:
            assert (await line.deliver(BELL.clip(3, number=3)[0])).verdict == "stored", "parts are taken all the while"
        forged = Resumption(OWNER.card.key, nonce, now_ms()).sign(OTHER.key)
        assert (await post(relay, "/v1/resumption", forged))[0] == 400
        assert (await post(relay, "/v1/resumption", resumption("5c" * 32)))[0] == 409
        assert (await post(relay, "/v1/resumption", resumption(nonce, now_ms() - 10_000_000)))[0] == 409
        await held(relay)
        await delete(relay, tombstone())
        await held(relay)
        assert (await post(relay, "/v1/resumption", resumption(nonce)))[0] == 200
        assert NAME not in await listed(relay)
        assert on_disk(relay.root, NAME) == []
        assert (await get(relay, "/v1/doorbells", OTHER))[0] == 503, "for others nothing is shown yet"

    with serving(tmp_path / "relay") as relay:
        relay.allow(OWNER.card, BELL.card, OTHER.card, OTHERS_BELL.card)
        run(_fill_back_up_and_delete(relay, tmp_path / "backup"))
    assert on_disk(tmp_path / "backup", NAME)
    with serving(tmp_path / "backup") as relay:
        run(restored(relay))


def resumption(nonce: str, wall_ms: int | None = None) -> bytes:
    return Resumption(OWNER.card.key, nonce, wall_ms or now_ms()).sign(OWNER.key)


def test_a_ledger_on_another_disk_deletes_again_what_a_backup_brought_back(tmp_path: Path) -> None:
    ledger, backup = tmp_path / "ledger", tmp_path / "backup"
    with serving(tmp_path / "relay", "--ledger", str(ledger)) as relay:
        relay.allow(OWNER.card, BELL.card, OTHER.card, OTHERS_BELL.card)
        run(_fill_back_up_and_delete(relay, backup))
    done = command("restored", backup, "--ledger", ledger)
    assert done.returncode == 0, done.stderr
    assert on_disk(backup, NAME) == []

    async def shown(relay: Relay) -> None:
        assert NAME not in await listed(relay)
        assert (await get(relay, "/v1/doorbells", OTHER))[0] == 200
        async with doorbell_line(relay, BELL) as line:
            assert (await line.deliver(CLIP[0])).verdict == "deleted"

    with serving(backup) as relay:
        run(shown(relay))


def test_a_snapshot_that_was_rolled_back_is_held_on_the_operators_word(tmp_path: Path) -> None:
    with serving(tmp_path / "relay") as relay:
        relay.allow(OWNER.card, BELL.card)
        assert command("restored", relay.root).returncode == 0

        async def scenario() -> None:
            while (await get(relay, "/v1/doorbells"))[0] != 503:
                await asyncio.sleep(0.05)
            assert command("restored", relay.root, "--complete").returncode == 0
            while (await get(relay, "/v1/doorbells"))[0] != 200:
                await asyncio.sleep(0.05)

        run(scenario())


def test_a_relay_killed_while_it_deletes_ends_it_when_it_is_back(relay: Relay) -> None:
    async def fill() -> None:
        async with doorbell_line(relay, BELL) as line:
            for part in (*CLIP, *NEXT):
                await line.deliver(part)

    run(fill())
    relay.goes_away()
    # What a kill between the two steps leaves: the ending is durable, and the clip is still there.
    DirectoryStore(relay.root / "store").put(f"ended/clip/{BELL.id}/{NAME}", tombstone())
    assert on_disk(relay.root, NAME)
    relay.comes_back()
    run(_until_gone(relay))


async def _until_gone(relay: Relay) -> None:
    assert NAME not in await listed(relay), "not shown, before it is removed, either"
    while on_disk(relay.root, NAME):
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("packed", [False, True])
def test_a_deleted_clip_is_gone_from_a_bucket_by_what_the_bucket_lists(bucket: Seaweed, packed: bool) -> None:
    bell = Doorbell(7 + packed, Owner(7 + packed))
    clip = bell.clip(6)
    store = open_store(f"s3://{bucket.bucket}")
    archive, register, key = Archive(store, lambda _: None), Register(store), Owner(9).key
    register.allow(bell.owner.card)
    register.allow(bell.card)
    intake = Intake(archive, register, key, lambda: STARTED_MS)
    for part in clip:
        assert intake.take(parse_up(topic_of(part)), part.encode()).receipt
    if packed:
        assert Packing(store, verify_key_of(key)).pack(bell.id, clip[0].record.clip, bell.verify_key) == len(clip)
    name = clip[0].record.clip
    assert [path for path in names_in(bucket) if name in path]
    frame = tombstone("clip", bell, name)
    Deletion(store, archive, register, key, lambda: STARTED_MS, None).obey(read_tombstone(frame), frame)
    assert sorted(path for path in names_in(bucket) if name in path) == [
        f"ended/clip/{bell.id}/{name}",
        f"tombstones/{bell.owner.card.key}/clip-{bell.id}-{name}",
    ]
    (said,) = read_receipts(
        intake.take(parse_up(topic_of(clip[2])), clip[2].encode()).receipt or b"", verify_key_of(key)
    )
    assert said.verdict == "deleted"
    assert len([path for path in names_in(bucket) if name in path]) == 2


def names_in(bucket: Seaweed) -> list[str]:
    """Everything in the bucket, as another program lists it."""
    at = S3Store(
        bucket.bucket,
        endpoint=bucket.endpoint,
        access_key_id=bucket.environment["AWS_ACCESS_KEY_ID"],
        secret_access_key=bucket.environment["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    return [str(found["path"]) for page in obstore.list(at) for found in page]


@pytest.fixture
def bucket(seaweed_cluster: Seaweed, monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    for name, value in seaweed_cluster.environment.items():
        monkeypatch.setenv(name, value)
    return seaweed_cluster


def test_what_a_doorbell_sends_while_all_of_it_is_deleted_is_gone_when_its_owner_has_the_receipt(relay: Relay) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            await line.deliver(CLIP[0])
            sent = 0

            async def go_on_sending() -> None:
                nonlocal sent
                for number in range(2, 400):
                    for part in BELL.clip(4, number=number):
                        await line.send(part)
                        sent += 1
                        await asyncio.sleep(0)

            sending = asyncio.create_task(go_on_sending())
            while not sent:
                await asyncio.sleep(0)
            (receipt,) = await delete(relay, tombstone("doorbell"))
            assert receipt.verdict == "deleted"
            assert stored(relay) == set()
            assert not list((relay.root / "store" / "notices" / BELL.id).glob("*"))
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    with contextlib.suppress(aiomqtt.MqttError):  # its connection was cut
        run(scenario())

"""A relay whose disk is full or read-only stays up, says why, receipts nothing that it did not keep, and loses nothing.

The disks are real: small file systems in memory, mounted for the test. Where names run out instead of bytes, each step
of what the relay does is once the one that fails.
"""

import asyncio
import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from parts_factory import STARTED_MS, Doorbell, Owner
from ramdisk import Disk, disk
from relay_folder import SEED, keep, make
from relay_peers import Line, doorbell_line, owner_session
from sealbell_relay.errors import StoreError
from sealbell_relay.keep.ledger import read_lines
from sealbell_relay.store.packing import Packing
from sealbell_relay.store.store import DirectoryStore
from sealbell_testing.relay import COMMAND, Relay, serving
from sealbell_testing.waiting import DEADLINE_S, until
from sealbell_wire import topics
from sealbell_wire.enrolment import Introduction
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.receipt import read_receipts
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.tombstone import Tombstone

OWNER = Owner(1)
BELLS = [Doorbell(seed, OWNER) for seed in (1, 2, 3)]
BELL = BELLS[0]
DISK_BYTES, NAMES = 8 << 20, 400
ASK_S = 0.25
FULL, READ_ONLY = "no space left on device", "read-only file system"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    """The disk that a relay's store is on, and nothing else."""
    with disk(tmp_path / "relay" / "store", DISK_BYTES, NAMES) as mounted:
        yield mounted


@pytest.fixture
def relay(tmp_path: Path, small: Disk) -> Iterator[Relay]:
    with serving(tmp_path / "relay") as relay:
        yield relay.allow(OWNER.card, *(bell.card for bell in BELLS))
        assert "Traceback" not in "\n".join(relay.lines)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def within() -> None:
        async with asyncio.timeout(3 * DEADLINE_S):
            await scenario

    asyncio.run(within())


def admin(relay: Relay, path: str) -> tuple[int, str]:
    url = (relay.root / "admin").read_text(encoding="ascii").strip()
    try:
        with urllib.request.urlopen(url + path, timeout=DEADLINE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """As `until`, for what is asked of the relay, which answers nobody a hundred times a second."""
    asked = threading.Event()
    until(lambda: holds() or asked.wait(ASK_S), what)


def is_ready(relay: Relay) -> bool:
    return admin(relay, "/readyz")[0] == 200


def command(relay: Relay, *arguments: str) -> tuple[int, str]:
    name, *more = arguments
    done = subprocess.run([*COMMAND, name, str(relay.root), *more], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def check_told(relay: Relay, why: str) -> None:
    """That log, status, readyz and metrics say why, while the relay lives."""
    assert why in relay.wait_for("error store-fails")
    status, said = admin(relay, "/readyz")
    assert (status, json.loads(said)["status"]) == (503, "not ready")
    assert why in json.loads(said)["why"]
    assert why in command(relay, "status")[1]
    metrics = admin(relay, "/metrics")[1]
    assert "sealbell_store_up 0.0" in metrics
    assert 'outcome="failed"' in metrics
    assert admin(relay, "/healthz")[0] == 200


def check_in_order(relay: Relay) -> None:
    """That nothing half-written is left, and what is there is whole."""
    assert not list((relay.root / "store" / "tmp").iterdir())
    assert command(relay, "fsck") == (0, command(relay, "fsck")[1])


async def ask(relay: Relay, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    headers = {**OWNER.authorization, "Content-Type": "application/octet-stream"}
    async with owner_session(relay, headers) as session, session.request(method, path, data=body) as answer:
        return answer.status, await answer.read()


async def send_all(bell: Doorbell, line: Line) -> None:
    """Send a clip again and again until all of it is receipted, as an outbox does."""
    waiting = {part.record.seq: part for part in bell.clip(4, size=300_000)}
    while waiting:
        await line.send(*waiting.values())
        for _ in list(waiting):
            receipt = await line.receipt()
            assert receipt.verdict == "stored"
            waiting.pop(receipt.seq, None)


def test_full_disk_receipts_nothing_is_told_and_with_room_everything_is_kept(relay: Relay, small: Disk) -> None:
    async def one(bell: Doorbell) -> None:
        async with doorbell_line(relay, bell) as line:
            await line.send(*bell.clip(4, size=300_000))
            await asyncio.to_thread(relay.wait_for, "error store-fails")
            assert await line.have(bell.clip_id()) == []  # the only message so far: nothing was receipted
            await full.wait()
            await send_all(bell, line)

    async def scenario() -> None:
        small.fill()
        doorbells = [asyncio.create_task(one(bell)) for bell in BELLS]
        await asyncio.to_thread(check_told, relay, FULL)
        status, said = await ask(relay, "GET", f"/v1/doorbells/{BELL.id}/clips")
        assert (status, json.loads(said)["clips"]) == (200, [])  # what can be read still is
        small.make_room()
        await asyncio.to_thread(relay.wait_for, "info store-works-again")
        full.set()
        await asyncio.gather(*doorbells)

    full, pid = asyncio.Event(), relay.process.pid
    run(scenario())
    assert (relay.process.pid, relay.runs) == (pid, True)
    wait_until(lambda: is_ready(relay), "the relay is ready again")
    assert len(list((relay.root / "store" / "clips").rglob("*.part"))) == 4 * len(BELLS)
    check_in_order(relay)


def test_full_disk_is_noticed_and_its_end_too_though_nobody_sends_anything(relay: Relay, small: Disk) -> None:
    wait_until(lambda: is_ready(relay), "the relay is ready")
    small.fill()
    check_told(relay, FULL)
    assert not is_ready(relay)
    small.make_room()
    relay.wait_for("info store-works-again")
    assert is_ready(relay)
    check_in_order(relay)


def test_disk_with_room_for_less_than_a_part_is_not_called_well(relay: Relay, small: Disk) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            large = BELL.clip(1, size=MAX_PART_BYTES - 2_000, final=False)[0]
            small.fill(leave_bytes=MAX_PART_BYTES // 2)
            await line.send(large)
            await asyncio.to_thread(check_told, relay, FULL)
            tries = failed_puts(relay)
            await asyncio.to_thread(wait_until, lambda: failed_puts(relay) > tries, "it is tried again")
            assert not is_ready(relay)
            small.make_room()
            assert (await line.deliver(large)).verdict == "stored"

    run(scenario())
    check_in_order(relay)


def failed_puts(relay: Relay) -> float:
    line = 'sealbell_store_seconds_count{operation="put",outcome="failed"}'
    lines = admin(relay, "/metrics")[1].splitlines()
    return next((float(each.rpartition(" ")[2]) for each in lines if each.startswith(line)), 0.0)


def test_part_is_receipted_and_its_notice_shown_whichever_step_meets_a_full_disk(relay: Relay, small: Disk) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            for room in range(6):
                notice = BELL.clip(1, number=room + 1, final=False)[0]
                small.take_names(room)
                await line.send(notice)
                answered = asyncio.create_task(line.receipt())
                failed = asyncio.create_task(asyncio.to_thread(relay.wait_for, "error store-fails", room + 1))
                done, _ = await asyncio.wait({answered, failed}, return_when=asyncio.FIRST_COMPLETED)
                small.make_room()
                if failed not in done:  # there was room for every step
                    assert (await answered).verdict == "stored"
                    failed.cancel()
                    return
                await line.send(notice)
                assert (await answered).verdict == "stored"
                names.append(notice.record.clip)
                await asyncio.to_thread(wait_until, lambda: is_ready(relay), "the relay is ready")

    names: list[str] = []
    run(scenario())
    assert len(names) >= 3
    noticed = {path.name[:32] for path in (relay.root / "store" / "notices" / BELL.id).iterdir()}
    assert noticed >= set(names)
    check_in_order(relay)


def test_deletion_is_receipted_only_once_done_whichever_step_meets_a_full_disk(relay: Relay, small: Disk) -> None:
    async def scenario() -> None:
        refused = 0
        async with doorbell_line(relay, BELL) as line:
            for room in range(8):
                clip = BELL.clip(4, number=room + 1)
                for part in clip:
                    assert (await line.deliver(part)).verdict == "stored"
                stone = Tombstone(OWNER.card.key, "clip", BELL.id, clip[0].record.clip, STARTED_MS)
                frame = stone.sign(OWNER.key)
                small.take_names(room)
                status, said = await ask(relay, "POST", "/v1/tombstones", frame)
                small.make_room()
                if status == 503:
                    refused += 1
                    assert b"the store fails; try again later" in said
                    status, said = await ask(relay, "POST", "/v1/tombstones", frame)
                assert status == 200
                (receipt,) = read_receipts(said, bytes.fromhex(relay.card.receipt_key))
                assert (receipt.verdict, receipt.record) == ("deleted", stone.hash)
                assert not list((relay.root / "store" / "clips").rglob(f"{clip[0].record.clip}/*"))
                assert (await line.deliver(clip[0])).verdict == "deleted"
        assert refused >= 2

    run(scenario())
    check_in_order(relay)


def test_deletion_is_not_receipted_while_the_ledger_has_no_room(tmp_path: Path) -> None:
    with disk(tmp_path / "elsewhere", 64 << 10) as elsewhere:
        ledger = elsewhere.path / "ledger"
        with serving(tmp_path / "relay", "--ledger", str(ledger)) as relay:
            relay.allow(OWNER.card, BELL.card)
            run(bury_until_full(relay, elsewhere, ledger))
            check_in_order(relay)


async def bury_until_full(relay: Relay, elsewhere: Disk, ledger: Path) -> None:
    elsewhere.fill()  # what is left is the rest of the page that the ledger ends in, if any
    receipted = 0
    for number in range(1, 12):
        frame = Tombstone(OWNER.card.key, "clip", BELL.id, BELL.clip_id(number), STARTED_MS).sign(OWNER.key)
        status, _ = await ask(relay, "POST", "/v1/tombstones", frame)
        assert status in (200, 503)
        if status == 503 and number > 1:
            break
        if status == 503:  # not even the first fitted: room for one page
            elsewhere.make_room()
            assert (await ask(relay, "POST", "/v1/tombstones", frame))[0] == 200
            elsewhere.fill()
        receipted += 1
    else:
        raise AssertionError("the ledger's disk was never full")
    assert f"the ledger {ledger} cannot be written: {FULL}" in relay.wait_for("request-failed")
    assert not (relay.root / "store" / "ended" / "clip" / BELL.id / BELL.clip_id(number)).exists()
    assert ledger.read_bytes().endswith(b"\n"), "nothing half-written is left"
    elsewhere.make_room()
    assert (await ask(relay, "POST", "/v1/tombstones", frame))[0] == 200
    assert len([line for line in read_lines(ledger) if line.word == "tombstone"]) == receipted + 1


def test_who_enrols_on_a_full_disk_is_told_and_may_do_the_same_again(relay: Relay, small: Disk) -> None:
    async def scenario() -> None:
        refused = 0
        for room in range(6):
            bell = Doorbell(50 + room, OWNER)
            body = Introduction.sign(bell.key, OWNER.card.key, f"{room:064x}").encode()
            small.take_names(room)
            status, said = await ask(relay, "POST", "/v1/doorbells", body)
            small.make_room()
            if status == 503:
                refused += 1
                assert b"the store fails; try again later" in said
                status, said = await ask(relay, "POST", "/v1/doorbells", body)
            assert status in (200, 201), said
        assert refused >= 2

    run(scenario())
    small.fill()
    status, said = command(relay, "invite")
    assert status != 0
    assert FULL in said
    assert "Traceback" not in said
    small.make_room()
    assert command(relay, "invite")[0] == 0
    check_in_order(relay)


def test_health_that_met_a_full_disk_is_kept_when_it_comes_again(relay: Relay, small: Disk) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            for number in (1, 2):
                if number == 2:
                    small.fill()
                await line.publish(topics.health(BELL.id), BELL.health(number).encode())
                if number == 2:
                    await asyncio.to_thread(check_told, relay, FULL)
                    small.make_room()
                    assert kept() == ["1"]  # what was there stays until the next is durable
                    await line.publish(topics.health(BELL.id), BELL.health(number).encode())
                await asyncio.to_thread(until, partial(is_kept, number), "it is kept")

    def is_kept(number: int) -> bool:
        return kept() == [str(number)]

    def kept() -> list[str]:
        folder = relay.root / "store" / "health" / BELL.id
        return [path.name[:16].lstrip("0") for path in folder.iterdir()] if folder.exists() else []

    run(scenario())
    check_in_order(relay)


def test_packing_on_a_full_disk_changes_nothing_and_is_done_later(tmp_path: Path, small: Disk) -> None:
    folder, clip = make(tmp_path / "relay"), BELL.clip(6, size=100_000)
    keep(folder, clip)
    packing = Packing(DirectoryStore(folder.store), verify_key_of(folder.key()))
    place = folder.store / "clips" / BELL.id / clip[0].record.clip[:6] / clip[0].record.clip
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    small.fill()
    with pytest.raises(StoreError, match=FULL):
        packing.pack(BELL.id, clip[0].record.clip, BELL.verify_key)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert not list((folder.store / "tmp").iterdir())
    small.make_room()
    assert packing.pack(BELL.id, clip[0].record.clip, BELL.verify_key) == len(clip)
    assert [path.suffix for path in place.iterdir()] == [".pack"]


def test_disk_that_turns_read_only_is_told_and_what_came_meanwhile_is_kept_later(relay: Relay, small: Disk) -> None:
    async def scenario() -> None:
        first, second = BELL.clip(2, final=False)
        async with doorbell_line(relay, BELL) as line:
            assert (await line.deliver(first)).verdict == "stored"
            small.read_only(True)
            await line.send(second)
            await asyncio.to_thread(check_told, relay, READ_ONLY)
            assert [receipt.seq for receipt in await line.have(BELL.clip_id())] == [0]
            status, _ = await ask(relay, "GET", f"/v1/doorbells/{BELL.id}/clips/{BELL.clip_id()}/parts")
            assert status == 200
            small.read_only(False)
            assert (await line.deliver(second)).verdict == "stored"

    run(scenario())
    wait_until(lambda: is_ready(relay), "the relay is ready again")
    check_in_order(relay)


def test_relay_starts_on_a_read_only_store_and_says_so_at_once(tmp_path: Path, small: Disk) -> None:
    with serving(tmp_path / "relay") as relay:
        relay.allow(OWNER.card, BELL.card)
    small.read_only(True)
    with serving(tmp_path / "relay") as relay:
        check_told(relay, READ_ONLY)
        small.read_only(False)
        relay.wait_for("info store-works-again")
        assert is_ready(relay)


def test_folder_that_is_read_only_is_said_at_the_start(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", DISK_BYTES) as mounted:
        make(mounted.path / "relay")
        mounted.read_only(True)
        done = subprocess.run(
            [*COMMAND, "serve", str(mounted.path / "relay")], capture_output=True, text=True, check=False
        )
    assert done.returncode != 0
    assert READ_ONLY in done.stderr
    assert "Traceback" not in done.stderr
    assert SEED.hex() not in done.stderr


def test_broker_on_a_full_disk_stays_or_is_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            assert (await line.deliver(BELL.clip(2)[0])).verdict == "stored"
            mounted.fill()
            await line.send(BELL.clip(2)[1])
            await asyncio.to_thread(check_told, relay, FULL)
        mounted.make_room()
        async with doorbell_line(relay, BELL) as line:
            assert (await line.deliver(BELL.clip(2)[1])).verdict == "stored"

    with disk(tmp_path / "disk", DISK_BYTES) as mounted, serving(mounted.path / "relay") as relay:
        relay.allow(OWNER.card, BELL.card)
        run(scenario())
        wait_until(lambda: is_ready(relay), "the relay is ready again")
        mounted.fill()
        relay.wait_for("error store-fails", 2)
        (pid,) = (mounted.path / "relay" / "broker" / "nats.pid").read_text().split()
        subprocess.run(["kill", "-9", pid], check=True)
        relay.wait_for("error broker-ended")
        mounted.make_room()
        relay.wait_for("info broker-restarted")
        wait_until(lambda: is_ready(relay), "the relay is ready again")
        run(deliver_again(relay))
        check_in_order(relay)


async def deliver_again(relay: Relay) -> None:
    async with doorbell_line(relay, BELL) as line:
        for part in BELL.clip(3, number=2):
            assert (await line.deliver(part)).verdict == "stored"

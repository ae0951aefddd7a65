"""A relay as it runs: its own process, a real broker, a real folder, doorbells over MQTT and owners over HTTP."""

import asyncio
import dataclasses
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from parts_factory import Doorbell, Owner, hash_of
from relay_peers import Line, doorbell_line, health, owner_session, read_object, read_objects
from sealbell_testing.relay import COMMAND, Relay, credential_of, serving
from sealbell_testing.waiting import DEADLINE_S, until
from sealbell_wire.enrolment import Introduction
from sealbell_wire.part import Part

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)
CLIP = BELL.clip(8)
FORBIDDEN = ("age", "sealing", "opening", "content", "boxes", "readers", "padding")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "relay"


@pytest.fixture
def relay(root: Path) -> Iterator[Relay]:
    with serving(root) as relay:
        yield relay.allow(OWNER.card, BELL.card)


def run(scenario: object) -> None:
    async def within() -> None:
        async with asyncio.timeout(3 * DEADLINE_S):
            await scenario  # type: ignore[misc] # always a coroutine

    asyncio.run(within())


async def deliver(relay: Relay, *parts: Part) -> list[bytes]:
    """Send parts on a line of their own, one after another; each must be stored."""
    async with doorbell_line(relay, BELL) as line:
        return [(await line.deliver(part)).encode() for part in parts]


async def fetched(relay: Relay, path: str) -> list[bytes]:
    """Every stored object of a stream, until it ends."""
    async with owner_session(relay, OWNER.authorization) as session, session.get(path) as answer:
        assert answer.status == 200
        return await read_objects(answer.content)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def clip_path(clip: str, rest: str = "") -> str:
    return f"/v1/doorbells/{BELL.id}/clips/{clip}/parts{rest}"


def test_parts_come_in_any_order_and_leave_in_theirs_with_their_receipts(relay: Relay) -> None:
    async def scenario() -> None:
        order = [3, 0, 7, 1, 2, 6, 4, 5]
        async with doorbell_line(relay, BELL) as line:
            receipts = {seq: await line.deliver(CLIP[seq]) for seq in order}
            assert {receipt.verdict for receipt in receipts.values()} == {"stored"}
            assert await line.have(BELL.clip_id()) == [receipts[seq] for seq in sorted(receipts)]
            assert await line.have(BELL.clip_id(2)) == []
        objects = await fetched(relay, clip_path(BELL.clip_id()))
        assert [found[: len(part.encode())] for found, part in zip(objects, CLIP, strict=True)] == [
            part.encode() for part in CLIP
        ]
        for seq, found in enumerate(objects):
            assert receipts[seq].encode() in found[len(CLIP[seq].encode()) :]
        assert await fetched(relay, clip_path(BELL.clip_id(), "?from=5")) == objects[5:]

    run(scenario())


def test_an_owner_follows_a_clip_while_it_grows(relay: Relay) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line, owner_session(relay, OWNER.authorization) as session:
            await line.deliver(CLIP[0])
            async with session.get(clip_path(BELL.clip_id(), "?follow=1")) as stream:
                assert (await read_object(stream.content)).startswith(CLIP[0].encode())
                for seq in (2, 1, 3, 5, 4, 7, 6):
                    await line.deliver(CLIP[seq])
                for part in CLIP[1:]:
                    assert (await read_object(stream.content)).startswith(part.encode())
                assert stream.content.at_eof() or await stream.content.read() == b""

    run(scenario())


def test_an_owner_hears_a_ring_at_once_and_what_came_since_a_clip(relay: Relay) -> None:
    async def scenario() -> None:
        later = BELL.clip(2, number=2)
        async with doorbell_line(relay, BELL) as line, owner_session(relay, OWNER.authorization) as session:
            for part in (CLIP[0], later[0]):
                await line.deliver(part)
            base = f"/v1/doorbells/{BELL.id}/follow"
            async with session.get(base) as now, session.get(f"{base}?after={BELL.clip_id()}") as since:
                assert await now.content.readexactly(4) == bytes(4)
                assert (await read_object(since.content)).startswith(later[0].encode())
                await line.deliver(later[1])
                for stream in (now, since):
                    assert (await read_object(stream.content)).startswith(later[1].encode())

    run(scenario())


def test_clips_are_listed_in_pages_newest_first(relay: Relay) -> None:
    async def scenario() -> None:
        clips = [BELL.clip(3, number=number) for number in range(1, 8)]
        mark = BELL.dropped(clips[0][1])
        await deliver(relay, *(part for clip in clips[1:] for part in clip), clips[0][0], mark)
        seen, before = [], ""
        async with owner_session(relay, OWNER.authorization) as session:
            for expected in (3, 3, 1):
                async with session.get(f"/v1/doorbells/{BELL.id}/clips?limit=3{before}") as answer:
                    page = await answer.json()
                assert len(page["clips"]) == expected
                seen += page["clips"]
                before = f"&before={page['next']}"
            assert page["next"] is None
            async with session.get("/v1/doorbells") as answer:
                assert await answer.json() == {
                    "doorbells": [{"doorbell": BELL.id, "card": json.loads(BELL.card.encode())}]
                }
        assert [clip["clip"] for clip in seen] == [BELL.clip_id(number) for number in range(7, 0, -1)]
        assert [(clip["parts"], clip["dropped"], clip["final"]) for clip in seen] == [(3, 0, True)] * 6 + [
            (1, 1, False)
        ]
        first, newest = clips[6][0], clips[6][2]
        for part, told in ((first, seen[0]["first"]), (newest, seen[0]["newest"])):
            signed = len(part.record_bytes).to_bytes(2) + part.record_bytes + part.signature
            assert told == b64encode(signed).decode()

    run(scenario())


def test_an_owner_who_reads_nothing_holds_up_nobody(relay: Relay) -> None:
    async def scenario() -> None:
        clip = BELL.clip(40, size=900_000)
        path = f"/v1/doorbells/{BELL.id}/follow"
        async with owner_session(relay, OWNER.authorization) as session, session.get(path) as asleep:
            assert asleep.status == 200
            async with session.get(path) as awake, doorbell_line(relay, BELL) as line:
                for part in clip:
                    assert (await line.deliver(part)).verdict == "stored"
                    assert (await read_object(awake.content)).startswith(part.encode())
            for part in clip:  # and once it wakes up, it has missed nothing
                assert (await read_object(asleep.content)).startswith(part.encode())

    run(scenario())


def test_doorbells_are_served_side_by_side(relay: Relay) -> None:
    async def one(bell: Doorbell) -> None:
        async with doorbell_line(relay, bell) as line:
            clip = bell.clip(20)
            await line.send(*clip)
            assert [await line.receipt() for _ in clip] == await line.have(bell.clip_id())

    async def scenario() -> None:
        bells = [Doorbell(seed, OWNER) for seed in range(10, 18)]
        relay.allow(*(bell.card for bell in bells))
        await asyncio.gather(*(one(bell) for bell in bells))
        assert (await health(relay))["stored"] == 160

    run(scenario())


async def fails_and_recovers(relay: Relay, mend: object) -> None:
    """With a store that cannot write: no receipt, told, still up; mended: the same part is receipted."""
    async with doorbell_line(relay, BELL) as line:
        await line.send(CLIP[1])
        said = await asyncio.to_thread(relay.wait_for, "error store-fails")
        assert "no receipts until it works" in said
        assert await line.have(BELL.clip_id()) == await line.have(BELL.clip_id()) != []
        report = await health(relay)
        assert report["healthy"] is False
        assert "cannot write" in str(report["store"])
        assert not list((relay.root / "store" / "clips").rglob("000001.*"))
        mend()  # type: ignore[operator] # a function without arguments
        assert (await line.deliver(CLIP[1])).verdict == "stored"
        assert (await health(relay))["healthy"] is True
        await asyncio.to_thread(relay.wait_for, "info store-works-again")


def test_a_full_disk_gives_no_receipt_and_the_relay_stays_up(relay: Relay) -> None:
    # The kernel lets this process write no file beyond 500 bytes, be it root's; no other process notices.
    pid = relay.process.pid
    run(deliver(relay, CLIP[0]))
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
    run(fails_and_recovers(relay, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))))


def test_a_store_that_lost_its_folder_gives_no_receipt_and_the_relay_stays_up(relay: Relay) -> None:
    run(deliver(relay, CLIP[0]))
    temporary = relay.root / "store" / "tmp"
    temporary.rmdir()
    temporary.write_bytes(b"in the way")

    def mend() -> None:
        temporary.unlink()
        temporary.mkdir()

    run(fails_and_recovers(relay, mend))


def test_a_serving_relay_has_loaded_nothing_that_opens(root: Path) -> None:
    code = "import sys; from sealbell_relay.cli import main; sys.exit(main())"
    with serving(root, command=(sys.executable, "-X", "importtime", "-c", code)) as relay:
        relay.allow(OWNER.card, BELL.card)
        run(deliver(relay, CLIP[0]))
        assert len(asyncio.run(fetched(relay, clip_path(BELL.clip_id())))) == 1
        assert relay.stop() == 0
    loaded = {line.rpartition("|")[2].strip() for line in relay.lines if line.startswith("import time:")}
    assert {"sealbell_wire.part", "sealbell_relay.http", "aiomqtt"} <= loaded
    ours = {name for name in loaded if name.startswith("sealbell")}
    opening = {f"sealbell_wire.{name}" for name in FORBIDDEN}
    assert not {name for name in ours if any(name == module or name.startswith(f"{module}.") for module in opening)}
    assert {name.partition(".")[0] for name in ours} == {"sealbell_relay", "sealbell_wire"}
    assert not loaded & {"pyrage", "age", "av", "cv2"}


def broker_pid(relay: Relay) -> int:
    return int((relay.root / "broker" / "nats.pid").read_text())


def alive(pid: int) -> bool:
    try:
        return b"nats-server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_a_broker_that_is_killed_comes_back_on_the_same_address(relay: Relay) -> None:
    for times in (1, 2):
        os.kill(broker_pid(relay), signal.SIGKILL)
        relay.wait_for("info broker-restarted", times)
        relay.wait_for("info broker-connected", times + 1)
        run(deliver(relay, CLIP[times]))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_relay_that_is_killed_takes_its_broker_along(relay: Relay) -> None:
    pid = broker_pid(relay)
    assert alive(pid)
    relay.kill()
    until(lambda: not alive(pid), "the broker is gone")


def test_a_relay_that_was_killed_serves_on_where_it_was(root: Path) -> None:
    async def resend(relay: Relay) -> list[bytes]:
        return await deliver(relay, *CLIP[:3])

    with serving(root) as relay:
        relay.allow(OWNER.card, BELL.card)
        first = asyncio.run(resend(relay))
        objects = asyncio.run(fetched(relay, clip_path(BELL.clip_id())))
        card = relay.card
        relay.kill()
    with serving(root) as again:
        assert again.card == card
        assert asyncio.run(resend(again)) == first
        assert asyncio.run(fetched(again, clip_path(BELL.clip_id()))) == objects


def test_a_broker_left_behind_blocks_neither_the_start_nor_the_port(root: Path) -> None:
    with serving(root) as relay:
        card, port = relay.card, relay.mqtt_port
    config = root / "broker" / "nats.conf"
    config.write_text(config.read_text().replace(", port: -1", f", port: {port}"))
    executable = Path(sys.executable).with_name("nats-server")
    left = subprocess.Popen([str(executable), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: reachable(port), "the broker left behind listens")
        with serving(root) as relay:
            assert left.wait(DEADLINE_S) == -signal.SIGKILL
            assert relay.card == card
    finally:
        left.kill()
        left.wait()


def reachable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def taken(port: int = 0) -> Iterator[int]:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    ("option", "says"), [("--mqtt-port", "address already in use"), ("--http-port", "http cannot")]
)
def test_a_port_that_is_asked_for_and_taken_is_said(root: Path, option: str, says: str) -> None:
    with taken() as port:
        done = command("serve", str(root), option, str(port))
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.startswith("sealbell-relay: ")
    assert "Traceback" not in done.stderr
    assert not (root / "relay.json").exists()


def test_a_port_of_last_time_that_is_taken_now_is_moved_and_told(root: Path) -> None:
    with serving(root) as relay:
        mqtt, http = relay.mqtt_port, int(relay.card.http.rpartition(":")[2])
    with taken(mqtt), taken(http), serving(root) as relay:
        assert relay.mqtt_port != mqtt
        assert "protocol=mqtt" in relay.wait_for("warn port-moved")
        assert "protocol=http" in relay.wait_for("warn port-moved", 2)


def test_a_relay_that_is_told_to_stop_leaves_nothing_running_and_no_part_with_the_broker(root: Path) -> None:
    with serving(root) as relay:
        relay.allow(OWNER.card, BELL.card)
        pid, port = broker_pid(relay), relay.mqtt_port
        run(deliver(relay, *CLIP))
        assert relay.stop() == 0
    assert not alive(pid)
    assert not reachable(port)
    assert not (root / "broker" / "jetstream").exists()


def test_followers_are_let_go_at_the_end(relay: Relay) -> None:
    async def scenario() -> None:
        path = f"/v1/doorbells/{BELL.id}/follow"
        async with owner_session(relay, OWNER.authorization) as session, session.get(path) as stream:
            await stream.content.readexactly(4)
            assert await asyncio.to_thread(relay.stop) == 0
            assert await read_objects(stream.content) == []

    run(scenario())


def test_a_folder_is_served_by_one_relay(relay: Relay) -> None:
    done = command("serve", str(relay.root))
    assert done.returncode == 1
    assert "another relay is serving" in done.stderr


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator["Mosquitto"]:
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None and "SEALBELL_SKIP_INTEROP" in os.environ:
        pytest.skip("mosquitto is not installed")
    assert found, "hint: apt-get install mosquitto, or set SEALBELL_SKIP_INTEROP=1"
    with taken() as port:
        pass
    broker = Mosquitto(found, tmp_path / "mosquitto.conf", port)
    yield broker
    broker.stop()


class Mosquitto:
    """A stock mosquitto on a port of its own, in memory only."""

    def __init__(self, executable: str, config: Path, port: int) -> None:
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")
        self._command = [executable, "-c", str(config)]
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        self.url = f"mqtt://127.0.0.1:{port}"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: reachable(self.port), "mosquitto listens")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def test_a_broker_of_ones_own_is_used_and_none_started(root: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    with serving(root, "--broker", mosquitto.url) as relay:
        relay.allow(OWNER.card, BELL.card)
        assert relay.card.mqtt == mosquitto.url
        assert not (root / "broker").exists()
        run(deliver(relay, *reversed(CLIP)))
        assert len(asyncio.run(fetched(relay, clip_path(BELL.clip_id(), "?follow=1")))) == len(CLIP)


def test_a_broker_that_is_away_is_waited_for_also_later(root: Path, mosquitto: Mosquitto) -> None:
    relay = Relay(root, "--broker", mosquitto.url)
    try:
        relay.wait_for("warn broker-away")
        assert not (root / "relay.json").exists()
        mosquitto.start()
        relay.ready().allow(OWNER.card, BELL.card)
        run(deliver(relay, CLIP[0]))
        mosquitto.stop()
        relay.wait_for("warn broker-away", 2)
        mosquitto.start()
        relay.wait_for("info broker-connected", 2)
        run(deliver(relay, CLIP[1]))
        assert relay.stop() == 0
    finally:
        relay.process.kill()
        relay.process.wait()


def test_receipts_name_each_part_by_its_record(relay: Relay) -> None:
    async def scenario() -> None:
        async with doorbell_line(relay, BELL) as line:
            await answers_for(line)

    async def answers_for(line: Line) -> None:
        await line.send(*CLIP)
        assert [(await line.receipt()).record for _ in CLIP] == [hash_of(part) for part in CLIP]

    run(scenario())


def test_the_commands_say_what_they_did_and_what_is_wrong(root: Path, tmp_path: Path) -> None:
    owner, bell, bundle = (tmp_path / name for name in ("owner.json", "bell.json", "other.json"))
    owner.write_bytes(OWNER.card.encode())
    bell.write_bytes(Introduction.sign(BELL.key, BELL.card.owner, credential_of(BELL.id)).encode())
    bundle.write_bytes(b'{"v":1,"what":"nothing"}\x1b[2J')
    assert command("allow", str(root), str(bell)).stderr.endswith("hint: make one: sealbell-relay init\n")
    assert command("init", str(root)).returncode == 0
    assert command("init", str(root)).returncode == 1
    assert command("status", str(root)).stdout.startswith("serving: False\n")
    for card, name in ((owner, OWNER.card.key), (bell, BELL.id)):
        assert command("allow", str(root), str(card)).stdout.startswith("allowed")
        assert name in command("allow", str(root), str(card)).stdout
    for path in (bundle, root / "receipt.key", tmp_path / "absent", tmp_path):
        refused = command("allow", str(root), str(path))
        assert (refused.returncode, refused.stdout) == (1, "")
        assert all(line.isprintable() for line in refused.stderr.splitlines())
    with serving(root) as relay:
        run(deliver(relay, *CLIP))
        report = json.loads(command("status", str(root), "--json").stdout)
        assert (report["serving"], report["healthy"], report["stored"]) == (True, True, len(CLIP))
        assert command("status", str(root)).returncode == 0
    for wrong in (
        [],
        ["serve"],
        ["serve", str(root), "--mqtt-port", "65536"],
        ["serve", str(root), "--mqtt-port", "-1"],
        ["serve", str(root), "--tls", "--plain"],
        ["serve", str(root), "--broker", "tcp://x"],
        ["open", str(root)],
    ):
        assert command(*wrong).returncode == 2, wrong


def test_what_a_relay_knows_is_told_in_full(root: Path) -> None:
    mark = BELL.dropped(BELL.clip(2, number=2)[1])
    with serving(root) as relay:
        relay.allow(OWNER.card, BELL.card)
        run(deliver(relay, *CLIP))
        asyncio.run(mark_dropped(relay, mark))
    told = json.loads(command("knows", str(root), "--json").stdout)
    card = {"doorbell": BELL.id, "key": BELL.card.key, "owner": OWNER.card.key}
    kept_for = {"ended": None, "retention": {"days": 30, "number": None}, "deleted_clips": []}
    assert told["doorbells"] == [card | kept_for]
    owner = {"key": OWNER.card.key, "token_hash": OWNER.card.token_hash, "phones": [], "ended": None}
    assert told["owners"] == [owner]
    first, second = told["clips"]
    assert [part["seq"] for part in first["parts"]] == list(range(len(CLIP)))
    for part, sent in zip(first["parts"], CLIP, strict=True):
        assert {name: part[name] for name in dataclasses.asdict(sent.record)} == dataclasses.asdict(sent.record)
        assert part.keys() <= told["meanings"].keys()
        assert part["stored_bytes"] > len(sent.encode())
    assert [part["dropped"] for part in second["parts"]] == [True]
    kept = [path for path in root.rglob("*") if path.is_file()]
    assert told["files"] == {"count": len(kept), "bytes": sum(path.stat().st_size for path in kept)}
    text = command("knows", str(root)).stdout
    for word in (BELL.id, BELL.card.key, OWNER.card.key, OWNER.card.token_hash, *told["meanings"], *told["not_known"]):
        assert word in text
    assert f"clip {BELL.clip_id()}: number 1, 8 parts, 0 dropped" in text
    assert f"clip {BELL.clip_id(2)}: 0 parts, 1 dropped" in text


async def mark_dropped(relay: Relay, mark: Part) -> None:
    async with doorbell_line(relay, BELL) as line:
        assert (await line.deliver(mark)).verdict == "dropped"


def test_a_burst_of_many_doorbells_is_taken_whole(relay: Relay) -> None:
    async def one(bell: Doorbell) -> None:
        async with doorbell_line(relay, bell) as line:
            clip = bell.clip(30, size=400)
            await asyncio.gather(*(line.send(part) for part in clip))
            assert {(await line.receipt()).seq for _ in clip} == set(range(30))

    async def scenario() -> None:
        bells = [Doorbell(seed, OWNER) for seed in range(100, 150)]
        relay.allow(*(bell.card for bell in bells))
        await asyncio.gather(*(one(bell) for bell in bells))
        report = await health(relay)
        assert (report["stored"], report["resent"], report["refused"]) == (1_500, 0, {})

    run(scenario())

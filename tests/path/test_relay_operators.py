"""What operators see of a relay: counts and times for programs, and whether it is ready; and what nobody sees."""

import asyncio
import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from docs.pages import page
from http_front import can_bind
from parts_factory import Doorbell, Owner
from relay_peers import doorbell_line, owner_session
from sealbell_testing.relay import COMMAND, Relay, serving
from sealbell_testing.waiting import DEADLINE_S

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)
CLIP = BELL.clip(4)


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """One that has stored, refused and shown something."""

    async def use(relay: Relay) -> None:
        async with doorbell_line(relay, BELL) as line:
            for part in (CLIP[0], CLIP[1], CLIP[0], BELL.dropped(CLIP[2])):
                await line.deliver(part)
            assert (await line.deliver(CLIP[3], message=CLIP[3].encode()[:-1] + b"x")).verdict == "refused"
        for token, status in ((OWNER.token.hex(), 200), ("0" * 64, 401)):
            session = owner_session(relay, {"Authorization": f"Bearer {token}"})
            path = f"/v1/doorbells/{BELL.id}/clips/{BELL.clip_id()}/parts"
            async with session as asking, asking.get(path) as answer:
                assert answer.status == status

    with serving(tmp_path_factory.mktemp("operators") / "relay") as relay:
        relay.allow(OWNER.card, BELL.card)
        asyncio.run(use(relay))
        yield relay


def admin(relay: Relay, path: str, **headers: str) -> tuple[int, str, str]:
    url = (relay.root / "admin").read_text().strip()
    asked = urllib.request.Request(url + path, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=DEADLINE_S) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers["Content-Type"], refused.read().decode()


def values(relay: Relay) -> dict[tuple[str, ...], float]:
    status, content_type, text = admin(relay, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type != "unknown"
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.values()))
            assert key not in found
            found[key] = sample.value
    return found


def test_prometheus_reads_what_the_relay_did(relay: Relay) -> None:
    found = values(relay)
    assert found["sealbell_parts_total", "stored"] == 2
    assert found["sealbell_parts_total", "resent"] == 1
    assert found["sealbell_parts_total", "dropped"] == 1
    assert found["sealbell_stored_bytes_total",] > 2_000
    assert sum(value for key, value in found.items() if key[0] == "sealbell_refusals_total") == 1
    assert found["sealbell_http_refusals_total", "unauthorized"] == 1
    assert found["sealbell_receipts_total",] == found["sealbell_receipt_lag_seconds_count",] == 5
    assert [found["sealbell_removed_total", why] for why in ("deleted", "expired", "over-quota")] == [0, 0, 0]
    assert 0 < found["sealbell_receipt_lag_seconds_sum",] < 5 * DEADLINE_S
    assert found["sealbell_store_seconds_count", "done", "put"] >= 3
    assert found["sealbell_doorbells_heard",] == 1
    for gauge in ("store_up", "broker_up"):
        assert found[f"sealbell_{gauge}",] == 1
    for gauge in ("queued_messages", "queued_bytes", "waiting_receipts", "streams", "http_connections"):
        assert found[f"sealbell_{gauge}",] >= 0


def test_the_page_for_operators_tells_of_each_metric_and_of_no_other(relay: Relay) -> None:
    told = set(re.findall(r"`(sealbell_[a-z_]+)", page("docs/operate.md").section("What programs can see")))
    sent = admin(relay, "/metrics")[2]
    assert told == set(re.findall(r"^# TYPE (sealbell_[a-z_]+?)(?:_created)? ", sent, re.MULTILINE))


def test_nothing_that_operators_see_names_a_doorbell_a_clip_or_an_owner(relay: Relay) -> None:
    names = {BELL.id, BELL.clip_id(), OWNER.card.key, OWNER.card.token_hash, OWNER.token.hex(), BELL.card.key}
    for path in ("/metrics", "/status", "/healthz", "/readyz", "/nothing"):
        said = admin(relay, path)[2]
        assert not [name for name in names if name in said or name[:12] in said]


def test_anybody_learns_that_the_relay_works_and_no_more(relay: Relay) -> None:
    with urllib.request.urlopen(relay.card.http + "/healthz", timeout=DEADLINE_S) as answer:
        assert json.loads(answer.read()) == {"status": "ok"}
    for path in ("/metrics", "/status", "/readyz"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(relay.card.http + path, timeout=DEADLINE_S)
        assert refused.value.code == 404


def test_programs_are_told_how_it_is(relay: Relay) -> None:
    assert admin(relay, "/healthz")[0] == 200
    assert json.loads(admin(relay, "/readyz")[2]) == {"status": "ready"}
    report = json.loads(admin(relay, "/status")[2])
    assert report["healthy"] is True
    assert report["stored"] == 2


def test_a_web_page_whose_name_leads_here_is_refused(relay: Relay) -> None:
    for path in ("/metrics", "/status", "/readyz", "/healthz"):
        assert admin(relay, path, Host="rebound.example")[0] == 403
        assert admin(relay, path, Host="rebound.example:80")[0] == 403


@pytest.mark.skipif(not can_bind("127.0.0.9"), reason="this machine has one loopback address")
def test_only_this_machine_reaches_it(relay: Relay) -> None:
    port = int((relay.root / "admin").read_text().strip().rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.9", port)) != 0


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        failing = Relay(tmp_path / "relay", "--admin-port", port, command=COMMAND)
        assert failing.process.wait(DEADLINE_S) == 1
        failing.wait_for("--admin-port N")

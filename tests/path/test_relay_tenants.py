"""The operator's commands about tenants: what they print, what they change, what they never show."""

import json
import subprocess
from pathlib import Path

import pytest

from parts_factory import Doorbell, Owner
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.invites import Invites
from sealbell_testing.relay import COMMAND
from sealbell_testing.waiting import DEADLINE_S
from sealbell_wire.enrolment import Introduction
from sealbell_wire.invite import invite_hash, parse_invite

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    assert command("init", tmp_path / "relay").returncode == 0
    return tmp_path / "relay"


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [*COMMAND, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def status(root: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(command("status", root, "--json").stdout)
    return told


def test_an_invite_is_printed_once_with_what_to_do_and_cancelled_by_its_hash(root: Path) -> None:
    made = command("invite", root)
    code = made.stdout.strip()
    shown = invite_hash(parse_invite(code))
    assert f"{root / 'relay.json'} to the owner" in made.stderr
    assert code not in made.stderr
    assert list(status(root)["invites"]) == [shown]  # type: ignore[call-overload] # an object of JSON
    assert shown in command("status", root).stdout
    kept = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file()).decode()
    assert code not in kept + "".join(map(str, root.rglob("*")))
    assert command("revoke", root, "invite", shown[:6]).stdout == f"revoked invite {shown}\n"
    assert status(root)["invites"] == {}
    assert not Invites(DirectoryStore(root / "store")).use(shown, OWNER.card.encode(), 0)


@pytest.mark.parametrize("days", ["0", "366", "-1", "1.5", "x", ""])
def test_an_invite_is_for_days_that_there_are(root: Path, days: str) -> None:
    assert command("invite", root, "--days", days).returncode == 2


def test_a_doorbell_is_allowed_by_its_introduction_and_not_by_its_card(root: Path, tmp_path: Path) -> None:
    card, introduction, owner = (tmp_path / f"{name}.json" for name in ("card", "introduction", "owner"))
    card.write_bytes(BELL.card.encode())
    introduction.write_bytes(Introduction.sign(BELL.key, OWNER.card.key, "5e" * 32).encode())
    owner.write_bytes(OWNER.card.encode())
    refused = command("allow", root, card)
    assert refused.returncode == 1
    assert "hint: give the introduction.json" in refused.stderr
    assert "5e5e" not in refused.stderr
    for path, name in ((introduction, f"doorbell {BELL.id}"), (owner, f"owner {OWNER.card.key}")):
        assert command("allow", root, path).stdout == f"allowed {name}\n"
        assert command("allow", root, path).stdout == f"had already allowed {name}\n"
    assert {key: status(root)[key] for key in ("owners", "doorbells")} == {"owners": 1, "doorbells": 1}


def test_what_is_revoked_is_refused_counted_no_more_and_said_twice(root: Path, tmp_path: Path) -> None:
    store = DirectoryStore(root / "store")
    for one in (OWNER.card, BELL.card):
        Register(store).allow(one)
    assert command("revoke", root, "doorbell", BELL.id[:6]).stdout == f"revoked doorbell {BELL.id}\n"
    assert command("revoke", root, "doorbell", BELL.id).stdout == f"had already revoked doorbell {BELL.id}\n"
    assert command("revoke", root, "owner", OWNER.card.key[:8], "--delete").stdout.endswith("removed 0 clips\n")
    assert (status(root)["owners"], status(root)["doorbells"]) == (0, 0)
    assert "revoked by the operator of the relay" in command("knows", root).stdout
    assert Register(store).owner_by_token(OWNER.token) is None


@pytest.mark.parametrize("name", ["0f0f0f", "", "*", "../owners", BELL.id[:5], "\x1b[2J" * 3])
def test_a_name_that_means_nothing_ends_nothing(root: Path, name: str) -> None:
    Register(DirectoryStore(root / "store")).allow(BELL.card)
    refused = command("revoke", root, "doorbell", name)
    assert refused.returncode == 1
    assert refused.stderr.startswith("sealbell-relay: no doorbell is meant by")
    assert all(line.isprintable() for line in refused.stderr.splitlines())
    assert not (root / "store" / "ended").exists()


def test_a_beginning_that_two_share_ends_neither(root: Path) -> None:
    store = DirectoryStore(root / "store")
    for end in "01":
        store.put(f"invites/{'a' * 63}{end}", b"4000000000000")
    refused = command("revoke", root, "invite", "aaaaaa")
    assert "2 begin with it" in refused.stderr
    assert len(Invites(store).open(0)) == 2

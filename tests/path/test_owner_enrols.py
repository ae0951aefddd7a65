"""The owner becomes known to a relay, with doorbells and phones: what is posted, what is said, what is never shown."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clip_factory import Doorbell
from owner_world import World
from sealbell_owner.cli import main
from sealbell_owner.enrolling import parse_phones
from sealbell_owner.home import Home
from sealbell_wire import sshsig
from sealbell_wire.enrolment import Introduction, OwnerCard, parse_card
from sealbell_wire.errors import FormatError
from sealbell_wire.invite import new_invite

CODE = new_invite(bytes(range(17)))
CREDENTIAL = "5e" * 32


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def introduction(world: World, bell: Doorbell | None = None) -> Path:
    bell = bell or world.bell
    path = world.folder / "introduction.json"
    path.write_bytes(Introduction.sign(bell.key, bell.card.owner, CREDENTIAL).encode())
    return path


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.mark.parametrize("how", ["argument", "stdin", "nothing said"])
def test_an_owner_enrols_by_an_invite_however_it_is_given(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    typed(monkeypatch, f" {CODE.lower()} \n")
    said = world.run("enrol", *{"argument": (CODE.replace("-", ""),), "stdin": ("-",), "nothing said": ()}[how])
    assert (said.code, said.err) == (0, "")
    assert "at the relay" in said.out
    [(path, token, body)] = world.relay.posted
    assert (path, token) == ("/v1/owners", None)
    posted = json.loads(body)
    assert posted["invite"] == CODE
    card = parse_card(json.dumps(posted["card"]).encode())
    assert card == world.home.card()
    assert isinstance(card, OwnerCard)
    sshsig.verify(bytes.fromhex(card.key), sshsig.OWNER, card.encode(), bytes.fromhex(posted["signature"]))
    assert world.home.owner().token not in body.decode()


def test_a_mistyped_invite_is_found_before_the_relay_is_asked_and_never_repeated(world: World) -> None:
    wrong = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")
    refused = world.run("enrol", wrong)
    assert refused.code == 1
    assert "mistyped" in refused.err
    assert "hint: " in refused.err
    assert wrong not in refused.err
    assert world.relay.posted == []


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (403, "unknown, used, expired or cancelled"),
        (409, "with another token, or has revoked it"),
        (404, "over HTTP"),
        (401, "does not know this owner"),
        (429, "status 429"),
        (500, "status 500"),
        (302, "status 302"),
    ],
)
def test_an_invite_that_is_refused_is_told_in_our_words(world: World, status: int, says: str) -> None:
    world.relay.answers["/v1/owners"] = status
    refused = world.run("enrol", CODE)
    assert refused.code == 1
    assert says in refused.err
    assert "hint: " in refused.err
    assert "not shown" not in refused.err
    assert CODE not in refused.err


def test_init_enrols_at_once_and_says_what_is_left_if_it_could_not(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = world.folder / "relay.json"
    card.write_bytes(world.relay.card.encode())
    for name, status, code in (("made", 201, 0), ("again", 403, 1)):
        typed(monkeypatch, CODE)
        world.relay.answers["/v1/owners"] = status
        made = world.folder / name
        assert main(["init", str(made), "--relay", str(card), "--invite", "-"]) == code
        said = capsys.readouterr()
        assert Home(made).card().key == json.loads(world.relay.posted[-1][2])["card"]["key"]
        assert said.out.startswith("Write these 24 words down")
        assert ("made, but not enrolled" in said.err) == bool(code)
        assert (f"sealbell-owner enrol {made}" in said.err) == bool(code)
        assert CODE not in said.out + said.err


def test_init_with_an_invite_that_is_none_makes_no_owner(world: World) -> None:
    card = world.folder / "relay.json"
    card.write_bytes(world.relay.card.encode())
    assert main(["init", str(world.folder / "made"), "--relay", str(card), "--invite", "0000"]) == 1
    assert not (world.folder / "made").exists()


def test_a_doorbell_that_introduces_itself_is_trusted_and_enrolled(world: World) -> None:
    bell = world.another_bell(2)
    path = introduction(world, bell)
    said = world.run("pin", path, "--name", "back")
    assert (said.code, said.err) == (0, "")
    assert "enrolled" in said.out
    assert [pin.doorbell for pin in world.home.pins() if pin.name == "back"] == [bell.doorbell]
    assert world.relay.posted == [("/v1/doorbells", f"Bearer {world.relay.token}", path.read_bytes())]
    kept = b"".join(file.read_bytes() for file in world.home.folder.rglob("*") if file.is_file())
    assert CREDENTIAL.encode() not in kept


def test_a_doorbells_card_alone_is_trusted_and_says_that_it_is_not_enrolled(world: World) -> None:
    path = world.folder / "card.json"
    path.write_bytes(world.bell.card.encode())
    said = world.run("pin", path)
    assert said.code == 0
    assert "not enrolled" in said.err
    assert world.relay.posted == []


@pytest.mark.parametrize(
    ("status", "says"),
    [(403, "another owner"), (409, "was revoked there"), (401, "sealbell-owner enrol DIR"), (503, "status 503")],
)
def test_a_doorbell_that_the_relay_refuses_stays_trusted_and_that_is_said(world: World, status: int, says: str) -> None:
    world.relay.answers["/v1/doorbells"] = status
    refused = world.run("pin", introduction(world, world.another_bell(2)), "--name", "back")
    assert refused.code == 1
    assert "pinned, but not enrolled" in refused.err
    assert says in refused.err
    assert CREDENTIAL not in refused.out + refused.err
    assert "back" in [pin.name for pin in world.home.pins()]


def test_an_introduction_to_another_owner_or_by_nobody_is_neither_trusted_nor_enrolled(world: World) -> None:
    path = introduction(world, Doorbell(5))
    assert "bound to another owner" in world.run("pin", path).err
    path.write_bytes(introduction(world).read_bytes().replace(CREDENTIAL.encode(), b"5f" * 32))
    assert "signature does not fit" in world.run("pin", path).err
    assert world.relay.posted == []


def test_phones_are_listed_and_added_by_the_hash_of_their_token(world: World) -> None:
    assert world.run("phones", "--json").json == {"phones": [{"token_hash": "ab" * 32, "added": "2026-11-24"}]}
    assert "ab" * 32 in world.run("phones", "--add", "cd" * 32).out
    assert world.relay.posted == [
        ("/v1/phones", f"Bearer {world.relay.token}", b'{"token_hash":"' + b"cd" * 32 + b'"}')
    ]
    assert world.run("phones", "--add", "CD" * 32).code == 2
    for status, says in ((403, "owner's own token only"), (409, "too many")):
        world.relay.answers["/v1/phones"] = status
        assert says in world.run("phones", "--add", "cd" * 32).err


GOOD = b'{"phones":[{"added":"2026-11-24","token_hash":"' + b"ab" * 32 + b'"}]}'


@pytest.mark.parametrize(
    "data",
    [
        *(GOOD[:at] for at in range(len(GOOD))),
        GOOD + b"x",
        GOOD.replace(b"ab", b"AB"),
        GOOD.replace(b"2026", b"\x1b[31m"),
        GOOD.replace(b"2026-", b"2026-0"),
        b'{"phones":[1]}',
        b'{"phones":[{}]}',
        b'{"phones":{}}',
        b'{"phones":[' + b",".join([GOOD[11:-2]] * 257) + b"]}",
    ],
)
def test_a_list_of_phones_that_is_none_is_refused(data: bytes) -> None:
    assert len(parse_phones(GOOD)) == 1
    with pytest.raises(FormatError):
        parse_phones(data)

"""One tenant tries everything against another over HTTP, on two relays that share a store: all of it is refused.

What is another's is answered with the very bytes with which what is not there is answered.
"""

import asyncio
import contextlib
import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import aiohttp
import pytest

import relay_folder
from guarded import Client
from parts_factory import Doorbell, Owner
from relay_peers import owner_session
from sealbell_relay.folder import Folder
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.invites import Invites
from sealbell_testing.relay import COMMAND, Relay, serving
from sealbell_testing.waiting import DEADLINE_S, until
from sealbell_wire import sshsig
from sealbell_wire.enrolment import Introduction
from sealbell_wire.invite import invite_hash, new_invite

ALICE, BOB = Owner(1), Owner(2)
ALICES, BOBS = Doorbell(1, ALICE), Doorbell(2, BOB)
NOBODYS = "0f" * 16
CLIP = BOBS.clip(4)
CLIP_ID = BOBS.clip_id()
SECRET = "5e" * 32
FAR_MS = 4_000_000_000_000
CUT_S = 1.0
RELAYS = 2


@pytest.fixture(scope="module")
def relays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Relay, Relay]]:
    """Alice and Bob, each with a doorbell, on two relays over one store; Bob's doorbell has recorded a clip."""
    folder = tmp_path_factory.mktemp("tenants")
    with serving(folder / "one") as one, serving(folder / "two", "--store", str(folder / "one" / "store")) as two:
        one.allow(ALICE.card, BOB.card, ALICES.card, BOBS.card)
        relay_folder.keep(Folder(one.root), CLIP)
        relay_folder.keep_health(Folder(one.root), BOBS, 7)
        yield one, two


@pytest.fixture
def relay(relays: tuple[Relay, Relay]) -> Relay:
    return relays[0]


@pytest.fixture
def store(relay: Relay) -> DirectoryStore:
    return DirectoryStore(relay.root / "store")


def command(relay: Relay, *arguments: str) -> str:
    name, *rest = arguments
    done = subprocess.run(
        [*COMMAND, name, str(relay.root), *rest], capture_output=True, text=True, timeout=DEADLINE_S, check=True
    )
    return done.stdout


async def ask(relay: Relay, head: str, headers: dict[str, str] | list[tuple[str, str]], body: bytes = b"") -> bytes:
    """What is answered to a request as it is on the wire, without the date."""
    address = urlsplit(relay.card.http)
    given = [("Host", "relay"), ("Connection", "close"), *(headers.items() if isinstance(headers, dict) else headers)]
    if body:
        given += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    lines = "".join(f"{name}: {value}\r\n" for name, value in given)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"{head} HTTP/1.1\r\n{lines}\r\n".encode("utf-8", "surrogateescape") + body)
    try:
        async with asyncio.timeout(DEADLINE_S):
            answer = await reader.read()
    finally:
        writer.close()
    return b"\r\n".join(line for line in answer.split(b"\r\n") if not line.lower().startswith(b"date:"))


def asked(relay: Relay, head: str, headers: dict[str, str] | list[tuple[str, str]], body: bytes = b"") -> bytes:
    return asyncio.run(ask(relay, head, headers, body))


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


BELOW = (
    "GET /clips", "GET /clips?limit=1", f"GET /clips?before={'f' * 32}", "GET /health", "GET /follow",
    f"GET /follow?after={'0' * 32}", f"GET /clips/{CLIP_ID}/parts", f"GET /clips/{CLIP_ID}/parts?from=0&follow=1",
    f"GET /clips/{'0' * 32}/parts", "GET /retention", "POST /retention", "GET /notices", "GET /events",
    f"DELETE /clips/{CLIP_ID}", "DELETE ", "PUT ", "POST ", "GET ", f"DELETE /clips/{CLIP_ID}/parts", "POST /clips",
    "PUT /health", "HEAD /clips", "OPTIONS /clips", "PATCH /health",
)  # fmt: skip


@pytest.mark.parametrize("below", BELOW)
def test_anothers_doorbell_is_answered_with_the_bytes_of_one_that_is_not_there(relay: Relay, below: str) -> None:
    method, path = below.split(" ")
    answers = {
        asked(relay, f"{method} /v1/doorbells/{doorbell}{path}", ALICE.authorization) for doorbell in (BOBS.id, NOBODYS)
    }
    assert len(answers) == 1
    assert status(answers.pop()) in (400, 403, 404, 405)


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/doorbells/{BOBS.id.upper()}/clips",
        f"/v1/doorbells/{BOBS.id}%00/clips",
        f"/v1/doorbells/{BOBS.id}%20/clips",
        f"/v1/doorbells/%{ord(BOBS.id[0]):02x}{BOBS.id[1:]}/clips",
        f"/v1/doorbells/{ALICES.id}%2f..%2f{BOBS.id}/clips",
        f"/v1/doorbells/{ALICES.id}/../{BOBS.id}/clips",
        f"/v1/doorbells/{ALICES.id}/%2e%2e/{BOBS.id}/clips",
        f"/v1/doorbells/{ALICES.id}/clips/../../{BOBS.id}/clips",
        f"/v1/doorbells/{ALICES.id}/clips/..%2f..%2f..%2f{BOBS.id}%2f019077%2f{CLIP_ID}/parts",
        f"/v1/doorbells/{ALICES.id},{BOBS.id}/clips",
        f"/v1/doorbells/{ALICES.id}{BOBS.id}/clips",
        f"/v1/doorbells/{ALICES.id};{BOBS.id}/clips",
        f"/v1/doorbells/{ALICES.id}/{BOBS.id}/clips",
        f"/v1/doorbells/{ALICES.id}/clips/{CLIP_ID}/parts",
        f"/v1/doorbells/{ALICES.id}/clips?doorbell={BOBS.id}",
        f"/v1/doorbells/{ALICES.id}/clips?before={CLIP_ID}%26",
        f"/v1/doorbells/{BOBS.id[:31]}\u0430/clips",
        f"/v1/doorbells/{BOBS.id[:-1]}\uff10/clips",
        f"/v1/doorbells//{BOBS.id}/clips",
        f"//v1/doorbells/{BOBS.id}/clips",
        f"/v1//doorbells/{BOBS.id}/clips",
        f"/V1/doorbells/{BOBS.id}/clips",
        f"/v1/doorbells/{BOBS.id}/clips/",
        f"/./v1/doorbells/{BOBS.id}/clips",
        f"/v1/doorbells/*/clips/{CLIP_ID}/parts",
        "/v1/doorbells/%2e%2e/%2e%2e/owners/",
        f"/v1/doorbells/{'../' * 8}etc/passwd/clips",
        f"/v1/doorbells/{'a' * 3_000}/clips",
        f"http://relay/v1/doorbells/{BOBS.id}/clips",
        f"http://{'a' * 64}@relay/v1/doorbells/{BOBS.id}/clips",
        f"/v1/doorbells/{BOBS.id}#/clips",
        f"/v1/doorbells/{BOBS.id}?/clips",
    ],
)
def test_no_spelling_of_a_path_leads_to_anothers_doorbell(relay: Relay, path: str) -> None:
    answer = asked(relay, f"GET {path}", ALICE.authorization)
    assert status(answer) in (400, 404, 405)
    assert BOBS.id.encode() not in answer
    assert CLIP_ID.encode() not in answer


def test_an_owner_lists_nothing_that_is_anothers(relay: Relay) -> None:
    listed = asked(relay, "GET /v1/doorbells", ALICE.authorization)
    assert ALICES.id.encode() in listed
    assert BOBS.id.encode() not in listed
    phone = json.dumps({"token_hash": "ab" * 32}).encode()
    assert status(asked(relay, "POST /v1/phones", BOB.authorization, phone)) in (200, 201)
    assert b"ab" * 32 in asked(relay, "GET /v1/phones", BOB.authorization)
    assert b"ab" * 32 not in asked(relay, "GET /v1/phones", ALICE.authorization)
    assert status(asked(relay, "POST /v1/phones", ALICE.authorization, phone)) == 409


TOKEN = BOB.token.hex()


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", f"Bearer {TOKEN.upper()}")],
        [("Authorization", f"bearer {TOKEN}")],
        [("Authorization", f"Bearer {TOKEN}0")],
        [("Authorization", f"Bearer {TOKEN[:-1]}")],
        [("Authorization", f"Bearer {TOKEN[:-1]}\u0660")],
        [("Authorization", f"Bearer {BOB.card.token_hash}")],
        [("Authorization", f"Bearer {BOB.card.key}")],
        [("Authorization", f"Basic {TOKEN}")],
        [("Authorization", f"Bearer {TOKEN}, Bearer {ALICE.token.hex()}")],
        [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {ALICE.token.hex()}")],
        [("Authorization", f"Bearer {ALICE.token.hex()}"), ("Authorization", f"Bearer {TOKEN}")],
        [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")],
        [("Authorization", f"Bearer {'0' * 64}")],
        [("X-Authorization", f"Bearer {TOKEN}")],
        [("Cookie", f"Authorization=Bearer {TOKEN}")],
    ],
)
def test_a_token_counts_in_one_spelling_once(relay: Relay, headers: list[tuple[str, str]]) -> None:
    for path in (f"/v1/doorbells/{BOBS.id}/clips", f"/v1/doorbells/{NOBODYS}/clips", "/v1/phones", "/v1/doorbells"):
        answer = asked(relay, f"GET {path}", headers)
        assert status(answer) == 401
        assert BOBS.id.encode() not in answer
    assert status(asked(relay, f"GET /v1/doorbells?token={TOKEN}", headers)) == 401


def test_a_doorbell_is_taken_by_nobody_but_the_owner_that_it_names(relay: Relay, store: DirectoryStore) -> None:
    bell = Doorbell(21, BOB)
    stolen = Introduction.sign(bell.key, BOB.card.key, SECRET)
    mine = Introduction.sign(ALICES.key, ALICE.card.key, SECRET)
    forged = Introduction(type(bell.card)(bell.card.key, ALICE.card.key), SECRET, stolen.signature)
    resigned = Introduction(forged.card, SECRET, mine.signature)
    for attempt, expected in ((stolen, 403), (forged, 400), (resigned, 400)):
        answers = []
        for _ in range(2):  # before and after the doorbell is there
            answers.append(asked(relay, "POST /v1/doorbells", ALICE.authorization, attempt.encode()))
            relay.allow(bell.card) if attempt is resigned else None
        assert len(set(answers)) == 1
        assert status(answers[0]) == expected
    assert store.read(f"doorbells/{bell.id}.json") == bell.card.encode()
    assert store.list(f"owned/{ALICE.card.key}").objects[0].name == ALICES.id


def test_a_doorbell_that_its_owner_enrols_may_connect_at_once_and_with_no_other_credential(relay: Relay) -> None:
    bell = Doorbell(22, ALICE)
    introduction = Introduction.sign(bell.key, ALICE.card.key, SECRET)
    other = Introduction.sign(bell.key, ALICE.card.key, "5f" * 32)
    assert status(asked(relay, "POST /v1/doorbells", ALICE.authorization, introduction.encode())) == 201
    with Client(relay.mqtt_port, bell.id, SECRET) as client:
        assert client.let_in
        assert status(asked(relay, "POST /v1/doorbells", ALICE.authorization, introduction.encode())) == 200
        assert status(asked(relay, "POST /v1/doorbells", ALICE.authorization, other.encode())) == 409
        with Client(relay.mqtt_port, bell.id, "5f" * 32) as another:
            assert not another.let_in
        command(relay, "revoke", "doorbell", bell.id[:12])
        client.is_cut()
    assert status(asked(relay, "POST /v1/doorbells", ALICE.authorization, introduction.encode())) == 409
    assert status(asked(relay, f"GET /v1/doorbells/{bell.id}/clips", ALICE.authorization)) == 404
    with Client(relay.mqtt_port, bell.id, SECRET) as again:
        assert not again.let_in


def joining(owner: Owner, code: str) -> bytes:
    signature = sshsig.sign(owner.key, sshsig.OWNER, owner.card.encode()).hex()
    return json.dumps({"invite": code, "card": json.loads(owner.card.encode()), "signature": signature}).encode()


def test_an_invite_that_is_shown_to_both_relays_at_once_lets_one_owner_in(
    relays: tuple[Relay, Relay], store: DirectoryStore
) -> None:
    for number in range(3):
        code = json.loads(command(relays[0], "invite", "--json"))["invite"]
        guests = [Owner(100 + 8 * number + guest) for guest in range(8)]

        async def all_at_once(code: str = code, guests: list[Owner] = guests) -> list[bytes]:
            return await asyncio.gather(
                *(
                    ask(relays[index % RELAYS], "POST /v1/owners", {}, joining(guest, code))
                    for index, guest in enumerate(guests)
                )
            )

        answers = asyncio.run(all_at_once())
        assert sorted(map(status, answers)) == [201] + [403] * 7
        assert len({answer for answer in answers if status(answer) == 403}) == 1
        let_in = [guest for guest in guests if store.read(f"owners/{guest.card.key}.json")]
        assert len(let_in) == 1
        for guest in guests:
            for relay in relays:
                known = status(asked(relay, "GET /v1/doorbells", guest.authorization))
                assert known == (200 if guest in let_in else 401)


def test_nobody_learns_what_is_wrong_with_an_invite(relay: Relay, store: DirectoryStore) -> None:
    invites = Invites(store)
    used, cancelled, expired = (invites.make(bytes([n]) * 17, FAR_MS if n < 12 else 1, 0) for n in (10, 11, 12))
    invites.cancel(invite_hash(bytes([11]) * 17), b"by the operator")
    assert status(asked(relay, "POST /v1/owners", {}, joining(Owner(31), used))) == 201
    unknown = new_invite(bytes([13]) * 17)
    replayed = asked(relay, "POST /v1/owners", {}, joining(Owner(31), used))
    assert status(replayed) == 200
    answers = {
        asked(relay, "POST /v1/owners", {}, joining(Owner(32), code))
        for code in (used, cancelled, expired, unknown, unknown[:-1], "", "x" * 64)
    }
    assert len(answers) == 1
    assert status(answers.pop()) == 403
    with_token = {asked(relay, "POST /v1/owners", ALICE.authorization, joining(Owner(32), used))}
    assert {status(answer) for answer in with_token} == {403}


@contextlib.asynccontextmanager
async def following(relay: Relay, headers: dict[str, str], doorbell: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with owner_session(relay, headers) as session, session.get(f"/v1/doorbells/{doorbell}/follow") as stream:
        assert stream.status == 200
        assert await stream.content.readexactly(4) == bytes(4)
        yield stream


@pytest.mark.parametrize("kind", ["token", "owner", "doorbell"])
def test_a_stream_is_cut_on_every_relay_within_a_second_of_a_revocation(
    relays: tuple[Relay, Relay], store: DirectoryStore, kind: str
) -> None:
    owner = Owner({"token": 41, "owner": 42, "doorbell": 43}[kind])
    bell = Doorbell(owner.seed, owner)
    relays[0].allow(owner.card, bell.card)
    name = {"token": owner.card.token_hash, "owner": owner.card.key, "doorbell": bell.id}[kind]

    async def scenario() -> list[float]:
        async with (
            following(relays[0], owner.authorization, bell.id) as here,
            following(relays[1], owner.authorization, bell.id) as there,
            following(relays[1], ALICE.authorization, ALICES.id) as anothers,
        ):
            await asyncio.to_thread(command, relays[0], "revoke", kind, name)
            ended = time.monotonic()

            async def cut(stream: aiohttp.ClientResponse) -> float:
                with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                    while await stream.content.read(65_536):
                        pass
                return time.monotonic() - ended

            late_s = [*await asyncio.gather(cut(here), cut(there))]
            assert not anothers.content.at_eof()
            assert anothers.content.exception() is None
            return late_s

    assert max(asyncio.run(scenario())) < CUT_S
    path = "/v1/doorbells" if kind != "doorbell" else f"/v1/doorbells/{bell.id}/clips"
    for relay in relays:
        refused = asked(relay, f"GET {path}", owner.authorization)
        assert status(refused) == (404 if kind == "doorbell" else 401)
        if kind != "doorbell":
            assert refused == asked(relay, f"GET {path}", Owner(99).authorization)
        else:
            assert refused == asked(relay, f"GET /v1/doorbells/{NOBODYS}/clips", owner.authorization)
    assert status(asked(relays[1], "GET /v1/doorbells", ALICE.authorization)) == 200


def test_of_a_revoked_owner_nothing_connects_is_taken_or_comes_back(relay: Relay, store: DirectoryStore) -> None:
    owner = Owner(51)
    bell, new = Doorbell(51, owner), Doorbell(52, owner)
    relay.allow(owner.card, Introduction.sign(bell.key, owner.card.key, SECRET))
    with contextlib.ExitStack() as stack:
        client: list[Client] = []

        def connects() -> bool:
            client[:] = [stack.enter_context(Client(relay.mqtt_port, bell.id, SECRET))]
            return client[0].let_in

        until(connects, "the broker knows the doorbell")
        relay_folder.keep(Folder(relay.root), bell.clip(3))
        command(relay, "revoke", "owner", owner.card.key)
        client[0].is_cut()
    assert len(list((relay.root / "store" / "clips" / bell.id).rglob("*.part"))) == 3
    introduction = Introduction.sign(new.key, owner.card.key, SECRET)
    assert status(asked(relay, "POST /v1/doorbells", owner.authorization, introduction.encode())) == 401
    code = json.loads(command(relay, "invite", "--json"))["invite"]
    assert status(asked(relay, "POST /v1/owners", {}, joining(owner, code))) == 409
    command(relay, "revoke", "owner", owner.card.key, "--delete")
    assert not list((relay.root / "store" / "clips" / bell.id).rglob("*.part"))
    assert len(list((relay.root / "store" / "clips" / BOBS.id).rglob("*.part"))) == len(CLIP)


def test_a_phone_may_look_and_makes_no_second_one(relay: Relay) -> None:
    phone = Owner(61)  # whose token alone is used
    add = json.dumps({"token_hash": phone.card.token_hash}).encode()
    assert status(asked(relay, "POST /v1/phones", ALICE.authorization, add)) == 201
    assert status(asked(relay, "GET /v1/doorbells", phone.authorization)) == 200
    assert status(asked(relay, f"GET /v1/doorbells/{BOBS.id}/clips", phone.authorization)) == 404
    more = json.dumps({"token_hash": "cd" * 32}).encode()
    assert status(asked(relay, "POST /v1/phones", phone.authorization, more)) == 403
    command(relay, "revoke", "token", phone.card.token_hash)
    assert status(asked(relay, "GET /v1/doorbells", phone.authorization)) == 401
    assert status(asked(relay, "POST /v1/phones", ALICE.authorization, add)) == 409
    assert status(asked(relay, "GET /v1/doorbells", ALICE.authorization)) == 200


def test_no_log_holds_a_token_a_code_or_a_credential(relays: tuple[Relay, Relay], store: DirectoryStore) -> None:
    code = json.loads(command(relays[0], "invite", "--json"))["invite"]
    owner = Owner(71)
    bell = Doorbell(71, owner)
    asked(relays[0], "POST /v1/owners", {}, joining(owner, code))
    introduction = Introduction.sign(bell.key, owner.card.key, SECRET)
    asked(relays[0], "POST /v1/doorbells", owner.authorization, introduction.encode())
    asked(relays[0], "POST /v1/owners", {}, joining(owner, code)[:-5])
    relays[0].wait_for(f"doorbell={bell.id}")
    for relay in relays:
        log = "\n".join(relay.lines)
        assert not [secret for secret in (code, owner.token.hex(), SECRET, introduction.signature) if secret in log]
    kept = b"".join(path.read_bytes() for path in (relays[0].root / "store").rglob("*") if path.is_file())
    assert not [secret for secret in (code, owner.token.hex(), SECRET) if secret.encode() in kept]

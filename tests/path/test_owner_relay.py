"""The owner against the real relay, started as a command, fed over its real broker."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from clip_factory import PICTURES_A_GOP, Doorbell
from owner_world import ENTROPY
from sealbell_owner.folder import Folder
from sealbell_owner.home import Home, make_home
from sealbell_owner.keys import derive_root, first_readers
from sealbell_owner.relay import Relay
from sealbell_testing.relay import credential_of, serving
from sealbell_testing.waiting import DEADLINE_S, until
from sealbell_wire import topics
from sealbell_wire.enrolment import OwnerCard, RelayCard
from sealbell_wire.part import Part

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Street:
    """A relay that serves, an owner it knows, a doorbell that is pinned, and the doorbell's connection."""

    folder: Path
    home: Home
    bell: Doorbell
    mqtt: Client
    clips: list[list[Part]]

    def publish(self, parts: list[Part]) -> None:
        for part in parts:
            topic = topics.part(part.record.doorbell, part.record.clip, part.record.seq)
            self.mqtt.publish(topic, part.encode(), qos=1).wait_for_publish(DEADLINE_S)

    def run(self, command: str, *arguments: object) -> Any:
        words = [BIN / "sealbell-owner", command, self.home.folder, *arguments, "--json"]
        ran = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=DEADLINE_S)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    with serving(folder / "relay") as relay:
        home = make_home(folder / "owner", ENTROPY, relay.card)
        root = derive_root(ENTROPY, 0)
        bell = Doorbell(1, [root.identity.recipient], first_readers(ENTROPY).hash, root.verify_key.hex())
        relay.allow(OwnerCard(root.verify_key.hex(), sha256(root.token).hexdigest()), bell.card)
        home.pin(bell.card, "front")
        street = Street(folder, home, bell, _connect(relay.card, bell.doorbell), [])
        for clip in (bell.record(media=2), bell.record(media=3, drop=[3]), bell.record(media=2, end=False)):
            street.publish(clip)
            street.clips.append(clip)
        sent = sum(map(len, street.clips))
        until(
            lambda: len(list((relay.root / "store" / "clips").rglob("*.*"))) == sent, "the relay stored what was sent"
        )
        yield street
        street.mqtt.disconnect()
        street.mqtt.loop_stop()


def _connect(card: RelayCard, doorbell: str) -> Client:
    host, port = card.mqtt.removeprefix("mqtt://").rsplit(":", 1)
    client = Client(CallbackAPIVersion.VERSION2, client_id="bell", clean_session=True)
    client.username_pw_set(doorbell, credential_of(doorbell))
    client.connect(host, int(port))
    client.loop_start()
    return client


def test_a_relay_and_its_folder_answer_alike(street: Street) -> None:
    owner = street.home.owner()
    relay, folder = Relay(owner.relay, owner.token), Folder(street.folder / "relay")
    doorbell = street.bell.doorbell
    names = [parts[0].record.clip for parts in street.clips]
    for limit in (1, 2, 3, 50):
        for before in (None, *names, "0" * 32, "f" * 32, f"{int(names[1], 16) + 1:032x}"):
            assert relay.clips(doorbell, limit, before) == folder.clips(doorbell, limit, before)
    for name in names:
        for seq in (0, 2, 9_999):
            assert list(relay.parts(doorbell, name, seq)) == list(folder.parts(doorbell, name, seq))
    assert relay.doorbells() == (street.bell.card,)


@pytest.mark.parametrize("where", ["relay", "folder"])
def test_clips_are_listed_and_opened(street: Street, where: str) -> None:
    source = ("--from", street.folder / "relay") if where == "folder" else ()
    listed = street.run("clips", *source)
    assert listed["findings"] == []
    assert [(row["interrupted"], row["dropped"], row["joins"]) for row in listed["clips"]] == [
        (True, 0, True),
        (False, 1, True),
        (False, 0, True),
    ]
    for clip, seconds in zip(street.clips, (2, 2, 2), strict=True):
        film = street.folder / "film.mp4"
        opened = street.run("open", clip[0].record.clip, "--out", film, *source)
        assert opened["verified"]
        assert opened["interrupted"] is (clip is street.clips[2])
        with av.open(str(film)) as container:
            assert sum(1 for _ in container.decode(video=0)) == seconds * PICTURES_A_GOP
        assert street.run("verify", clip[0].record.clip, *source)["holds"]


def test_a_ring_is_heard_at_once_and_the_film_grows_while_it_is_recorded(street: Street) -> None:
    film = street.folder / "follow.mp4"
    command = [BIN / "sealbell-owner", "follow", street.home.folder, "--json", "--count", "1", "--out", film]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        assert json.loads(owner.stdout.readline()).keys() == {"following"}
        # The last clip was cut a moment ago, so it may still be going on: it is followed from its beginning.
        cut = [json.loads(owner.stdout.readline()) for _ in street.clips[2]]
        assert {told["clip"] for told in cut} == {street.clips[2][0].record.clip}
        clip = street.bell.record(media=3)
        for part in clip:
            street.publish([part])
            told = json.loads(owner.stdout.readline())
            assert (told["clip"], told["seq"], told["kind"]) == (clip[0].record.clip, part.record.seq, part.record.kind)
        assert owner.wait(DEADLINE_S) == 0
    with av.open(str(film.with_stem("follow-2"))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 3 * PICTURES_A_GOP
    street.clips.append(clip)

"""What a hostile relay, folder, reader or neighbour can try on the owner, and how the owner notices.

Each attack is refused outright, or, where that is impossible, noticed at the doorbell's next sign of life.
"""

import hashlib
import itertools
import json
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import av
import pytest

from clip_factory import PICTURES_A_GOP, Doorbell, Store, key_of
from owner_world import ENTROPY, World
from relay_double import RelayDouble, signed_record
from sealbell_owner.keys import derive_root
from sealbell_owner.listing import MAX_PAGE_CLIPS
from sealbell_owner.lookup import MAX_LISTED_CLIPS
from sealbell_owner.stored import MAX_STORED_BYTES
from sealbell_wire.age import file as age_file
from sealbell_wire.age import payload
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.enrolment import DoorbellCard, RelayCard
from sealbell_wire.limits import MAX_JSON_BYTES
from sealbell_wire.part import Part, split_sealed

MALLORY = HybridIdentity(bytes([66]) * 32)
OWNER = derive_root(ENTROPY, 0).identity


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def name(parts: list[Part]) -> str:
    return parts[0].record.clip


def pictures(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def tamper(world: World, parts: list[Part], seq: int, change: Callable[[Part], Part]) -> None:
    """Store a changed part under a receipt that fits it: the relay signs receipts as it likes."""
    world.store.clip(parts[0])[seq] = world.store.stored(change(parts[seq]))


def refused(world: World, seq: int, why: str) -> None:
    """The film is written without the part, and both commands say why and fail."""
    opened = world.open()
    assert opened.code == 1
    assert any(why in fault for fault in opened.json["refused"]), opened.json["refused"]
    assert opened.json["verified"] is False
    assert seq in opened.json["missing"]
    assert pictures(world.opened) == 2 * PICTURES_A_GOP
    said = world.run("verify", "latest")
    assert said.code == 1
    assert why in said.out


def findings(world: World) -> list[str]:
    listed = world.run("clips", "--json").json["findings"]
    said = world.run("clips").out
    for finding in listed:
        assert f"{finding['clip'][:12]} {finding['finding']}" in said
    return [finding["finding"] for finding in listed]


def test_relay_cannot_add_a_reader(world: World) -> None:
    # It cannot wrap the file key itself, so it has the help of a reader; four stanzas as before, so the size fits.
    world.keep(parts := world.bell.record(media=3))

    def add_reader(part: Part) -> Part:
        head, body = split_sealed(part.sealed or b"")
        recipients = [*world.bell.recipients[:1], MALLORY.recipient, *world.bell.recipients[2:]]
        return replace(part, sealed=age_file.rewrap(head, [OWNER], recipients) + body)

    tamper(world, parts, 3, add_reader)
    assert age_file.open_file(add_reader(parts[3]).sealed or b"", [MALLORY])
    refused(world, 3, "age header is not the one that was signed")


def test_relay_cannot_forge_a_part(world: World) -> None:
    world.keep(parts := world.bell.record(media=3))
    forger = Doorbell(seed=66, readers=[OWNER.recipient])
    fake = forger.record(media=3)[3]

    def forge(part: Part) -> Part:
        record = replace(fake.record, doorbell=part.record.doorbell, clip=part.record.clip, prev=part.record.prev)
        return replace(forger.sign_again(fake, **{key: getattr(record, key) for key in ("doorbell", "clip", "prev")}))

    tamper(world, parts, 3, forge)
    refused(world, 3, "part@sealbell signature does not fit")


@pytest.mark.parametrize("at", [10, 200, -1])
def test_relay_cannot_change_a_byte_of_a_part(world: World, at: int) -> None:
    world.keep(parts := world.bell.record(media=3))

    def flip(part: Part) -> Part:
        sealed = bytearray(part.sealed or b"")
        sealed[at] ^= 1
        return replace(part, sealed=bytes(sealed))

    tamper(world, parts, 3, flip)
    refused(world, 3, "is not the one that was signed")


def test_relay_cannot_swap_two_parts(world: World) -> None:
    world.keep(parts := world.bell.record(media=3))
    tamper(world, parts, 3, lambda part: replace(part, sealed=parts[4].sealed))
    refused(world, 3, "is not the one that was signed")


def test_parts_served_in_another_order_make_the_same_film(tmp_path: Path) -> None:
    class Shuffling(RelayDouble):
        def parts(self, doorbell: str, clip: str, from_seq: int) -> Iterator[bytes]:
            return reversed(list(super().parts(doorbell, clip, from_seq)))

    with World(tmp_path, relay=Shuffling) as world:
        world.keep(world.bell.record(media=3))
        assert world.open().code == 0
        assert pictures(world.opened) == 3 * PICTURES_A_GOP


def test_relay_cannot_cut_the_end_unnoticed(world: World) -> None:
    clips = [world.bell.record(media=1), world.bell.record(media=3)]
    world.keep(*clips)
    for seq in (4, 5):
        del world.store.clip(clips[1][0])[seq]
    # Now: interrupted, which a dying doorbell looks like too.
    opened = world.open()
    assert (opened.code, opened.json["interrupted"]) == (0, True)
    assert pictures(world.opened) == 2 * PICTURES_A_GOP
    assert findings(world) == []
    # At the next clip: the end is missing.
    world.keep(world.bell.record(media=1))
    assert findings(world) == ["the end of clip number 2 is missing"]
    verified = world.run("verify", name(clips[1]))
    assert verified.code == 1
    assert "the end of clip number 2 is missing" in verified.out


def test_relay_cannot_cut_an_end_that_was_seen(world: World) -> None:
    world.keep(parts := world.bell.record(media=3))
    assert findings(world) == []
    del world.store.clip(parts[0])[5]
    assert any("went up to part 5 when it was seen before" in finding for finding in findings(world))
    opened = world.open()
    assert opened.code == 1
    assert "went up to part 5 when it was seen before" in opened.json["refused"][0]


def test_relay_cannot_withhold_from_the_stream_what_it_lists(world: World, tmp_path: Path) -> None:
    class Withholding(RelayDouble):
        def parts(self, doorbell: str, clip: str, from_seq: int) -> Iterator[bytes]:
            return itertools.islice(super().parts(doorbell, clip, from_seq), 3)

    with World(tmp_path / "lying", relay=Withholding) as lying:
        lying.keep(lying.bell.record(media=3))
        opened = lying.open()
        assert (opened.code, opened.json["missing"]) == (1, [3, 4, 5])


def test_a_listing_cannot_end_in_another_part_than_the_stream(tmp_path: Path) -> None:
    # With two doorbells on one key both are signed; the relay cannot show one here and the other there.
    class TwoFaced(RelayDouble):
        def entry(self, clip: str, objects: dict[int, bytes]) -> dict[str, Any]:
            twin = world.bell.sign_again(parts[-1], wall_ms=1)
            return {**super().entry(clip, objects), "newest": signed_record(twin)}

    with World(tmp_path, relay=TwoFaced) as world:
        world.keep(parts := world.bell.record(media=1))
        opened = world.open()
        assert opened.code == 1
        assert opened.json["refused"] == ["part 3 is another one than the relay lists"]


def test_relay_cannot_replay_an_old_clip_under_a_new_name(world: World) -> None:
    world.keep(parts := world.bell.record(media=1))
    clips = world.store.objects[world.bell.doorbell]
    clips["f" * 32] = clips[name(parts)]
    assert findings(world) == ["is refused: listing: shows another clip under this one's name"]
    opened = world.open("f" * 32)
    assert opened.code == 1
    assert "another clip under this one's name" in opened.err
    assert not world.opened.exists()


def test_relay_cannot_replay_an_old_clip_as_the_newest(world: World) -> None:
    clips = [world.bell.record(media=1) for _ in range(3)]
    world.keep(*clips)
    assert findings(world) == []
    for parts in clips[1:]:
        del world.store.objects[world.bell.doorbell][name(parts)]
    assert findings(world) == ["was seen before, and is no longer shown"] * 2


def test_relay_cannot_pass_an_old_clips_parts_off_as_another_clips(world: World) -> None:
    old, new = world.bell.record(media=3), world.bell.record(media=3)
    world.keep(old, new)
    world.store.clip(new[0])[3] = world.store.stored(old[3])
    refused(world, 3, "is of another clip")


def test_relay_cannot_hide_a_clip_unnoticed(world: World) -> None:
    clips = [world.bell.record(media=1) for _ in range(2)]
    world.keep(clips[0])  # the newest is hidden: nothing shows yet
    assert findings(world) == []
    world.keep(world.bell.record(media=1))  # the doorbell's next sign of life
    assert findings(world) == ["1 clips before number 3 are missing"]
    verified = world.run("verify", "latest")
    assert verified.code == 1
    assert "1 clips before number 3 are missing" in verified.out


def test_relay_cannot_answer_with_another_doorbells_clip(world: World) -> None:
    other = world.another_bell(2)
    world.home.pin(other.card, "back")
    world.store.keep(parts := other.record(media=1))
    clips = world.store.objects.pop(other.doorbell)
    world.store.objects[world.bell.doorbell] = clips
    (finding,) = world_findings_of(world, "front")
    assert finding.startswith("is refused: ")
    opened = world.open(name(parts), "--doorbell", "front")
    assert opened.code == 1
    assert not world.opened.exists()


def world_findings_of(world: World, doorbell: str) -> list[str]:
    listed = world.run("clips", "--doorbell", doorbell, "--json").json
    assert listed["clips"] == []
    return [finding["finding"] for finding in listed["findings"]]


def test_a_receipt_cannot_be_forged(world: World) -> None:
    # Whoever serves the folder is not the relay, and would have it that the clip arrived earlier.
    parts = world.bell.record(media=3)
    world.keep(parts)
    forger = Store(key_of(66))
    world.store.clip(parts[0])[3] = forger.stored(parts[3], arrived_ms=1)
    refused(world, 3, "receipt@sealbell signature does not fit")


def test_a_receipt_cannot_be_moved_to_another_part(world: World) -> None:
    world.keep(parts := world.bell.record(media=3))
    stored = world.store.clip(parts[0])
    receipt = stored[4][len(parts[4].encode()) :]
    stored[3] = parts[3].encode() + receipt
    refused(world, 3, "the receipt beside it is another part's")


def test_another_doorbell_cannot_sign_this_ones_body_as_its_own(world: World) -> None:
    # Two doorbells of one owner: the thief's copies what the other sealed and signs it, so that it opens.
    thief = world.another_bell(2)
    world.relay.cards.append(thief.card)
    world.home.pin(thief.card, "thief")
    honest, own = world.bell.record(media=3), thief.record(media=3)
    copied = thief.sign_again(
        replace(own[3], sealed=honest[3].sealed),
        head=honest[3].record.head,
        body=honest[3].record.body,
        size=honest[3].record.size,
    )
    world.store.keep(own)
    world.store.clip(own[0])[3] = world.store.stored(copied)
    opened = world.open("latest", "--doorbell", "thief")
    assert opened.code == 1
    assert "was sealed for another doorbell, clip or place" in opened.json["refused"][0]
    assert 3 in opened.json["missing"]


def test_a_doorbell_cannot_be_made_to_show_one_moment_twice(world: World) -> None:
    # Even with the doorbell's signature, a body belongs to one place.
    parts = world.bell.record(media=3)
    world.keep(parts)
    twice = world.bell.sign_again(
        replace(parts[3], sealed=parts[2].sealed),
        head=parts[2].record.head,
        body=parts[2].record.body,
        size=parts[2].record.size,
    )
    world.store.clip(parts[0])[3] = world.store.stored(twice)
    refused(world, 3, "was sealed for another doorbell, clip or place")


def test_a_recipient_cannot_forge_a_body_with_the_file_key_in_hand(world: World) -> None:
    world.keep(parts := world.bell.record(media=3))

    def forge(part: Part) -> Part:
        head, body = split_sealed(part.sealed or b"")
        file_key = age_file.unwrap(head, [OWNER])
        plaintext = bytearray(age_file.open_body(file_key, body))
        plaintext[-1] ^= 1
        forged = head + payload.seal(file_key, body[: payload.NONCE_BYTES], bytes(plaintext))
        assert age_file.open_file(forged, [OWNER]) == bytes(plaintext)  # any age opens it
        return replace(part, sealed=forged)

    tamper(world, parts, 3, forge)
    refused(world, 3, "its body is not the one that was signed")


def test_a_card_with_a_small_order_key_is_refused(world: World) -> None:
    card = world.folder / "card.json"
    for key in ("00" * 32, "01" + "00" * 31, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"):
        card.write_bytes(DoorbellCard(key, world.bell.card.owner).encode())
        pinned = world.run("pin", card)
        assert pinned.code == 1
        assert "small order" in pinned.err
    relay = RelayCard("mqtt://127.0.0.1:1", "http://127.0.0.1:1", "00" * 32)
    card.write_bytes(relay.encode())
    assert world.run("init", "--relay", card).code == 1


class Announcing(RelayDouble):
    """Announces a part of any size."""

    length = 1 << 30

    def parts(self, doorbell: str, clip: str, from_seq: int) -> Iterator[bytes]:
        yield struct.pack(">I", self.length)
        yield from itertools.repeat(bytes(65_536))

    def follow(self, doorbell: str, after: str) -> Iterator[bytes]:
        return self.parts(doorbell, after, 0)


@pytest.mark.parametrize("length", [1 << 30, MAX_STORED_BYTES + 1])
def test_a_part_of_a_gibibyte_is_refused_at_its_announcement(tmp_path: Path, length: int) -> None:
    with World(tmp_path, relay=Announcing) as world:
        world.relay.length = length  # type: ignore[attr-defined]
        world.keep(world.bell.record(media=1))
        for command in (("open", "latest", "--out", world.opened), ("verify", "latest"), ("follow",)):
            refused = world.run(*command)
            assert refused.code == 1
            assert f"announces a part of {length} bytes" in refused.err
        assert not world.opened.exists()


def test_a_stream_that_never_ends_is_given_up(tmp_path: Path) -> None:
    class Endless(RelayDouble):
        def parts(self, doorbell: str, clip: str, from_seq: int) -> Iterator[bytes]:
            return itertools.repeat(struct.pack(">I", 1) + b"x")

    with World(tmp_path, relay=Endless) as world:
        world.keep(world.bell.record(media=1))
        refused = world.run("open", "latest", "--out", world.opened)
        assert refused.code == 1
        assert "holds more than the 10000 parts" in refused.err
        assert not world.opened.exists()


def test_listing_pages_that_never_end_are_given_up(tmp_path: Path) -> None:
    class Endless(RelayDouble):
        def clips(self, doorbell: str, limit: int, before: str | None) -> Any:
            # One clip after the other of an unlimited past, under its one true record.
            (page,) = super().clips(doorbell, 1, None)["clips"]
            clip = f"{int(before or 'f' * 32, 16) - 1:032x}"
            return {"clips": [{**page, "clip": clip}], "next": clip}

    with World(tmp_path, relay=Endless) as world:
        world.keep(world.bell.record(media=1))
        listed = world.run("clips", "--limit", 5, "--json")
        assert listed.json["clips"] == []
        assert len(listed.json["findings"]) == 6
        assert len(world.relay.requests) == 7, "once more, for what this owner may have deleted by another phone"
        world.relay.requests.clear()
        world.run("clips", "--limit", 1_000_000, "--json")
        assert len(world.relay.requests) == MAX_LISTED_CLIPS + 1


@pytest.mark.parametrize(
    "page",
    [
        b"x" * (MAX_JSON_BYTES + 1),
        b"[" * 100_000,
        b'{"clips":[],"next":null}' + b" " * MAX_JSON_BYTES,
        b'{"clips":[],"clips":[],"next":null}',
        json.dumps({"clips": [], "next": "f" * 32}).encode(),
        b"\x1b[31mred",
        b"",
    ],
)
def test_a_listing_that_follows_no_grammar_is_refused(tmp_path: Path, page: bytes) -> None:
    class Lying(RelayDouble):
        def clips(self, doorbell: str, limit: int, before: str | None) -> Any:
            return page

    with World(tmp_path, relay=Lying) as world:
        for command in ("clips", "follow"):
            answered = world.run(command)
            assert answered.code == 1
            assert answered.err.startswith("error: refused: listing: ")
            assert "\x1b" not in answered.err


def test_more_clips_on_a_page_than_asked_for_are_refused(tmp_path: Path) -> None:
    class Generous(RelayDouble):
        def clips(self, doorbell: str, limit: int, before: str | None) -> Any:
            return super().clips(doorbell, MAX_PAGE_CLIPS, None)

    with World(tmp_path, relay=Generous) as world:
        world.keep(*(world.bell.record(media=1) for _ in range(3)))
        assert "more than the 2 clips" in world.run("clips", "--limit", 1).err


def test_what_a_relay_says_when_it_fails_is_not_repeated(tmp_path: Path) -> None:
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            if self.path.startswith("/v1/doorbells?") or self.path == "/v1/doorbells":
                self.send_response(302, "\x1b[31mmoved")
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                return
            self.send_response(500, "\x1b[31mred")
            self.end_headers()
            self.wfile.write(b"\x1b[31mred")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with World(tmp_path) as world:
        pass
    port = world.relay.card.http.rsplit(":", 1)[1]
    server = HTTPServer(("127.0.0.1", int(port)), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        failed = world.run("clips")
        moved = world.run("doorbells")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert failed.code == 1
    assert "status 500" in failed.err
    assert "\x1b" not in failed.err + moved.err
    # The token went nowhere else, and is in no message.
    assert all(path.startswith("/v1/") for path, _ in asked)
    token = world.home.owner().token
    assert {shown for _, shown in asked} == {f"Bearer {token}"}
    assert token not in failed.err + moved.err + failed.out + moved.out


def test_a_folder_can_lie_no_better_than_a_relay(world: World) -> None:
    parts = world.bell.record(media=3)
    world.keep(parts)
    root = world.store.write(world.folder / "relay")
    folder = root / "store" / "clips" / world.bell.doorbell / name(parts)[:6] / name(parts)
    forged = bytearray((folder / "000003.part").read_bytes())
    forged[-2_000] ^= 1
    (folder / "000003.part").write_bytes(bytes(forged))
    opened = world.open("latest", "--from", root)
    assert opened.code == 1
    assert opened.json["missing"] == [3]
    (folder / "000003.part").unlink()
    (folder / "000003.part").symlink_to("/dev/zero")
    opened = world.open("latest", "--from", root)
    assert (opened.code, opened.json["missing"]) == (1, [3])
    assert opened.json["refused"] == ["stored part: cannot be read"]


def test_what_was_opened_before_is_not_lost_to_a_relay_that_fails(tmp_path: Path) -> None:
    class Failing(RelayDouble):
        fails = False

        def parts(self, doorbell: str, clip: str, from_seq: int) -> Iterator[bytes]:
            pieces = list(super().parts(doorbell, clip, from_seq))
            return iter([*pieces[:3], pieces[3][:100]]) if self.fails else iter(pieces)

    with World(tmp_path, relay=Failing) as world:
        world.keep(world.bell.record(media=3))
        assert world.open().code == 0
        before = hashlib.sha256(world.opened.read_bytes()).digest()
        world.relay.fails = True  # type: ignore[attr-defined]
        assert world.open().code == 1
        assert hashlib.sha256(world.opened.read_bytes()).digest() == before
        assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []

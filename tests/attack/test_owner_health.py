"""What a hostile relay, a copied or an older card can try against health, and how the owner hears of it."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clip_factory import Doorbell
from owner_world import ENTROPY, Ran, World
from sealbell_owner.commands.health import WELL, WRONG
from sealbell_owner.keys import derive_root
from sealbell_wire.age import file as age_file
from sealbell_wire.age import payload
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.part import Part, split_sealed
from sealbell_wire.report import Link, Tip

OWNER = derive_root(ENTROPY, 0).identity
MALLORY = HybridIdentity(bytes([66]) * 32)
MINUTE_MS = 60_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def hear(world: World, *, age_ms: int = 0, arrived_ms: int | None = None, **changes: Any) -> None:
    """The doorbell says how it is, and the relay has it."""
    world.store.hear(world.bell.say(now_ms() - age_ms, **changes), arrived_ms)


def health(world: World, *arguments: object) -> Ran:
    """What the owner is told, as text and as json, which say the same."""
    said = world.run("health", *arguments)
    told = world.run("health", "--json", *arguments)
    assert said.code == told.code == (WELL if told.json["well"] else WRONG)
    for doorbell in told.json["doorbells"]:
        for found in doorbell["wrong"]:
            assert found["what"] in said.out
            assert found["do"] in said.out
        for note in doorbell["notes"]:
            assert note in said.out
    return told


def wrong(world: World) -> list[str]:
    (doorbell,) = health(world).json["doorbells"]
    return [found["what"] for found in doorbell["wrong"]]


def forget(world: World, parts: list[Part], seqs: range | None = None) -> None:
    """The relay hides a clip, or parts of it."""
    clips = world.store.objects[world.bell.doorbell]
    for seq in seqs or ():
        del clips[parts[0].record.clip][seq]
    if seqs is None:
        del clips[parts[0].record.clip]


def test_honest_relay_and_whole_doorbell_are_well(world: World) -> None:
    hear(world, age_ms=4)  # numbers are milliseconds, and each message must be younger than the one before
    assert wrong(world) == []
    for age_ms in (3, 2, 1):
        world.keep(world.bell.record(media=1))
        hear(world, age_ms=age_ms)
        assert wrong(world) == []
        assert world.run("health").code == WELL


def test_relay_cannot_hide_the_newest_clip_once_health_arrives(world: World) -> None:
    world.keep(world.bell.record(media=1), hidden := world.bell.record(media=1))
    forget(world, hidden)
    assert world.run("clips").out.count("\n") == 2, "its listing alone looks whole"
    hear(world)
    (finding,) = wrong(world)
    assert finding == (
        f"the doorbell recorded clip number 2 ({hidden[0].record.clip[:12]}), which the relay does not show"
    )


def test_relay_cannot_hide_the_only_clip_once_health_arrives(world: World) -> None:
    world.bell.record(media=1)
    hear(world)
    assert "which the relay does not show" in wrong(world)[0]


@pytest.mark.parametrize("cut", [range(4, 6), range(5, 6)])
def test_relay_cannot_cut_the_end_of_the_newest_clip_once_health_arrives(world: World, cut: range) -> None:
    world.keep(parts := world.bell.record(media=3))
    forget(world, parts, cut)
    hear(world)
    (finding,) = wrong(world)
    assert finding.endswith(f"goes on to part 5, and the relay shows it up to part {cut.start - 1} only")


def test_relay_cannot_replace_the_end_by_another(world: World) -> None:
    parts = world.bell.record(media=1)
    world.keep([*parts[:-1], world.bell.sign_again(parts[-1], wall_ms=1)])
    hear(world)
    assert "each signed another part 3" in wrong(world)[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"waiting": 9},
        {"later_ms": 20_000},
        {"link": Link(False, 1, "refused", None)},
        {"link": Link(True, 920_000, "", None)},
    ],
    ids=["much was waiting", "it was just recorded", "it was not connected", "it had just connected"],
)
def test_what_may_still_be_on_its_way_is_said_and_accuses_nobody(world: World, changes: dict[str, Any]) -> None:
    world.keep(parts := world.bell.record(media=1))
    forget(world, parts, range(3, 4))
    hear(world, **changes)
    (doorbell,) = health(world).json["doorbells"]
    assert doorbell["wrong"] == []
    assert doorbell["notes"][0].endswith("up to part 2 only: it may still be on its way")


def test_more_than_waited_cannot_be_on_its_way(world: World) -> None:
    world.keep(parts := world.bell.record(media=3))
    forget(world, parts, range(2, 6))
    hear(world, waiting=3, later_ms=0)
    assert "up to part 1 only" in wrong(world)[0]
    hear(world, waiting=4, later_ms=0)
    assert wrong(world) == []


def test_relay_cannot_replay_an_old_health(world: World) -> None:
    world.keep(world.bell.record(media=1))
    hear(world, age_ms=10)
    old = world.store.healths[world.bell.doorbell]
    hear(world)
    assert wrong(world) == []
    world.store.hear(old[0], now_ms())
    assert wrong(world) == ["the relay shows an older word of the doorbell than it showed before"]
    assert wrong(world) != [], "and is not believed for being repeated"
    hear(world)
    assert wrong(world) == []


def test_relay_cannot_pass_off_an_old_health_as_just_arrived(world: World) -> None:
    hear(world, age_ms=21 * MINUTE_MS, arrived_ms=now_ms())
    assert wrong(world) == ["it was not heard for 21 minutes, and speaks every 15"]


def test_clock_that_nobody_set_is_not_believed_and_the_relays_word_is_said_to_be_that(world: World) -> None:
    hear(world, age_ms=400 * 24 * 60 * MINUTE_MS, arrived_ms=now_ms(), synced=False)
    assert wrong(world) == []
    assert "by the relay's word" in world.run("health").out
    hear(world, arrived_ms=now_ms() - 21 * MINUTE_MS, synced=False)
    assert "not heard for 21 minutes" in wrong(world)[0]


def test_doorbell_that_falls_silent_shows_after_twenty_minutes(world: World) -> None:
    hear(world, age_ms=19 * MINUTE_MS)
    assert wrong(world) == []
    world.store.hear(world.bell.say(now_ms() - 21 * MINUTE_MS))
    assert wrong(world) == ["it was not heard for 21 minutes, and speaks every 15"]


def test_relay_that_withholds_all_health_shows_as_silence(world: World) -> None:
    assert wrong(world) == ["it was never heard; a doorbell speaks when it starts and every 15 minutes"]
    hear(world)
    assert wrong(world) == []
    world.store.healths.clear()
    assert wrong(world) == ["the relay shows no word of the doorbell any more, and did before"]


def test_relay_cannot_answer_with_another_doorbells_health(world: World) -> None:
    other = world.another_bell(2)
    world.store.healths[world.bell.doorbell] = other.say(now_ms()), now_ms()
    assert wrong(world) == [
        "the relay shows as its word what cannot be believed: health: names another doorbell than its key's"
    ]


def test_relay_cannot_forge_health(world: World) -> None:
    forger = Doorbell(66, [OWNER.recipient], world.bell.readers_hash)
    forged = forger.say(now_ms())
    beat = replace(forged.beat, doorbell=world.bell.doorbell)
    signed = world.bell.say(now_ms())
    for message in (
        replace(forged, beat=beat, text=beat.encode()),
        replace(signed, text=signed.text.replace(b"synced 1", b"synced 0")),
        replace(signed, signature=bytes(64)),
        replace(signed, sealed=signed.sealed[:-1] + bytes([signed.sealed[-1] ^ 1])),
    ):
        world.store.healths[world.bell.doorbell] = message, now_ms()
        (finding,) = wrong(world)
        assert "cannot be believed" in finding
        assert world.home.heard(world.pin) is None, "what is not believed is not remembered"


def test_reader_cannot_forge_a_report_with_the_file_key_in_hand(world: World) -> None:
    signed = world.bell.say(now_ms(), troubles=(("outbox-full", 1),))
    head, _ = split_sealed(signed.sealed)
    plaintext = age_file.open_file(signed.sealed, [OWNER]).replace(b'[["outbox-full",1]]', b"[]".ljust(19))
    body = payload.seal(age_file.unwrap(head, [OWNER]), bytes(16), plaintext)
    world.store.healths[world.bell.doorbell] = replace(signed, sealed=head + body), now_ms()
    assert "its body is not the one that was signed" in wrong(world)[0]


def test_health_that_is_sealed_to_others_by_another_document_is_noticed(world: World) -> None:
    world.bell.readers_hash = "77" * 32
    hear(world)
    assert "a readers document that this owner did not write" in wrong(world)[0]


def test_an_older_card_is_noticed_at_its_first_health(world: World) -> None:
    older = Tip()
    for _ in range(3):
        older = world.bell.tip
        world.keep(world.bell.record(media=1))
    hear(world)
    assert wrong(world) == []
    world.bell.tip, world.bell.boot = older, "b1" * 16
    hear(world)
    found = wrong(world)
    assert any("and said 3, part 3 before: an older card was put in" in finding for finding in found)
    assert wrong(world) == found, "it is said until it counts further than it had"


def test_an_older_card_is_noticed_by_its_clips_at_an_owner_who_never_heard_it(world: World) -> None:
    older = Tip()
    for _ in range(3):
        older = world.bell.tip
        world.keep(world.bell.record(media=1))
    world.bell.tip, world.bell.boot = older, "b1" * 16
    hear(world)
    assert "newest clip is number 2, and had recorded number 3 before: an older card was put in" in wrong(world)[0]


def test_an_older_card_is_noticed_by_clips_that_were_seen_and_that_the_relay_hides(world: World) -> None:
    older = Tip()
    for _ in range(2):
        older = world.bell.tip
        world.keep(parts := world.bell.record(media=1))
    assert world.run("clips").code == 0
    forget(world, parts)
    world.bell.tip, world.bell.boot = older, "b1" * 16
    hear(world)
    assert "had recorded number 2 before" in wrong(world)[0]


def test_two_doorbells_on_one_key_are_noticed_when_the_first_speaks_again(world: World) -> None:
    world.keep(world.bell.record(media=1))
    hear(world, age_ms=30)
    assert wrong(world) == []
    first = world.bell.boot
    world.bell.boot = "c0" * 16
    hear(world, age_ms=20)
    assert wrong(world) == [], "a doorbell may start anew"
    world.bell.boot = first
    hear(world, age_ms=10)
    assert wrong(world) == ["two doorbells use one key: one speaks that had fallen silent when the other started"]


def test_two_doorbells_on_one_key_are_noticed_by_one_number_on_two_messages(world: World) -> None:
    at_ms = now_ms()
    world.store.hear(world.bell.say(at_ms))
    assert wrong(world) == []
    world.bell.number = 0
    world.store.hear(world.bell.say(at_ms, later_ms=5))
    assert wrong(world) == ["two doorbells use one key: each signed a message of this number"]


def test_two_doorbells_on_one_key_are_noticed_by_two_clips_of_one_number(world: World) -> None:
    world.keep(world.bell.record(media=1))
    copy = world.another_bell(1)
    copy.wall_ms += 3_600_000
    copy.record(media=1)
    world.store.hear(copy.say(now_ms()))
    assert any("had recorded number 1 before" in finding for finding in wrong(world))


def test_clip_that_began_after_the_message_accuses_nobody(world: World) -> None:
    world.keep(world.bell.record(media=1))
    hear(world)
    world.bell.wall_ms = now_ms()
    world.keep(world.bell.record(media=1))
    assert wrong(world) == []


def test_clock_that_went_back_between_message_and_clip_accuses_nobody(world: World) -> None:
    world.keep(world.bell.record(media=1))
    hear(world)
    world.bell.wall_ms -= 86_400_000
    world.keep(world.bell.record(media=1))
    assert wrong(world) == [], "within a boot the doorbell's monotonic clock tells what came first"


def test_rebooted_doorbell_whose_clock_went_back_accuses_nobody(world: World) -> None:
    world.keep(world.bell.record(media=1))
    hear(world)
    world.bell.boot, world.bell.monotonic_ms = "d0" * 16, 5_000
    world.bell.wall_ms -= 86_400_000
    world.keep(world.bell.record(media=1))
    hear(world, later_ms=90_000)
    assert wrong(world) == []


def test_trouble_is_told_in_plain_words_with_what_to_do(world: World) -> None:
    hear(world, troubles=(("outbox-full", 1_000), ("undervoltage", 2_000), ("eaten-by-dog", 3_000)))
    said = health(world)
    (doorbell,) = said.json["doorbells"]
    assert [found["what"].split(":")[0] for found in doorbell["wrong"]] == [
        "its outbox is full", "its power supply is too weak", "unknown trouble",
    ]  # fmt: skip
    assert doorbell["heard"]["troubles"][2] == ["eaten-by-dog", 3_000]


def test_supply_that_sagged_is_a_note_and_what_waits_and_was_dropped_is_told(world: World) -> None:
    hear(world, throttled=0x50000, waiting=7, waiting_bytes=700_000, dropped=3)
    said = world.run("health")
    assert said.code == WELL
    assert "has been too weak since it was switched on" in said.out
    assert "7 parts, 700.0 kB" in said.out
    assert "3 parts, since it started" in said.out


def test_one_doorbell_in_trouble_does_not_hide_another(world: World) -> None:
    other = world.another_bell(2)
    world.home.pin(other.card, "back")
    world.relay.cards.append(other.card)
    hear(world)
    world.store.hear(other.say(now_ms(), troubles=(("camera-stalled", 1),)))
    back, front = health(world).json["doorbells"]
    assert (back["name"], back["well"], front["name"], front["well"]) == ("back", False, "front", True)
    assert world.run("health", "front").code == WELL
    assert world.run("health", "back").code == WRONG


def test_relay_that_cannot_be_asked_is_a_failure_and_no_verdict(world: World) -> None:
    hear(world)
    world.relay.token = "0" * 64
    said = world.run("health")
    assert said.code == 1
    assert "does not know this owner" in said.err


def test_health_from_a_relays_folder_is_judged_alike(world: World, tmp_path: Path) -> None:
    world.keep(world.bell.record(media=1), hidden := world.bell.record(media=1))
    hear(world)
    root = world.store.write(tmp_path / "handed over")
    assert world.run("health", "--from", root).code == WELL
    forget(world, hidden)
    root = world.store.write(tmp_path / "handed over later")
    said = world.run("health", "--from", root)
    assert said.code == WRONG
    assert "which the relay does not show" in said.out

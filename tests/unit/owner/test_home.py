import os
import stat
import threading
from pathlib import Path

import pytest

from clip_factory import Doorbell
from sealbell_owner.errors import OwnerError
from sealbell_owner.history import Seen
from sealbell_owner.home import Home, make_home, read_card
from sealbell_owner.keys import derive_root
from sealbell_owner.words import encode_words
from sealbell_wire.enrolment import DoorbellCard, OwnerBundle, OwnerCard, RelayCard, parse_card
from sealbell_wire.readers import check_pinned, parse_signed_readers

ENTROPY = bytes(range(32))
RELAY = RelayCard("mqtt://127.0.0.1:1", "http://127.0.0.1:2", derive_root(bytes(32), 0).verify_key.hex())
OWNER_KEY = derive_root(ENTROPY, 0).verify_key.hex()
BELL = Doorbell(owner=OWNER_KEY)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "owner", ENTROPY, RELAY)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_owner_is_read_as_it_was_made(home: Home) -> None:
    owner, root = home.owner(), derive_root(ENTROPY, 0)
    assert (owner.signing_seed, owner.token) == (root.signing_seed.hex(), root.token.hex())
    assert owner.relay == RELAY
    assert home.identities() == [root.identity]


def test_the_folder_is_private(home: Home) -> None:
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    for path in files(home.folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_words_are_nowhere(home: Home) -> None:
    words = encode_words(ENTROPY)
    for path in files(home.folder):
        data = path.read_bytes()
        assert ENTROPY.hex().encode() not in data
        assert " ".join(words[:3]).encode() not in data


def test_what_leaves_the_folder_holds_no_secret(home: Home) -> None:
    owner, root = home.owner(), derive_root(ENTROPY, 0)
    for name in ("bundle.json", "card.json"):
        data = (home.folder / name).read_text()
        for secret in (owner.signing_seed, owner.token, root.recipient_seed.hex(), "AGE-SECRET-KEY"):
            assert secret not in data


def test_bundle_and_card_are_what_doorbell_and_relay_take(home: Home) -> None:
    bundle = parse_card((home.folder / "bundle.json").read_bytes())
    assert isinstance(bundle, OwnerBundle)
    check_pinned(parse_signed_readers(bundle.readers))
    assert parse_signed_readers(bundle.readers).hash == home.owner().readers
    assert bundle.relay == RELAY
    card = parse_card((home.folder / "card.json").read_bytes())
    assert isinstance(card, OwnerCard)
    assert card.key == OWNER_KEY


def test_an_owner_is_not_made_over_anything(home: Home) -> None:
    with pytest.raises(OwnerError, match="not empty"):
        make_home(home.folder, bytes(32), RELAY)
    assert home.owner().token == derive_root(ENTROPY, 0).token.hex()


def test_keys_that_others_can_read_are_refused(home: Home) -> None:
    (home.folder / "owner.json").chmod(0o640)
    with pytest.raises(OwnerError, match="can be read by others") as refused:
        home.owner()
    assert "chmod 600" in str(refused.value.hint)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"v":1}', b"x" * 200_000])
def test_a_damaged_folder_says_so(home: Home, damage: bytes) -> None:
    for name in ("owner.json", "identity.txt"):
        (home.folder / name).write_bytes(damage)
    for read in (home.owner, home.identities):
        with pytest.raises(OwnerError):
            read()


def test_a_folder_without_an_owner_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(OwnerError) as refused:
        Home(tmp_path).owner()
    assert "init" in str(refused.value.hint)


def test_a_pinned_doorbell_is_found_by_its_name_and_the_beginning_of_its_id(home: Home) -> None:
    pin = home.pin(BELL.card, "front door")
    assert home.pins() == [pin]
    for wanted in (None, "front door", BELL.doorbell, BELL.doorbell[:4]):
        assert home.choose(wanted) == [pin]
    for wanted in ("back", "front", "zz"):
        with pytest.raises(OwnerError, match="no doorbell is meant"):
            home.choose(wanted)


def test_a_name_means_one_doorbell(home: Home) -> None:
    home.pin(BELL.card, "front")
    with pytest.raises(OwnerError, match="called 'front' already"):
        home.pin(Doorbell(seed=2, owner=OWNER_KEY).card, "front")
    home.pin(BELL.card, "side")
    assert [pin.name for pin in home.pins()] == ["side"]
    home.pin(Doorbell(seed=2, owner=OWNER_KEY).card, "front")
    with pytest.raises(OwnerError, match="more than one"):
        home.choose("")


def test_a_doorbell_of_another_owner_is_not_pinned(home: Home) -> None:
    with pytest.raises(OwnerError, match="bound to another owner"):
        home.pin(Doorbell().card, "front")


def test_a_small_order_key_is_no_doorbell(home: Home, tmp_path: Path) -> None:
    for key in ("00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f"):
        card = tmp_path / "card.json"
        card.write_bytes(DoorbellCard(key, OWNER_KEY).encode())
        with pytest.raises(OwnerError, match="small order"):
            read_card(card, DoorbellCard)


def test_a_card_of_another_kind_is_refused(home: Home) -> None:
    with pytest.raises(OwnerError, match="not a doorbell's card"):
        read_card(home.folder / "card.json", DoorbellCard)
    with pytest.raises(OwnerError, match="not a relay's card"):
        read_card(home.folder / "bundle.json", RelayCard)


def test_a_name_that_would_mislead_on_a_screen_is_refused(home: Home) -> None:
    for name in ("", "a\nb", "\x1b[31mred", "x" * 65, "\u202eback"):
        with pytest.raises(Exception, match="name"):
            home.pin(BELL.card, name)


def test_a_pin_that_was_swapped_is_refused(home: Home) -> None:
    home.pin(BELL.card, "front")
    other = home.pin(Doorbell(seed=2, owner=OWNER_KEY).card, "back")
    folder = home.folder / "doorbells"
    (folder / f"{BELL.doorbell}.json").write_bytes((folder / f"{other.doorbell}.json").read_bytes())
    with pytest.raises(OwnerError, match="damaged"):
        home.pins()


def test_what_was_seen_is_remembered(home: Home) -> None:
    pin = home.pin(BELL.card, "front")
    assert home.memory(pin) == {}
    seen = Seen("1" * 32, 1, "ab" * 32, 5, "cd" * 32, True)
    home.remember(pin, [seen])
    home.remember(pin, [])
    assert home.memory(pin) == {seen.clip: seen}


def test_two_commands_at_once_forget_nothing_of_what_the_other_saw(home: Home) -> None:
    pin = home.pin(BELL.card, "front")
    together = threading.Barrier(2)

    def see(first: int) -> None:
        together.wait()
        for number in range(first, 40, 2):
            home.remember(pin, [Seen(f"{number:032x}", number + 1, "ab" * 32, 5, "cd" * 32, True)])

    threads = [threading.Thread(target=see, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(home.memory(pin)) == 40


def test_a_pipe_in_a_files_place_does_not_hang(home: Home, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OwnerError, match="not a file"):
        read_card(tmp_path / "pipe", RelayCard)

import base64
import json
import os
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

import bundles
from crafted import key_of
from sealbell.home import Home, HomeError, describe, read_card, set_up
from sealbell_wire import sshsig
from sealbell_wire.enrolment import DoorbellCard, Introduction, OwnerCard
from sealbell_wire.readers import Readers


def seeds(size_bytes: int) -> bytes:
    return bytes([7]) * size_bytes


def test_set_up_draws_keys_pins_the_owner_and_writes_the_card(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "doorbell"
    card = set_up(folder, bundles.write(tmp_path), seeds)
    home = Home(folder)
    assert home.card() == card
    assert card.key == sshsig.verify_key_of(home.signing_key()).hex()
    assert card.owner == bundles.readers().owner
    assert home.relay() == bundles.RELAY
    assert home.readers().readers == bundles.readers()
    assert home.outbox.is_dir()
    assert home.inbox.is_dir()


def test_keys_are_for_the_doorbell_alone(tmp_path: Path) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), seeds)
    for path in (folder, folder / "state", folder / "outbox", folder / "inbox"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "state" / "signing.key").stat().st_mode) == 0o600
    secret = (folder / "state" / "signing.key").read_text().strip()
    public = b"".join((folder / name).read_bytes() for name in ("bundle.json", "card.json"))
    assert secret.encode() not in public


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another")
def test_root_sets_up_for_whom_the_folder_belongs_to() -> None:
    with tempfile.TemporaryDirectory() as open_to_all:  # pytest's own folders are closed to the other user
        Path(open_to_all).chmod(0o755)
        folder, bundle = Path(open_to_all) / "doorbell", bundles.write(Path(open_to_all))
        folder.mkdir(mode=0o750)
        os.chown(folder, 12_345, 12_346)
        bundle.chmod(0o600)
        set_up(folder, bundle, seeds)
        made = {path: (path.stat().st_uid, path.stat().st_gid) for path in folder.rglob("*")}
    assert folder / "state" / "signing.key" in made
    assert set(made.values()) == {(12_345, 12_346)}
    assert (os.geteuid(), os.getegid()) == (0, 0)


def test_what_was_pinned_is_readable_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "doorbell"
    umask = os.umask(0o077)
    try:
        set_up(folder, bundles.write(tmp_path), seeds)
    finally:
        os.umask(umask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    secret = dict.fromkeys(("signing.key", "mqtt.credential", "introduction.json"), 0o600)
    assert modes == {**secret, "bundle.json": 0o644, "card.json": 0o644}


def test_a_doorbell_introduces_itself_with_the_credential_that_it_shows_the_broker(tmp_path: Path) -> None:
    folder, drawn = tmp_path / "doorbell", iter((bytes([7]) * 32, bytes([8]) * 32))
    card = set_up(folder, bundles.write(tmp_path), lambda size_bytes: next(drawn)[:size_bytes])
    introduction = read_card(folder / "introduction.json")
    assert isinstance(introduction, Introduction)
    assert introduction.card == card == Home(folder).card()
    assert introduction.credential == Home(folder).credential() == "08" * 32


def handed_over(tmp_path: Path, seed: bytes) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "signing.key").write_text(seed.hex())
    return folder


def test_key_that_is_handed_over_needs_no_file(tmp_path: Path) -> None:
    card = set_up(tmp_path / "doorbell", bundles.write(tmp_path), seeds)
    (tmp_path / "doorbell" / "state" / "signing.key").unlink()
    home = Home(tmp_path / "doorbell", handed_over(tmp_path, seeds(32)))
    assert sshsig.verify_key_of(home.signing_key()).hex() == card.key


def test_key_that_is_handed_over_counts_before_the_file(tmp_path: Path) -> None:
    set_up(tmp_path / "doorbell", bundles.write(tmp_path), seeds)
    handed = Home(tmp_path / "doorbell", handed_over(tmp_path, bytes(32))).signing_key()
    assert handed.private_bytes_raw() == bytes(32)


def test_unit_that_hands_over_other_things_leaves_the_file(tmp_path: Path) -> None:
    set_up(tmp_path / "doorbell", bundles.write(tmp_path), seeds)
    for credentials in (tmp_path, tmp_path / "gone"):
        assert Home(tmp_path / "doorbell", credentials).signing_key().private_bytes_raw() == seeds(32)


@pytest.mark.parametrize("damage", [b"", b"07" * 31, b"07" * 31 + b"zz", b"\xff garbage", None])
def test_bad_key_that_is_handed_over_is_told_and_no_other_is_taken(tmp_path: Path, damage: bytes | None) -> None:
    set_up(tmp_path / "doorbell", bundles.write(tmp_path), seeds)
    key = tmp_path / "signing.key"
    key.mkdir() if damage is None else key.write_bytes(damage)
    with pytest.raises(
        HomeError, match=rf"{key}: .* cannot be read: .*\nhint: LoadCredential= .*state/signing.key"
    ) as told:
        Home(tmp_path / "doorbell", tmp_path).signing_key()
    assert "0707" not in str(told.value)


@pytest.mark.parametrize("damage", [b"", b"07" * 31, b"07" * 31 + b"zz", b"0A" * 32, b"07" * 65, b"\xff garbage"])
def test_bad_credential_that_is_handed_over_is_told_and_no_other_is_taken(tmp_path: Path, damage: bytes) -> None:
    set_up(tmp_path / "doorbell", bundles.write(tmp_path), seeds)
    (tmp_path / "mqtt.credential").write_bytes(damage)
    with pytest.raises(HomeError, match=r"cannot be read: .*\nhint: LoadCredential= .*mqtt\.credential") as told:
        Home(tmp_path / "doorbell", tmp_path).credential()
    assert "0707" not in str(told.value)


def test_credential_that_is_handed_over_needs_no_file(tmp_path: Path) -> None:
    set_up(tmp_path / "doorbell", bundles.write(tmp_path), seeds)
    (tmp_path / "doorbell" / "mqtt.credential").rename(tmp_path / "mqtt.credential")
    assert Home(tmp_path / "doorbell", tmp_path).credential() == seeds(32).hex()


def test_doorbell_without_a_credential_is_told_what_to_do(tmp_path: Path) -> None:
    set_up(tmp_path / "doorbell", bundles.write(tmp_path), seeds)
    (tmp_path / "mqtt.credential").write_text("none")  # as the unit hands it over where there is no file
    (tmp_path / "doorbell" / "mqtt.credential").unlink()
    with pytest.raises(HomeError, match=r"its broker credential .* no such file .*\nhint: `sealbell init .*card\.json"):
        Home(tmp_path / "doorbell", tmp_path).credential()


def test_every_doorbell_draws_its_own_key(tmp_path: Path) -> None:
    one = set_up(tmp_path / "one", bundles.write(tmp_path), seeds)
    other = set_up(tmp_path / "other", bundles.write(tmp_path), bytes)
    assert one.doorbell != other.doorbell


def test_doorbell_that_exists_is_not_set_up_again(tmp_path: Path) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), seeds)
    before = (folder / "state" / "signing.key").read_bytes()
    with pytest.raises(HomeError, match=r"already is a doorbell's\nhint: "):
        set_up(folder, bundles.write(tmp_path), bytes)
    assert (folder / "state" / "signing.key").read_bytes() == before


def test_set_up_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), seeds)
    (folder / "card.json").unlink()
    card = set_up(folder, bundles.write(tmp_path), bytes)
    assert Home(folder).card() == card
    assert sshsig.verify_key_of(Home(folder).signing_key()).hex() == card.key


@pytest.mark.parametrize(
    ("document", "signer_seed", "reason"),
    [
        (replace(bundles.readers(), version=2, before="cd" * 32), 9, "only a first version"),
        (replace(bundles.readers(), doorbell="ef" * 16), 9, "only a first version"),
        (bundles.readers(), 8, "signature does not fit"),
    ],
)
def test_readers_that_cannot_be_pinned_leave_nothing(
    tmp_path: Path, document: Readers, signer_seed: int, reason: str
) -> None:
    with pytest.raises(HomeError, match=f"cannot be pinned: .*{reason}"):
        set_up(tmp_path / "doorbell", bundles.write(tmp_path, document=document, signer_seed=signer_seed), seeds)
    assert not (tmp_path / "doorbell").exists()


@pytest.mark.parametrize("data", [b"", b"{}", b"not json", b"\xff" * 100, b"{" * 200_000])
def test_file_that_is_no_bundle_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bundle.json"
    path.write_bytes(data)
    with pytest.raises(HomeError, match="cannot be pinned"):
        set_up(tmp_path / "doorbell", path, seeds)
    assert not (tmp_path / "doorbell").exists()


def test_readers_that_are_no_document_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    value = json.loads(bundles.write(tmp_path).read_bytes()) | {"readers": base64.b64encode(b"nothing").decode()}
    path.write_text(json.dumps(value))
    with pytest.raises(HomeError, match="cannot be pinned"):
        set_up(tmp_path / "doorbell", path, seeds)


def test_card_in_the_place_of_a_bundle_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_bytes(OwnerCard(bundles.readers().owner, "ab" * 32).encode())
    with pytest.raises(HomeError, match=r"is not an owner's bundle\nhint: `sealbell-owner init`"):
        set_up(tmp_path / "doorbell", path, seeds)


def test_bundle_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="cannot be read: no such file or directory"):
        set_up(tmp_path / "doorbell", tmp_path / "none.json", seeds)


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "doorbell"):
        with pytest.raises(HomeError, match="cannot be set up: "):
            set_up(folder, bundles.write(tmp_path), seeds)


@pytest.mark.parametrize("name", ["card.json", "bundle.json", "state/signing.key", "mqtt.credential"])
@pytest.mark.parametrize("damage", ["gone", "empty", "garbage", "folder"])
def test_folder_that_is_not_in_order_says_what_is_wrong_and_what_to_do(tmp_path: Path, name: str, damage: str) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), seeds)
    path = folder / name
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "gone":
        path.write_bytes(b"" if damage == "empty" else b"\xff\x00 garbage")
    home = Home(folder)
    use = {
        "card.json": home.card,
        "bundle.json": home.relay,
        "state/signing.key": home.signing_key,
        "mqtt.credential": home.credential,
    }[name]
    with pytest.raises(HomeError, match=rf"{folder}: its .* cannot be read: .*\nhint: `sealbell init"):
        use()


def test_error_about_a_key_does_not_tell_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), seeds)
    (folder / "state" / "signing.key").write_text("07" * 31 + "zz")
    with pytest.raises(HomeError) as told:
        Home(folder).signing_key()
    assert "0707" not in str(told.value)


def test_cards_in_each_others_place_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), seeds)
    card, pinned = (folder / "card.json").read_bytes(), (folder / "bundle.json").read_bytes()
    (folder / "card.json").write_bytes(pinned)
    (folder / "bundle.json").write_bytes(card)
    with pytest.raises(HomeError, match="is not a doorbell's card"):
        Home(folder).card()
    with pytest.raises(HomeError, match="is not an owner's bundle"):
        Home(folder).relay()


def test_card_is_described_for_programs() -> None:
    card = DoorbellCard(sshsig.verify_key_of(key_of(1)).hex(), bundles.readers().owner)
    assert json.loads(describe(card)) == {"doorbell": card.doorbell, "key": card.key, "owner": card.owner}

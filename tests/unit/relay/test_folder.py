"""The relay's folder: made once, locked while it serves, and never anybody else's."""

import stat
from pathlib import Path

import pytest

from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_wire.enrolment import RelayCard
from sealbell_wire.sshsig import verify_key_of

SEED = bytes(range(32))


def made(path: Path) -> Folder:
    folder = Folder(path)
    folder.make(SEED)
    return folder


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = made(tmp_path / "deep" / "relay")
    assert folder.is_relay
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder.root / "receipt.key").stat().st_mode) == 0o600
    assert folder.key().private_bytes_raw() == SEED


def test_a_relays_folder_is_not_made_again(tmp_path: Path) -> None:
    folder = made(tmp_path)
    with pytest.raises(RelayError, match="already"):
        folder.make(bytes(32))
    assert folder.key().private_bytes_raw() == SEED


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(RelayError, match="holds other files"):
        Folder(tmp_path).make(SEED)
    assert not (tmp_path / "receipt.key").exists()


def test_a_folder_whose_making_was_killed_is_made_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"half")
    assert made(tmp_path).key().private_bytes_raw() == SEED


@pytest.mark.parametrize("text", [b"", b"00" * 31, b"zz" * 32, b"\xff" * 64])
def test_a_damaged_key_is_said_and_never_replaced(tmp_path: Path, text: bytes) -> None:
    folder = made(tmp_path)
    (tmp_path / "receipt.key").write_bytes(text)
    with pytest.raises(RelayError, match="damaged"):
        folder.key()


def test_one_relay_serves_a_folder_at_a_time(tmp_path: Path) -> None:
    folder = made(tmp_path)
    with folder.lock(), pytest.raises(RelayError, match="another relay"), Folder(tmp_path).lock():
        pass
    with folder.lock():
        pass


def test_the_card_is_replaced_whole(tmp_path: Path) -> None:
    folder = made(tmp_path)
    assert folder.card() is None
    for port in (1, 2):
        card = RelayCard(f"mqtt://h:{port}", "http://h:3", verify_key_of(folder.key()).hex())
        folder.write_card(card)
        assert folder.card() == card
    folder.card_file.write_bytes(b"{")
    assert folder.card() is None


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RelayError, match="cannot be made"):
        Folder(tmp_path / "file" / "relay").make(SEED)
    with pytest.raises(RelayError, match="not a relay's folder"):
        Folder(tmp_path / "nowhere").key()

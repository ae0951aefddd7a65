"""A folder that is filled once: nothing in it is written over, and it says when it is whole."""

import hashlib
from pathlib import Path

import pytest

from sealbell_relay.audit.outfolder import SUMS, OutFolder
from sealbell_relay.errors import RelayError


def test_files_are_listed_with_their_sums_once_all_are_there(tmp_path: Path) -> None:
    with OutFolder(tmp_path / "out") as out:
        with out.file("a/b/c") as write:
            write(b"one, ")
            write(b"two")
        assert not (out.root / SUMS).exists()
    assert (out.root / "a" / "b" / "c").read_bytes() == b"one, two"
    assert (out.root / SUMS).read_text() == f"{hashlib.sha256(b'one, two').hexdigest()}  a/b/c\n"
    assert {path.name for path in out.root.iterdir()} == {"a", SUMS}


def test_a_file_that_somebody_puts_there_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    out = OutFolder(tmp_path / "out")
    (out.root / "mine").write_bytes(b"mine")
    with pytest.raises(RelayError, match="cannot be written: file exists"), out, out.file("mine") as write:
        write(b"yours")
    assert (out.root / "mine").read_bytes() == b"mine"
    assert not (out.root / SUMS).exists()

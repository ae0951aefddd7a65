"""Looking at a folder is safe, whatever lies in it and whatever takes its place while one looks."""

import os
from pathlib import Path

import pytest

from sealbell_relay.audit.tree import Tree


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    tree = Tree(tmp_path)
    assert [tree.read("file", limit) for limit in (0, 1, 5, 6)] == [b"", b"1", b"12345", b"12345"]


def test_what_is_gone_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    tree = Tree(tmp_path)
    for path in ("absent", "file/below", "absent/below"):
        assert tree.read(path, 1) is None
        assert tree.node(path) is None
        assert tree.list(path) == []


def test_a_link_that_took_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/zero")
    tree = Tree(tmp_path)
    with pytest.raises(OSError, match="symbolic link"):
        tree.read("link", 1)
    assert tree.node("link") == tree.list("")[0]
    assert tree.list("")[0].kind == "other"


def test_a_pipe_that_took_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert Tree(tmp_path).read("pipe", 1) == b""

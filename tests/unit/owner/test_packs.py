"""An owner opens a relay's folder whether its clips lie in packs or not, and whatever is wrong with one."""

import os
from pathlib import Path

import pytest

from parts_factory import Doorbell
from relay_folder import stored_bytes
from sealbell_owner.errors import OwnerError
from sealbell_owner.folder import Folder
from sealbell_wire.pack import encode_pack, pack_name

BELL = Doorbell()
CLIP = BELL.clip_id()
PARTS = BELL.clip(6)
MARK = BELL.dropped(PARTS[2])
WHOLE = [stored_bytes(part) for part in PARTS]


def clip_in(root: Path) -> Path:
    folder = root / "store" / "clips" / BELL.id / CLIP[:6] / CLIP
    folder.mkdir(parents=True)
    return folder


def loose(folder: Path, seqs: range) -> None:
    for seq in seqs:
        (folder / f"{seq:06d}.part").write_bytes(WHOLE[seq])


def packed(folder: Path, seqs: range, mark: bool = False) -> Path:
    objects = [(seq, True, stored_bytes(MARK)) if mark and seq == 2 else (seq, False, WHOLE[seq]) for seq in seqs]
    path = folder / pack_name(seqs[0], seqs[-1])
    path.write_bytes(encode_pack(objects))
    return path


def test_packs_and_files_give_the_same_clip(tmp_path: Path) -> None:
    for way in ("files", "packs", "both"):
        folder = clip_in(tmp_path / way)
        if way != "packs":
            loose(folder, range(6) if way == "files" else range(2, 6))
        if way != "files":
            packed(folder, range(4))
            packed(folder, range(4, 6))
    found = [Folder(tmp_path / way) for way in ("files", "packs", "both")]
    assert [list(source.parts(BELL.id, CLIP)) for source in found] == [WHOLE] * 3
    assert [list(source.parts(BELL.id, CLIP, 3)) for source in found] == [WHOLE[3:]] * 3
    assert found[0].clips(BELL.id, 10) == found[1].clips(BELL.id, 10) == found[2].clips(BELL.id, 10)
    assert found[0].clips(BELL.id, 10).clips[0].parts == 6


def test_a_part_that_came_late_counts_beside_the_pack_of_its_dropped_form(tmp_path: Path) -> None:
    folder = clip_in(tmp_path)
    packed(folder, range(6), mark=True)
    assert Folder(tmp_path).clips(BELL.id, 10).clips[0].dropped == 1
    loose(folder, range(2, 3))
    assert list(Folder(tmp_path).parts(BELL.id, CLIP)) == WHOLE
    assert Folder(tmp_path).clips(BELL.id, 10).clips[0].dropped == 0


@pytest.mark.parametrize("length", [0, 1, 8, 20, 60, -1])
def test_a_damaged_pack_takes_no_other_part_with_it(tmp_path: Path, length: int) -> None:
    folder = clip_in(tmp_path)
    path = packed(folder, range(3))
    loose(folder, range(3, 6))
    path.write_bytes(path.read_bytes()[:length])
    assert list(Folder(tmp_path).parts(BELL.id, CLIP)) == WHOLE[3:]


def test_a_pipe_under_a_packs_name_is_not_waited_for(tmp_path: Path) -> None:
    folder = clip_in(tmp_path)
    os.mkfifo(folder / pack_name(0, 5))
    with pytest.raises(OwnerError, match="there is no clip"):
        Folder(tmp_path).parts(BELL.id, CLIP)


def test_an_index_that_promises_too_much_is_not_believed(tmp_path: Path) -> None:
    folder = clip_in(tmp_path)
    with (folder / pack_name(0, 0)).open("wb") as file:
        file.write(encode_pack([(0, False, b"")])[:-4] + (2**32 - 1).to_bytes(4))
        file.truncate(16 + 2**32 - 1)  # a file of nothing, as long as the index says
    assert list(Folder(tmp_path).parts(BELL.id, CLIP)) == [b""]

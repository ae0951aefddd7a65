"""What is noted of notices is looked at, too, and so is where this machine's programs reach the relay."""

from pathlib import Path

import relay_folder
from parts_factory import Doorbell
from sealbell_relay.audit.fsck import Finding, Fsck
from sealbell_relay.folder import Folder
from sealbell_relay.follow.noticed import Noticed, NoticeShelf
from sealbell_relay.store.store import DirectoryStore

BELL = Doorbell(1)


def findings(folder: Folder) -> list[Finding]:
    found: list[Finding] = []
    Fsck(folder, 2_000_000_000.0, found.append, lambda *_: None).run()
    return found


def test_notices_are_in_order_until_something_else_lies_among_them(tmp_path: Path) -> None:
    folder = relay_folder.make(tmp_path / "relay")
    relay_folder.let_in(folder, BELL)
    NoticeShelf(DirectoryStore(folder.store)).add(Noticed(1_790_000_000_000, BELL.id, BELL.clip_id(), 0))
    folder.write_admin("http://127.0.0.1:4")
    assert findings(folder) == []
    assert folder.admin() == "http://127.0.0.1:4"
    shelf = folder.store / "notices" / BELL.id
    (shelf / "stray").touch(0o600)
    next(path for path in shelf.iterdir() if path.name != "stray").write_bytes(b"more than its name")
    (folder.root / "admin").write_text("https://example.org\n")
    assert folder.admin() is None
    assert {Path(each.path).parts[0] for each in findings(folder)} == {"admin", "store"}
    assert len(findings(folder)) == 3

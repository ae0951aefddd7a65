"""The memory card and the doorbell's folder on it: space, health, who may read the keys."""

import stat
from collections.abc import Callable
from pathlib import Path

from sealbell.doctor.finding import Finding, failure, ok, unseen, warning
from sealbell.doctor.machine import Machine

MIN_FREE_BYTES = 64_000_000
LOW_FREE_BYTES = 512_000_000
NEW_CARD = "copy the folder to a new card, and use one made for cameras (high endurance)"


def space(home: Path, free_bytes: Callable[[Path], int]) -> Finding:
    """Room for what the relay has not signed for yet."""
    try:
        free = free_bytes(home)
    except OSError as error:
        return failure("space", f"{home} cannot be looked at: {reason(error)}", "see `sealbell init --help`")
    said = f"{free // 1_000_000} MB free for {home}"
    if free < MIN_FREE_BYTES:
        return failure("space", said, "delete what does not belong there: footage is dropped instead of kept")
    if free < LOW_FREE_BYTES:
        return warning("space", said, "with the relay away this is soon full; make room")
    return ok("space", said)


def health(machine: Machine) -> Finding:
    """Errors that the file system counted, and whether it became read-only on account of them."""
    counts = machine.find("sys/fs/ext4/*/errors_count")
    if not counts:
        return unseen("card", "no ext4 file system tells about errors here")
    bad = [path.parent.name for path in counts if machine.read(str(path.relative_to(machine.root))) != "0"]
    if bad:
        return failure("card", f"the file system counted errors on {', '.join(bad)}", NEW_CARD)
    return ok("card", "the file systems counted no error")


def keys(home: Path) -> Finding:
    """Whether nobody but its owner may read the signing key: root, who hands it to the camera process, if installed."""
    key = home / "state" / "signing.key"
    try:
        folder, file = key.parent.stat(), key.stat()
    except FileNotFoundError:
        return failure("keys", f"{home} is not set up as a doorbell", f"run `sealbell init {home} --owner BUNDLE`")
    except OSError as error:
        return unseen("keys", f"{key} cannot be looked at: {reason(error)}", "run the doctor as root")
    if (folder.st_mode | file.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return failure("keys", f"others than its owner may read {key}", f"chmod 700 {key.parent}; chmod 600 {key}")
    who = "root" if 0 in (folder.st_uid, file.st_uid) else "its owner"
    return ok("keys", f"only {who} may read {key}")


def reason(error: OSError) -> str:
    """Return why the system refused, for a message."""
    return (error.strerror or str(error)).lower()

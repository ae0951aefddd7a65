#!/usr/bin/python3 -I
"""Scrubs the boot partition after the first boot: scrub BOOT HOME.

Overwrites and removes what only the first boot needed: Wi-Fi's key and the user's settings (cloud-init's files), the
owner's bundle, the package. Overwriting is what a program can do; a flash card may keep old blocks out of its reach.
"""

import os
import sys
from pathlib import Path

FOLDER = "sealbell"  # what `make image-config` put there
SEEDS = {  # cloud-init wants to find them again, not empty; with meta-data as it was it does nothing further
    "user-data": "#cloud-config\n# done at the first boot, and scrubbed by sealbell-scrub.service\nssh_pwauth: false\n",
    "network-config": "# done at the first boot, and scrubbed by sealbell-scrub.service\n",
}
BLOCK_BYTES = 65_536


def main(boot: Path, home: Path) -> int:
    """Scrub `boot` unless the doorbell in `home` still has to be set up with what lies there; return the exit code."""
    folder = boot / FOLDER
    if (folder / "bundle.json").exists() and not (home / "card.json").exists():
        print("scrub: the doorbell is not set up yet: nothing was scrubbed", file=sys.stderr)
        print("hint: journalctl -u sealbell-setup", file=sys.stderr)
        return 1
    for name, text in SEEDS.items():
        if (boot / name).is_file():
            overwrite(boot / name)
            write(boot / name, text)
    if folder.is_dir() and not folder.is_symlink():
        for path in sorted(folder.iterdir()):
            overwrite(path)
            path.unlink()
        folder.rmdir()
    sync(boot)
    print("scrub: the boot partition tells nothing more of the first boot")
    return 0


def overwrite(path: Path) -> None:
    """Overwrite a file with zeros where it lies."""
    left_bytes = path.lstat().st_size
    with os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW), "r+b", buffering=0) as file:
        while left_bytes:
            left_bytes -= file.write(bytes(min(left_bytes, BLOCK_BYTES)))
        os.fsync(file.fileno())


def write(path: Path, text: str) -> None:
    """Write a file and make sure that it is on the card."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Make sure that what was removed is removed on the card."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

"""Renders the parts of case.scad as binary STL, and its picture: `make case`. Needs openscad, and xvfb for the picture.

Each STL bears in its header a hash of the source, so that a test sees when the source has moved on.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCE = FOLDER / "case.scad"
PARTS = ("body", "lid", "hood")
HEADER_BYTES = 80
CAMERA = "--camera=148,-20,72,76,0,16,545"


def header(part: str) -> bytes:
    """Return what an STL of this source begins with."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()
    return f"{part} of sealbell's case.scad {digest[:32]}".encode("ascii").ljust(HEADER_BYTES)


def render(*arguments: object) -> None:
    """Run openscad."""
    command = ["openscad", "-q", *map(str, arguments), str(SOURCE)]
    if "--imgsize" in command:
        command = ["xvfb-run", "-a", *command]
    subprocess.run(command, check=True)  # noqa: S603 - every word is from this file


def main() -> int:
    """Write all of it beside the source."""
    missing = [program for program in ("openscad", "xvfb-run") if shutil.which(program) is None]
    if missing:
        print(f"missing: {', '.join(missing)}\nhint: apt-get install openscad xvfb", file=sys.stderr)
        return 1
    for part in PARTS:
        path = FOLDER / f"{part}.stl"
        render("-o", path, "--export-format", "binstl", "-D", f'part="{part}"')
        path.write_bytes(header(part) + path.read_bytes()[HEADER_BYTES:])
    render("-o", FOLDER / "case.png", "--imgsize", "1500,860", "--projection=p", "--colorscheme=Tomorrow", CAMERA)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Arguments that several commands share."""

import argparse
from pathlib import Path


def add_home(parser: argparse.ArgumentParser) -> None:
    """The owner's folder."""
    parser.add_argument("home", type=Path, metavar="DIR", help="the owner's folder, made by `init`")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Where clips come from."""
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="FOLDER", help="a relay's folder, in the place of the relay itself"
    )
    add_doorbell(parser)


def add_doorbell(parser: argparse.ArgumentParser) -> None:
    """Which doorbell."""
    parser.add_argument("--doorbell", metavar="D", help="a doorbell's name or the beginning of its id; else all pinned")


def add_clip(parser: argparse.ArgumentParser) -> None:
    """Which clip."""
    parser.add_argument("clip", metavar="CLIP", help="the beginning of a clip's id, or `latest`")


def positive(text: str) -> int:
    """Parse a count of at least one."""
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("is not at least 1")
    return count


def add_json(parser: argparse.ArgumentParser) -> None:
    """For programs."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")

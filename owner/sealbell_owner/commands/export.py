"""`sealbell-owner export`: a clip as files that stock `age`, `sha256sum` and `ssh-keygen` understand."""

import argparse
from pathlib import Path

from sealbell_owner import report, show
from sealbell_owner.clip import Clip, Opened
from sealbell_owner.commands import options
from sealbell_owner.errors import OwnerError
from sealbell_owner.files import make_folder, write_file
from sealbell_owner.home import Home
from sealbell_owner.lookup import fetch, find_clip
from sealbell_owner.source import open_source
from sealbell_wire import sshsig
from sealbell_wire.part import split_sealed

DESCRIPTION = (
    "Write each part of a clip that holds as NNNNNN.head and .body (together a stock age file), .record and "
    ".record.sig, its receipt as .receipt and .receipt.sig, and allowed_signers, for instance to check: "
    "`ssh-keygen -Y verify -f allowed_signers -I doorbell -n part@sealbell -s 000000.record.sig < 000000.record`; "
    "`sha256sum 000000.head 000000.body` against the record; `cat 000000.head 000000.body | age -d -i identity.txt`."
)
DOORBELL, RELAY = "doorbell", "relay"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    options.add_clip(parser)
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to write, absent or empty")
    options.add_source(parser)


def run(arguments: argparse.Namespace) -> int:
    """Export it."""
    home, out = Home(arguments.home), arguments.out
    source = open_source(home, arguments.source)
    pin, entry = find_clip(source, home.choose(arguments.doorbell), arguments.clip)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OwnerError(f"{str(out)!r} is not empty", "name a folder that is not there yet")
    make_folder(out)
    trust = home.trust(pin)
    signers = (
        sshsig.allowed_signer(DOORBELL, sshsig.PART, trust.doorbell_key)
        + sshsig.allowed_signer(DOORBELL, sshsig.DROPPED, trust.doorbell_key)
        + sshsig.allowed_signer(RELAY, sshsig.RECEIPT, trust.relay_key)
    )
    write_file(out / "allowed_signers", signers.encode("ascii"))
    clip = Clip(entry.clip, trust)
    with show.Bar("exporting", entry.size_bytes, quiet=False) as advance:

        def write(opened: Opened) -> None:
            advance(opened.part.record.size)
            _write_part(out, opened, trust.doorbell_key, trust.relay_key)

        fetch(source, pin, entry, clip, write)
    show.lines([("exported", report.title(clip, pin)), ("written", str(out)), *report.shortcomings(clip)])
    return 0 if clip.verified else 1


def _write_part(out: Path, opened: Opened, doorbell_key: bytes, relay_key: bytes) -> None:
    part = opened.part
    name = f"{part.record.seq:06d}"
    files = {
        f"{name}.record": part.record_bytes,
        f"{name}.record.sig": sshsig.armor(doorbell_key, sshsig.PART, part.signature).encode("ascii"),
        f"{name}.receipt": opened.receipt.text,
        f"{name}.receipt.sig": sshsig.armor(relay_key, sshsig.RECEIPT, opened.receipt.signature).encode("ascii"),
    }
    if part.sealed is not None:
        files[f"{name}.head"], files[f"{name}.body"] = split_sealed(part.sealed)
    if part.dropped is not None:
        files[f"{name}.record.dropped.sig"] = sshsig.armor(doorbell_key, sshsig.DROPPED, part.dropped).encode("ascii")
    for file_name, data in files.items():
        write_file(out / file_name, data)

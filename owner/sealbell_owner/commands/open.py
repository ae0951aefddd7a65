"""`sealbell-owner open`: a clip into a playable file, everything checked, only what was authenticated written."""

import argparse
from pathlib import Path

from sealbell_owner import history, report, show
from sealbell_owner.clip import Clip, Opened
from sealbell_owner.commands import options
from sealbell_owner.files import Draft, make_folder, write_file
from sealbell_owner.film import Film
from sealbell_owner.home import Home
from sealbell_owner.lookup import fetch, find_clip
from sealbell_owner.source import open_source
from sealbell_wire.content import Notice

DESCRIPTION = (
    "Fetch a clip, check every signature, link, receipt and the manifest, and write what holds as an .mp4. An "
    "interrupted clip is written as far as it arrived, and said to be. Exits with 0 if everything that the clip must "
    "have up to its last part is there and holds, with 1 otherwise; the file is written all the same from what holds."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    options.add_clip(parser)
    parser.add_argument("--out", type=Path, metavar="FILE.mp4", help="the file to write; else CLIP.mp4 right here")
    parser.add_argument(
        "--parts", type=Path, metavar="FOLDER", help="also save each part's plaintext there as NNNNNN.kind"
    )
    options.add_source(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Open it."""
    home = Home(arguments.home)
    source = open_source(home, arguments.source)
    pin, entry = find_clip(source, home.choose(arguments.doorbell), arguments.clip)
    clip, film = Clip(entry.clip, home.trust(pin)), Film()
    seen = home.memory(pin).get(entry.clip)
    path: Path = arguments.out or Path(f"{entry.clip}.mp4")
    if arguments.parts:
        make_folder(arguments.parts)
    with Draft(path) as draft, show.Bar("opening", entry.size_bytes, quiet=arguments.json) as advance:

        def write(opened: Opened) -> None:
            advance(opened.part.record.size)
            for piece in film.add(opened.part.record, opened.plaintext):
                draft.write(piece)
            if arguments.parts:
                _save(arguments.parts, opened)

        fetch(source, pin, entry, clip, write)
        for piece in film.finish():
            draft.write(piece)
        if film.played:
            draft.keep()
    clip.faults += history.changes(entry, seen) if seen else []
    home.remember(pin, filter(None, (clip.as_seen(), history.as_seen(entry))))
    written = path if film.played else None
    if arguments.json:
        show.json_line({**report.as_json(clip, pin), "opened": str(written) if written else None})
    else:
        _say(clip, report.title(clip, pin), film, written)
    return 0 if clip.verified else 1


def _say(clip: Clip, title: str, film: Film, written: Path | None) -> None:
    start_ms, end_ms = clip.span_ms or (0, 0)
    where = f"{written}, {show.seconds(end_ms - start_ms)}" if written else "nothing: no picture had arrived"
    rows = [("opened", title), ("written", where)]
    rows += report.shortcomings(clip)
    if film.left_out:
        rows.append(("left out", f"parts {show.ranges(film.left_out)}: they build on pictures that are not here"))
    if clip.verified:
        rows.append(("verified", f"{len(clip.held)} parts, each signed by the doorbell and none missing between them"))
    show.lines(rows)


def _save(folder: Path, opened: Opened) -> None:
    if opened.plaintext is None:
        return
    name = f"{opened.part.record.seq:06d}"
    write_file(folder / f"{name}.{opened.part.record.kind}", opened.plaintext)
    if isinstance(opened.content, Notice) and opened.content.snapshot:
        write_file(folder / f"{name}.jpg", opened.content.snapshot)

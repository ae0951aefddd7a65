"""Writes wire/vectors/*.json: `python wire/vectors/make.py [FOLDER]`, the same bytes every time.

What is sealed cannot be made twice alike, so the files of SEALED are written only where they are absent.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from cases import clips, contents, documents, health, histories, keeping, names, parts, signatures
from cases.base import Case

FILES: dict[str, Callable[[], list[Case]]] = {
    "strictjson.json": names.strict_json,
    "ids.json": names.ids,
    "topics.json": names.topics,
    "padme.json": names.padme,
    "sshsig.json": signatures.signatures,
    "records.json": parts.records,
    "parts.json": parts.parts,
    "receipts.json": parts.receipts,
    "chains.json": histories.chains,
    "contents.json": contents.contents,
    "readers.json": documents.readers,
    "cards.json": documents.cards,
    "health.json": health.health,
    "tombstones.json": keeping.tombstones,
    "retentions.json": keeping.retentions,
    "resumptions.json": keeping.resumptions,
}
SEALED: dict[str, Callable[[], list[Case]]] = {"clips.json": clips.clips, "sealed_health.json": health.sealed_health}


def write(path: Path, cases: list[Case]) -> None:
    """Write one file of cases, whose names are all different."""
    if len({case["name"] for case in cases}) != len(cases):
        raise ValueError(f"{path.name} has two cases of one name")
    path.write_text(json.dumps(cases, indent=1, ensure_ascii=True) + "\n", encoding="ascii")


def main(folder: Path) -> None:
    """Write every file below `folder`."""
    for name, cases in FILES.items():
        write(folder / name, cases())
    for name, cases in SEALED.items():
        if not (folder / name).exists():
            write(folder / name, cases())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)

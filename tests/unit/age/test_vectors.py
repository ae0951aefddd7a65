"""Every age vector behaves as it says, through the library, in pieces, and through age-open as a process."""

import hashlib
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from sealbell_wire.age import header
from sealbell_wire.age.errors import NotOpenedError, PayloadFailure
from sealbell_wire.age.file import Opener, open_file, split, unwrap
from sealbell_wire.age.keys import parse_identity
from sealbell_wire.age.payload import seal

FOLDER = Path(__file__).parents[3] / "wire" / "vectors" / "age"
# A vector that fails before any identity is asked may come without one; a program needs one all the same.
SPARE_IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"


@dataclass(frozen=True)
class Vector:
    expect: str
    identities: list[str]
    payload: str | None
    file_key: bytes
    age_file: bytes


def load(name: str) -> Vector:
    text, _, age_file = (FOLDER / name).read_bytes().partition(b"\n\n")
    pairs = [line.split(": ", 1) for line in text.decode().splitlines()]
    fields = dict(pairs)
    return Vector(
        expect=fields["expect"],
        identities=[value for key, value in pairs if key == "identity"] or [SPARE_IDENTITY],
        payload=fields.get("payload"),
        file_key=bytes.fromhex(fields.get("file key", "")),
        age_file=zlib.decompress(age_file) if fields.get("compressed") == "zlib" else age_file,
    )


NAMES = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".md")
PIECE_BYTES = 1000


def check(vector: Vector, verdict: str, plaintext: bytes) -> None:
    assert verdict == vector.expect
    if vector.payload is not None:
        assert hashlib.sha256(plaintext).hexdigest() == vector.payload
    else:
        assert plaintext == b""


def test_the_vectors_are_there():
    assert len(NAMES) == 62


@pytest.mark.parametrize("name", NAMES)
def test_vector(name):
    vector = load(name)
    identities = [parse_identity(text) for text in vector.identities]
    verdict, plaintext = "success", b""
    try:
        plaintext = open_file(vector.age_file, identities)
    except PayloadFailure as failure:
        verdict, plaintext = failure.verdict, failure.released
    except NotOpenedError as failure:
        verdict = failure.verdict
    check(vector, verdict, plaintext)


@pytest.mark.parametrize("name", NAMES)
def test_vector_in_pieces(name):
    vector = load(name)
    opener = Opener([parse_identity(text) for text in vector.identities])
    verdict, plaintext = "success", b""
    try:
        for at in range(0, len(vector.age_file), PIECE_BYTES):
            plaintext += opener.feed(vector.age_file[at : at + PIECE_BYTES])
        plaintext += opener.finish()
    except PayloadFailure as failure:
        verdict, plaintext = failure.verdict, plaintext + failure.released
    except NotOpenedError as failure:
        verdict = failure.verdict
    check(vector, verdict, plaintext)


@pytest.mark.parametrize("name", NAMES)
def test_vector_by_age_open(name, tmp_path):
    vector = load(name)
    identity_file = tmp_path / "identity.txt"
    identity_file.write_text("\n".join(vector.identities))
    command = [sys.executable, "-m", "sealbell_owner.age_open", "--identity", str(identity_file)]
    done = subprocess.run(command, input=vector.age_file, capture_output=True, check=False)
    if done.returncode == 0:
        check(vector, "success", done.stdout)
        assert done.stderr == b""
    else:
        assert done.returncode == 1
        check(vector, done.stderr.decode().splitlines()[-1], done.stdout)


@pytest.mark.parametrize("name", [name for name in NAMES if load(name).expect == "success"])
def test_vector_is_written_as_it_was_read(name):
    vector = load(name)
    head, body = split(vector.age_file)
    assert unwrap(head, [parse_identity(text) for text in vector.identities]) == vector.file_key
    assert header.serialise(header.parse(head).stanzas, vector.file_key) == head
    plaintext = open_file(vector.age_file, [parse_identity(text) for text in vector.identities])
    assert seal(vector.file_key, body[:16], plaintext) == body

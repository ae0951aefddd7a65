"""`sealbell-owner age-open` as a process: what people and scripts see."""

import select
import subprocess
import sys
from pathlib import Path

import pytest

from sealbell_owner.age_open import main
from sealbell_wire.age.file import seal
from sealbell_wire.age.keys import MAX_IDENTITY_FILE_CHARS

COMMAND = [sys.executable, "-m", "sealbell_owner.age_open"]
PATIENCE_S = 30


@pytest.fixture
def identity_file(owner, outsider, tmp_path) -> Path:
    path = tmp_path / "identities.txt"
    path.write_text(f"# ours — ours\n{owner.encode()}\n{outsider.encode()}\n")
    return path


def age_open(identity_file: Path, data: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [*COMMAND, "--identity", str(identity_file)]
    return subprocess.run(command, input=data, capture_output=True, check=False, timeout=PATIENCE_S)


@pytest.mark.parametrize("reader", ["owner", "outsider"])
def test_it_opens_a_file_of_several_chunks(reader, request, identity_file):
    sealed = seal(bytes(300_000), [request.getfixturevalue(reader).recipient])
    done = age_open(identity_file, sealed.file)
    assert (done.returncode, done.stdout, done.stderr) == (0, bytes(300_000), b"")


def test_a_cut_file_gives_what_was_authenticated_and_says_so_last(identity_file, owner):
    sealed = seal(bytes(300_000), [owner.recipient])
    done = age_open(identity_file, sealed.file[:-1])
    assert done.returncode == 1
    assert done.stdout == bytes(4 * 65536)
    assert done.stderr.decode().splitlines()[-1] == "payload failure"


def test_plaintext_comes_out_before_the_file_ends(identity_file, owner):
    sealed = seal(bytes(100_000), [owner.recipient])
    age_file = sealed.file
    with subprocess.Popen(
        [*COMMAND, "--identity", str(identity_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(age_file[:-1])
        released = b""
        while len(released) < 65536:
            assert select.select([process.stdout], [], [], PATIENCE_S)[0], "nothing came out while the file was open"
            released += process.stdout.read(65536)
        process.stdin.write(age_file[-1:])
        process.stdin.close()
        assert released + process.stdout.read() == bytes(100_000)
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_an_output_that_closes_is_no_verdict_on_the_file(size, identity_file, owner):
    sealed = seal(bytes(size), [owner.recipient])
    with subprocess.Popen(
        [*COMMAND, "--identity", str(identity_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, told = process.communicate(sealed.file, timeout=PATIENCE_S)
    assert process.returncode == 2
    assert told == b"age-open: reading or writing failed: Broken pipe\n"


def test_wrong_usage_exits_with_2(capsys):
    for arguments in ([], ["--identity"], ["--nonsense"]):
        with pytest.raises(SystemExit) as leaving:
            main(arguments)
        assert leaving.value.code == 2
    assert "--identity" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there is no identity in it"),
        (b"age1notasecret", "line 1: this is not an identity"),
        (b"\xff\xfe", "it is not text"),
        (b"# fine\nAGE-SECRET-KEY-1QQQQ\n", "line 2: the key"),
        (b"#" * (MAX_IDENTITY_FILE_CHARS + 1), "it is larger than"),
    ],
)
def test_an_unusable_identity_file_exits_with_2_and_says_why(content, told, tmp_path, capsys):
    path = tmp_path / "identities.txt"
    path.write_bytes(content)
    assert main(["--identity", str(path)]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_an_unreadable_identity_file_exits_with_2(name, tmp_path, capsys):
    assert main(["--identity", str(tmp_path / name)]) == 2
    assert "cannot read the identity file" in capsys.readouterr().err


def test_an_endless_identity_file_is_not_read_to_its_end(capsys):
    assert main(["--identity", "/dev/zero"]) == 2
    assert "it is larger than" in capsys.readouterr().err

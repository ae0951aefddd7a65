"""What the doorbell's commands say when something is wrong: what, to what, what to do next; never a traceback."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import bundles
import films
from sealbell.cli import FAILED, OK, WRONG_USAGE, main

DRAWN = ("--synthetic", "64x48@10:100000", "--length", "1")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return bundles.write(tmp_path)


@pytest.fixture
def home(tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["init", str(tmp_path / "doorbell"), "--owner", str(bundle)]) == OK
    capsys.readouterr()
    return tmp_path / "doorbell"


class Said:
    """What a command returned, and what it said on stderr."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: object) -> None:
        try:
            self.code = main([str(argument) for argument in arguments])
        except SystemExit as left:
            self.code = int(left.code or 0)
        self.out, self.err = capsys.readouterr()


def test_init_says_what_to_do_next(tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "init", tmp_path / "doorbell", "--owner", bundle)
    assert said.code == OK
    assert f"{tmp_path / 'doorbell' / 'introduction.json'} to the owner's tools (`sealbell-owner pin`)" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("open",), ("init",), ("init", "DIR"), ("watch",), ("uplink",), ("demo",), ("doctor", "A", "B"),
        ("watch", "DIR", "--synthetic", "64x48@10:100000", "--footage", "FILE"),
        ("watch", "DIR", "--footage", "FILE", "--pace", "slow"),
        *(("watch", "DIR", "--synthetic", "64x48@10:100000", f"--press={s}") for s in ("soon", "-1", "nan", "inf")),
        *(("watch", "DIR", "--synthetic", "64x48@10:100000", f"--length={s}") for s in ("nan", "inf")),
    ],
)  # fmt: skip
def test_wrong_usage_is_2_and_shows_the_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, *arguments)
    assert said.code == WRONG_USAGE
    assert said.err.startswith("usage: sealbell")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--footage", "none.mp4"), "none.mp4: cannot be read as video: no such file or directory"),
        (("--synthetic", "1281x720@30:2000000"), "--synthetic: takes an even width"),
        (("--synthetic", "huge"), "--synthetic: is not WxH@FPS:BITS"),
        ((*DRAWN, "--fragment-ms", "100"), "--fragment-ms takes 250 to 1000"),
        ((*DRAWN, "--fragment-ms", "1001"), "--fragment-ms takes 250 to 1000"),
    ],
)
def test_watch_that_is_asked_for_what_cannot_be_is_2(
    home: Path, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Said(capsys, "watch", home, *arguments)
    assert said.code == WRONG_USAGE
    assert said.err.startswith("sealbell: ")
    assert words in said.err


@pytest.mark.parametrize(("command", "more"), [("watch", DRAWN), ("uplink", ())])
def test_folder_that_is_no_doorbells_is_1_with_what_to_do(
    tmp_path: Path, command: str, more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    said = Said(capsys, command, tmp_path / "nowhere", *more)
    assert said.code == FAILED
    first, hint = said.err.strip().splitlines()
    assert first.startswith(f"sealbell: {tmp_path / 'nowhere'}: its ")
    assert not first.endswith(".")
    assert hint.startswith("hint: `sealbell init ")
    assert not (tmp_path / "nowhere").exists()


def test_second_init_is_1_with_what_to_do(home: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "init", home, "--owner", bundle)
    assert said.code == FAILED
    assert "already is a doorbell's\nhint: " in said.err


def test_another_doorbells_key_is_1(
    home: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Said(capsys, "init", tmp_path / "other", "--owner", bundle)
    (home / "state" / "signing.key").write_bytes((tmp_path / "other" / "state" / "signing.key").read_bytes())
    said = Said(capsys, "watch", home, *DRAWN)
    assert said.code == FAILED
    assert "another doorbell's" in said.err


@pytest.mark.parametrize("command", [("watch", *DRAWN), ("uplink",)])
def test_outbox_that_cannot_be_used_is_1(
    home: Path, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (home / "outbox").iterdir():
        path.unlink()
    (home / "outbox").rmdir()
    (home / "outbox").write_text("in the way")
    said = Said(capsys, command[0], home, *command[1:])
    assert said.code == FAILED
    assert f"the outbox {home / 'outbox'} cannot be used" in said.err


def test_damaged_newest_part_is_set_aside_and_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "outbox" / f"{'ab' * 16}-000000-nm-1.part").write_bytes(b"torn")
    assert Said(capsys, "watch", home, *DRAWN).code == OK


@pytest.mark.parametrize("mqtt", ["mqtt://127.0.0.1:99999", "mqtt://host:port", "mqtt://[::1"])
def test_relay_address_that_cannot_be_is_1(tmp_path: Path, mqtt: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        Said(
            capsys, "init", tmp_path / "doorbell", "--owner", bundles.write(tmp_path, replace(bundles.RELAY, mqtt=mqtt))
        ).code
        == OK
    )
    said = Said(capsys, "uplink", tmp_path / "doorbell")
    assert said.code == FAILED
    assert f"{mqtt} is not mqtt://HOST:PORT" in said.err


def test_film_is_watched_to_its_end(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = films.write(tmp_path / "film.mp4", range(0, 3_100, 100))
    said = Said(capsys, "watch", home, "--footage", film, "--pace", "fast", "--press", "1", "--json")
    assert said.code == OK
    assert said.out.splitlines()[-1] == '{"at_s": 3, "of_s": 3}'
    names = sorted(path.name for path in (home / "outbox").glob("*.part"))
    assert [name[33:42] for name in names] == [f"{n:06d}-{kind}p" for n, kind in enumerate("nivvvvf")]
    assert "Traceback" not in said.err


def test_doorbell_without_a_camera_library_says_what_to_install(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "watch", home)
    assert said.code == FAILED
    assert "picamera2 cannot be used here" in said.err
    assert "hint: sudo apt install python3-picamera2" in said.err


def test_settings_name_the_camera(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film, settings = films.write(tmp_path / "film.mp4", range(0, 1_100, 100)), tmp_path / "sealbell.toml"
    settings.write_text(f'[camera]\nsource = "footage:{film}"\n')
    assert Said(capsys, "watch", home, "--config", settings).code == OK
    settings.write_text('[camera]\nsource = "footage:/nowhere.mp4"\n')
    said = Said(capsys, "watch", home, "--config", settings)
    assert (said.code, "/nowhere.mp4: cannot be read as video" in said.err) == (FAILED, True)
    settings.write_text('[camera]\nsource = "drawn:65x49@10:100000"\n')
    said = Said(capsys, "watch", home, "--config", settings)
    assert (said.code, "an even width and height" in said.err) == (FAILED, True)


def test_settings_that_are_wrong_stop_the_doorbell(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "sealbell.toml"
    settings.write_text("[camera]\nfsp = 15\n")
    said = Said(capsys, "watch", home, "--config", settings)
    assert (said.code, "fps" in said.err) == (FAILED, True)


def test_doctor_off_a_pi_examines_and_tells(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "doctor", home)
    assert "this is no Raspberry Pi" in said.out
    assert re.search(r"only (root|its owner) may read .*/state/signing\.key", said.out)
    settings = tmp_path / "sealbell.toml"
    settings.write_text('[camera]\nsource = "drawn:64x48@20:100000"\n')
    assert "pictures of 64x48" in Said(capsys, "doctor", home, "--config", settings).out


@pytest.mark.parametrize("command", [("sealbell", "config"), ("sealbell-relay", "--help")])
def test_reader_that_leaves_is_no_traceback(command: tuple[str, str]) -> None:
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        ["sh", "-c", f"{program} {command[1]} | true"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""

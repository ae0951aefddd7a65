"""Every command that a page quotes exists, with the options that the page gives it."""

import functools
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

import pytest

from docs.pages import ROOT, page, pages

SCRIPTS = Path(sysconfig.get_path("scripts"))
PROGRAMS = ("sealbell", "sealbell-relay", "sealbell-owner")
_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
_TARGET = re.compile(r"^([a-z][a-z0-9-]*):", re.MULTILINE)


def quoted() -> list[tuple[str, str]]:
    """Return (page, command line) for each mention of one of our programs with something after its name."""
    found = []
    for one in pages():
        for line in one.command_lines:
            for command in re.split(r"\s*(?:\||&&|;|&)\s+|\s*&$", line):
                program = command.split(" ")[0]
                if program.removeprefix(".venv/bin/") in PROGRAMS and " " in command:
                    found.append((one.name, command))
    return sorted(set(found))


@functools.cache
def help_of(program: str, command: str) -> str | None:
    """Return what `program command --help` prints, None if there is no such command."""
    done = subprocess.run(
        [SCRIPTS / program, *([command] if command else []), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


@pytest.mark.parametrize(("name", "line"), quoted())
def test_quoted_commands_and_options_exist(name: str, line: str) -> None:
    words = shlex.split(re.split(r" [<>] ", line)[0])
    program = words[0].removeprefix(".venv/bin/")
    command = next((word for word in words[1:] if not word.startswith("-")), "")
    said = help_of(program, command)
    assert said is not None, f"{name}: {program} has no command {command!r}"
    options = {word.split("=")[0] for word in words[1:] if word.startswith("-") and word != "-"}
    assert options <= set(_OPTION.findall(said)), f"{name}: `{program} {command}` has no {sorted(options)}"


def test_pages_quote_commands_of_every_program() -> None:
    programs = {line.split(" ")[0].removeprefix(".venv/bin/") for _, line in quoted()}
    assert programs == set(PROGRAMS)


def targets() -> set[str]:
    """Return the targets of the Makefile that a person may name."""
    return set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def test_quoted_make_targets_exist() -> None:
    for one in pages():
        for line in one.command_lines:
            words = line.split()
            if words[:1] == ["make"]:
                named = {word for word in words[1:] if re.fullmatch(r"[a-z][a-z0-9-]*", word)}
                assert named <= targets(), f"{one.name}: `{line}`"


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = dict(line.split(maxsplit=2)[1:] for line in done.stdout.splitlines())
    assert set(lines) == targets()
    assert all(lines.values())


def test_the_front_page_quotes_the_demo_in_its_own_words() -> None:
    [excerpt] = page("README.md").blocks("")
    folders = (ROOT / "firmware" / "sealbell" / "demo", ROOT / "relay" / "sealbell_relay")
    sources = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    wordings = re.findall(r"[a-z][a-z' ,]{24,}[a-z]", excerpt)
    assert len(wordings) > 4
    assert [words for words in wordings if words not in sources] == []

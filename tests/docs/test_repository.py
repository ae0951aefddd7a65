"""Nothing in the repository tells of the machine that it was made on, where packages come from, or a secret."""

import re

import pytest

from docs.pages import ROOT, files

# Patterns with a bracket or a backslash in each name, so that this file is not found by what it looks for.
MACHINE = re.compile(rb"(?<![\w.-])/(?:wor[k]|roo[t])/")
HOME = re.compile(rb"(?<![\w.-])/(?:hom[e]|User[s])/\w+/")  # of text only: films keep the homes of those who made them
HOST = re.compile(rb"\b(?:[a-z0-9-]+\.)+(?:org|com|net|io|dev)\b")
# Whoever needs another one adds it here, unless it is where packages come from: those are the reader's to choose.
KNOWN_HOSTS = {
    b"age-encryption.org", b"creativecommons.org", b"cvsweb.openbsd.org", b"github.com", b"keepachangelog.com",
    b"opencv.org", b"paulmillr.com", b"semver.org", b"wiki.creativecommons.org", b"www.apache.org", b"www.debian.org",
    b"www.w3.org",
}  # fmt: skip
SECRETS = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE [K]EY-----|\bAKI[A][0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|"
    rb"\bgithub_pa[t]_\w{20,}|\bglpa[t]-\w{16,}|\bxox[abp]-\w{8,}"
)
PASSWORDS = re.compile(
    rb"[a-z]://[^/\s:@\"'`{]+[:][^/\s:@\"'`{\[]+@|"
    rb"(?i:\b(?:password|passwd|api_?key|secret|token)\s*[:=]\s*b?[\"'][^\"'\s{}$<]{8,}[\"'])"
)
AGE_IDENTITY = re.compile(rb"AGE-SECRET[-]KEY-(?:PQ-)?1[A-Z0-9]{40,}")
PROTECT_NOTHING = ("wire/vectors/", "tests/")  # made for all to see, from fixed seeds or by C2SP


def lines_with(pattern: re.Pattern[bytes], name: str) -> list[int]:
    """Return the numbers of the lines in which the pattern stands."""
    data = (ROOT / name).read_bytes()
    return [data.count(b"\n", 0, match.start()) + 1 for match in pattern.finditer(data)]


def is_text(name: str) -> bool:
    """Say whether a file is text: what looks like a host in a film is chance."""
    return b"\0" not in (ROOT / name).read_bytes()


@pytest.mark.parametrize("pattern", [MACHINE, SECRETS], ids=["path of a machine", "secret"])
def test_no_file_holds_a(pattern: re.Pattern[bytes]) -> None:
    found = [f"{name}:{line}" for name in files() for line in lines_with(pattern, name)]
    assert not found


def test_no_text_names_a_home() -> None:
    assert [name for name in files() if is_text(name) and lines_with(HOME, name)] == []


def test_every_host_that_is_named_is_a_known_one() -> None:
    found = {(name, host) for name in files() if is_text(name) for host in HOST.findall((ROOT / name).read_bytes())}
    nobodys = re.compile(rb"(?:.*\.)?example\.(?:com|net|org)")  # RFC 2606
    assert {(name, host) for name, host in found if host not in KNOWN_HOSTS and not nobodys.fullmatch(host)} == set()


@pytest.mark.parametrize("pattern", [AGE_IDENTITY, PASSWORDS], ids=["age identities", "passwords"])
def test_only_what_protects_nothing_holds(pattern: re.Pattern[bytes]) -> None:
    found = [name for name in files() if not name.startswith(PROTECT_NOTHING) and lines_with(pattern, name)]
    assert not found


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        (MACHINE, (b"see /wor", b"k/main/x.py")),
        (HOST, (b"--index-url https://packages.example", b".com/simple")),
        (HOME, (b"see /hom", b"e/somebody/main/x.py")),
        (PASSWORDS, (b"mqtt://bell:sesame", b"@relay:1883")),
        (SECRETS, (b"-----BEGIN OPENSSH PRIVATE ", b"KEY-----")),
        (PASSWORDS, (b'password = "', b'correcthorse"')),
        (AGE_IDENTITY, (b"AGE-SECRET-", b"KEY-1" + b"Q" * 58)),
    ],
)
def test_what_is_looked_for_is_found(pattern: re.Pattern[bytes], pieces: tuple[bytes, bytes]) -> None:
    assert pattern.search(b"".join(pieces))


def test_the_lock_pins_every_package_by_hash_and_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="ascii")
    pins = re.findall(r"^[a-z0-9][\w.\-\[\]]*==[^\n]*(?:\n +[^\n]+)*", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z]", lock, re.MULTILINE))
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in lock
    assert "--index" not in lock


def test_every_file_ends_its_last_line() -> None:
    texts = (name for name in files() if name.endswith((".py", ".md", ".toml", ".svg", ".sh", "Makefile", ".json")))
    assert [name for name in texts if (data := (ROOT / name).read_bytes()) and not data.endswith(b"\n")] == []

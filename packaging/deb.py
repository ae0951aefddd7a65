"""Builds the Debian package: `make deb` (ARCH=arm64 or amd64, VERSION=X). The same sources give the same bytes.

The tree is laid below build/ and packed by dpkg-deb. Times are the last commit's, owners are root, modes are two.
"""

import argparse
import fcntl
import gzip
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from wheels import MACHINES, PackageError, closure, download, licences, locked, unpack

ROOT = Path(__file__).parents[1]
HERE = ROOT / "packaging"
BUILD, DIST = ROOT / "build", ROOT / "dist"
SITE = "usr/lib/sealbell"
UNITS = "usr/lib/systemd/system"
DOC = "usr/share/doc/sealbell"
PROGRAMS = {"sealbell": "sealbell", "sealbell-relay": "sealbell_relay", "sealbell-owner": "sealbell_owner"}
MAINTAINER = "The Sealbell project <sealbell@sealbell.invalid>"
PAGES = ("flash.md", "configuration.md", "panel.md", "operate.md")  # those that the programs' hints speak of
SCRIPTS = ("postinst", "prerm", "postrm")
KIB = 1024


def main() -> int:
    """Build one package and print its path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=sorted(MACHINES), default="arm64", help="default %(default)s")
    parser.add_argument("--version", default=project_version(), metavar="X", help="default %(default)s")
    parser.add_argument("--out", type=Path, default=DIST, metavar="DIR", help="where to put it")
    args = parser.parse_args()
    try:
        print(build(args.arch, args.version, args.out))
    except (PackageError, subprocess.CalledProcessError) as error:
        print(f"deb.py: {error}", file=sys.stderr)
        return 1
    return 0


def project_version() -> str:
    """Return the version in pyproject.toml."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return str(version)


def build(arch: str, version: str, out: Path) -> Path:
    """Build the package for `arch` in `out`; return its path."""
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+~]*", version):
        raise PackageError(f"{version!r} is no version\nhint: such as 0.2.0 or 0.2.0~rc1")
    epoch = last_commit()
    tree = BUILD / f"deb-{arch}-{os.getpid()}"
    try:
        with alone():
            lay(tree, arch, epoch)
        documents(tree, version, epoch)
        control(tree, arch, version)
        normalise(tree, epoch)
        out.mkdir(parents=True, exist_ok=True)
        package = out / f"sealbell_{version}_{arch}.deb"
        new = package.with_suffix(f".{os.getpid()}")
        # zstd: a fifth larger than xz and ten times as quick. One thread: how it cuts blocks depends on their number.
        run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z10", "--threads-max=1", "--build", tree, new, epoch=epoch)
        new.rename(package)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    return package


@contextmanager
def alone() -> Iterator[None]:
    """Let one build at a time download and unpack."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def last_commit() -> int:
    """Return SOURCE_DATE_EPOCH: what the environment says, else the time of the last commit, in seconds."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    return int(run("git", "-C", ROOT, "log", "-1", "--format=%ct"))


def run(*command: str | Path, epoch: int = 0) -> str:
    """Run a program and return what it prints."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return done.stdout


def lay(tree: Path, arch: str, epoch: int) -> None:
    """Lay everything that is installed below `tree`."""
    machine = MACHINES[arch]
    site = tree / SITE
    lock = (ROOT / "requirements.lock").read_text(encoding="ascii")
    wheels = download(locked(lock, closure(machine), machine), machine, BUILD / "wheels" / arch)
    for wheel in [own_wheel(epoch), *wheels]:
        unpack(wheel, site)
    for program, package in PROGRAMS.items():
        text = (HERE / "launcher").read_text(encoding="utf-8").replace("@PACKAGE@", package)
        put(tree / "usr/bin" / program, text).chmod(0o755)
    for unit in sorted((ROOT / "systemd").glob("*.service")):
        put(tree / UNITS / unit.name, unit.read_text(encoding="utf-8"))
    for source, target in (
        (ROOT / "systemd/sealbell.sysusers", "usr/lib/sysusers.d/sealbell.conf"),
        (ROOT / "systemd/sealbell.tmpfiles", "usr/lib/tmpfiles.d/sealbell.conf"),
        (ROOT / "systemd/sealbell-watchdog.conf", "usr/lib/systemd/system.conf.d/sealbell-watchdog.conf"),
        (HERE / "sealbell.toml", "etc/sealbell/sealbell.toml"),
        (HERE / "swap.conf", "etc/rpi/swap.conf.d/sealbell.conf"),
    ):
        put(tree / target, source.read_text(encoding="utf-8"))
    put(tree / "usr/libexec/sealbell/scrub", (HERE / "scrub.py").read_text(encoding="utf-8")).chmod(0o755)


def own_wheel(epoch: int) -> Path:
    """Build Sealbell's own wheel, for its metadata and the folders that pyproject.toml names; return its path."""
    folder = BUILD / "own"
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, epoch=epoch)
    [wheel] = folder.glob("*.whl")
    return wheel


def documents(tree: Path, version: str, epoch: int) -> None:
    """Lay the manual pages, the changelog, the licences, and what lintian finds and we mean so."""
    manual = (HERE / "sealbell.1").read_bytes()
    put(tree / "usr/share/man/man1/sealbell.1.gz", packed(manual))
    for program in ("sealbell-owner", "sealbell-relay"):
        put(tree / f"usr/share/man/man1/{program}.1.gz", packed(b".so man1/sealbell.1\n"))
    entry = f"sealbell ({version}) trixie; urgency=medium\n\n  * What changed: CHANGELOG.md.gz beside this file.\n\n"
    entry += f" -- {MAINTAINER}  {formatdate(epoch)}\n"
    put(tree / DOC / "changelog.gz", packed(entry.encode()))
    put(tree / DOC / "CHANGELOG.md.gz", packed((ROOT / "CHANGELOG.md").read_bytes()))
    for page in PAGES:
        put(tree / DOC / page, (ROOT / "docs" / page).read_text(encoding="utf-8"))
    put(tree / DOC / "copyright", copyright_file(tree))
    overrides = (HERE / "debian/lintian-overrides").read_text(encoding="utf-8")
    put(tree / "usr/share/lintian/overrides/sealbell", overrides)


def packed(data: bytes) -> bytes:
    """Return `data` as gzip has it, with no time in it."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def copyright_file(tree: Path) -> str:
    """Return the copyright file: ours, and one paragraph for each wheel that is carried."""
    lines = [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
        "Upstream-Name: sealbell",
        "",
        "Files: *",
        "Copyright: 2026 The Sealbell project",
        "License: Apache-2.0",
        " The text is in /usr/share/common-licenses/Apache-2.0.",
        "Comment: what is carried of others, each under its own licence, follows.",
    ]
    for name, version, licence, texts in licences(tree / SITE):
        if name != "sealbell":
            lines += ["", f"Name: {name} {version}", f"License: {licence}"]
            lines += [f" /{SITE}/{text}" for text in texts]
    return "\n".join(lines) + "\n"


def put(path: Path, content: str | bytes) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def control(tree: Path, arch: str, version: str) -> None:
    """Write what dpkg is to know: control, conffiles, maintainer scripts, md5sums."""
    installed = sorted(path for path in tree.rglob("*") if path.is_file())
    size_kib = sum(-(-path.stat().st_size // KIB) for path in installed)
    text = (HERE / "debian/control").read_text(encoding="utf-8")
    for name, value in (
        ("VERSION", version),
        ("ARCHITECTURE", arch),
        ("INSTALLED_KIB", str(size_kib)),
        ("MAINTAINER", MAINTAINER),
    ):
        text = text.replace(f"@{name}@", value)
    put(tree / "DEBIAN/control", text)
    put(tree / "DEBIAN/conffiles", (HERE / "debian/conffiles").read_text(encoding="utf-8"))
    for script in SCRIPTS:
        put(tree / "DEBIAN" / script, (HERE / "debian" / script).read_text(encoding="utf-8")).chmod(0o755)


def normalise(tree: Path, epoch: int) -> None:
    """Give everything the same time and one of two modes."""
    for path in [*sorted(tree.rglob("*"), reverse=True), tree]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o111 else 0o644)
        os.utime(path, (epoch, epoch))


if __name__ == "__main__":
    sys.exit(main())

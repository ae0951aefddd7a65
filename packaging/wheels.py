"""The wheels that the package carries: which ones, from the lock alone, and how they are unpacked.

Nothing is installed or run: wheels of another processor are downloaded with pip, checked against the lock's hashes and
unpacked as the wheel format says (PEP 427).
"""

import base64
import csv
import hashlib
import io
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYTHON = "3.13"
MACHINES = {"arm64": "aarch64", "amd64": "x86_64"}
OLDEST_GLIBC, NEWEST_GLIBC = 17, 41  # manylinux_2_17 to 2_41, which is trixie's
EXTRAS = ("doorbell", "relay", "owner")
FROM_DEBIAN = ("numpy", "av")  # another numpy than the system's breaks picamera2 (its issues 1088 and 1211)
_LICENCE_FILE = re.compile(r"licen[cs]e|copying|notice|authors", re.IGNORECASE)


class PackageError(Exception):
    """The package cannot be built."""


def environment(machine: str) -> dict[str, str]:
    """Return what markers are to be judged by: the Pi's Python, not this one."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{PYTHON}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{PYTHON}.0",
        "python_version": PYTHON,
        "sys_platform": "linux",
    }


def closure(machine: str) -> list[str]:
    """Return the names of all that Sealbell's programs need, but what comes from Debian.

    Sealbell's own needs are read from pyproject.toml: what is installed here may be older than the last one in it.
    """
    wanted, seen = [("sealbell", extra) for extra in EXTRAS], set[tuple[str, str]]()
    while wanted:
        name, extra = wanted.pop()
        if (name, extra) in seen or name in FROM_DEBIAN:
            continue
        seen.add((name, extra))
        for line in _own_needs(extra) if name == "sealbell" else distribution(name).requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({**environment(machine), "extra": extra}):
                wanted += [(canonicalize_name(needed.name), each) for each in ("", *needed.extras)]
    return sorted({name for name, _ in seen} - {"sealbell"})


def _own_needs(extra: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"][extra]]


def locked(lock: str, names: list[str], machine: str) -> dict[str, list[str]]:
    """Return `name==version` of each name and the hashes that the lock allows it; PackageError if one is missing."""
    text = re.sub(r" *\\\n *", " ", lock)
    found: dict[str, tuple[str, list[str]]] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        pin, *hashes = line.split(" --hash=sha256:")
        needed = Requirement(pin)
        if needed.marker is None or needed.marker.evaluate(environment(machine)):
            found[needed.name] = f"{needed.name}{needed.specifier}", [digest.strip() for digest in hashes]
    if missing := [name for name in names if name not in found]:
        raise PackageError(f"requirements.lock pins no {', '.join(missing)}\nhint: `make lock`")
    return dict(found[name] for name in names)


def download(pins: dict[str, list[str]], machine: str, folder: Path) -> list[Path]:
    """Return the wheels of these pins, downloaded if they are not in `folder` yet; every one has a locked hash."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{pin} {' '.join(f'--hash=sha256:{each}' for each in hashes)}\n" for pin, hashes in pins.items())
    complete = folder / "complete.txt"
    if not complete.exists() or complete.read_text(encoding="ascii") != text:
        for old in folder.iterdir():
            old.unlink()
        wanted = folder / "wanted.txt"
        wanted.write_text(text, encoding="ascii")
        platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(OLDEST_GLIBC, NEWEST_GLIBC + 1)]
        subprocess.run(  # noqa: S603 - our own arguments, no shell
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
                *("--only-binary=:all:", f"--python-version={PYTHON}", "--implementation=cp", *platforms),
                *("--dest", folder, "--requirement", wanted),
            ],
            check=True,
        )
        wanted.rename(complete)
    wheels = sorted(folder.glob("*.whl"))
    allowed = {digest for hashes in pins.values() for digest in hashes}
    for wheel in wheels:
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in allowed:
            raise PackageError(f"{wheel.name} has no hash that requirements.lock knows\nhint: delete {folder}")
    if len(wheels) != len(pins):
        raise PackageError(f"{folder} holds {len(wheels)} wheels in the place of {len(pins)}\nhint: delete {folder}")
    return wheels


def unpack(wheel: Path, site: Path) -> None:
    """Unpack a wheel into `site`; its programs go to `site/bin`, and RECORD tells of what is there and no more."""
    record: list[tuple[str, str, int]] = []
    with zipfile.ZipFile(wheel) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        [record_name] = [name for name in names if re.fullmatch(r"[^/]+\.dist-info/RECORD", name)]
        for name in names:
            where = _place(name)
            if where is None or name == record_name:
                continue
            path = site / where
            data = archive.read(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o755 if where.parts[0] == "bin" else 0o644)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append((where.as_posix(), f"sha256={digest}", len(data)))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows(sorted(record))
    rows.writerow((record_name, "", ""))
    (site / record_name).parent.mkdir(parents=True, exist_ok=True)
    (site / record_name).write_text(text.getvalue(), encoding="utf-8")


def _place(name: str) -> PurePosixPath | None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise PackageError(f"a wheel holds the path {name!r}")
    if not path.parts[0].endswith(".data"):
        return path
    kind, rest = path.parts[1], PurePosixPath(*path.parts[2:])
    if kind == "scripts":
        return "bin" / rest
    return rest if kind in ("purelib", "platlib") else None


def licences(site: Path) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield (name, version, licence, paths of the texts) of every distribution in `site`."""
    for metadata in sorted(site.glob("*.dist-info/METADATA")):
        head = metadata.read_text(encoding="utf-8").partition("\n\n")[0]
        fields = dict(re.findall(r"^(Name|Version|License-Expression|License): (.+)$", head, re.MULTILINE))
        classifier = re.search(r"^Classifier: License :: (?:OSI Approved :: )?(.+)$", head, re.MULTILINE)
        named = fields.get("License-Expression") or (classifier[1] if classifier else fields.get("License", ""))
        if not named:
            raise PackageError(f"{metadata.parent.name} names no licence")
        texts = sorted(
            path for path in metadata.parent.rglob("*") if re.match(r"(?i)licen[cs]e|copying|notice", path.name)
        )
        yield fields["Name"], fields["Version"], named, [path.relative_to(site).as_posix() for path in texts]

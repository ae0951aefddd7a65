"""Debian trixie as a tar file, built once by mmdebstrap and kept outside the repository, named after what is in it."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

SUITE = "trixie"
PACKAGES = (
    "ca-certificates", "dbus", "iproute2", "procps", "python3", "python3-av", "python3-numpy", "systemd",
    "systemd-sysv", "udev",
)  # fmt: skip
KERNEL = ("initramfs-tools", "linux-image-cloud-arm64")  # for arm64 alone: containers run on the kernel that is there
LEFT_OUT = ("doc", "info", "locale", "man")
BUILD_S = 3_600
UNPACK_S = 300
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_QEMU = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")


def packages(arch: str) -> tuple[str, ...]:
    """Return what is in a system of this architecture beside what Debian cannot do without."""
    return PACKAGES + (KERNEL if arch == "arm64" else ())


def cached(arch: str) -> Path:
    """Return the tar file of a system, building it if need be: 35 s for amd64, 15 minutes for arm64."""
    wanted = repr((SUITE, packages(arch), LEFT_OUT)).encode()
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sealbell"
    tar = folder / f"{SUITE}-{arch}-{hashlib.sha256(wanted).hexdigest()[:12]}.tar"
    if not tar.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = tar.with_suffix(f".{os.getpid()}.tar")
        try:
            _build(arch, unfinished)
            unfinished.rename(tar)
        finally:
            unfinished.unlink(missing_ok=True)
    return tar


def unpack(arch: str, folder: Path) -> Path:
    """Unpack a system into a new folder; return it."""
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-C", folder, "-xf", cached(arch)], check=True, timeout=UNPACK_S)
    (folder / "etc/dpkg/dpkg.cfg.d/99mmdebstrap").unlink()  # what was left out then is not to be left out of ours
    return folder


def emulate_arm64() -> None:
    """Let the kernel run arm64 programs by qemu, where nobody has registered it."""
    if not (_BINFMT / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", _BINFMT], check=True, timeout=UNPACK_S)
    if not (_BINFMT / "qemu-aarch64").exists():
        (_BINFMT / "register").write_bytes(_QEMU.read_bytes().strip())


def _build(arch: str, tar: Path) -> None:
    if arch == "arm64":
        emulate_arm64()
    print(f"building Debian {SUITE} for {arch}", file=sys.stderr, flush=True)
    without = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in LEFT_OUT]
    include = f"--include={','.join(packages(arch))}"
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--architectures={arch}", include]
    subprocess.run([*command, *without, "--dpkgopt=force-unsafe-io", SUITE, tar], check=True, timeout=BUILD_S)


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(cached(each))

"""Debian for arm64 on another processor: its programs run one by one by qemu-user, or a whole board by qemu-system.

The board has what a Zero 2 W has of memory (512 MiB), a root that is read only, a partition for data, no network and no
clock: every start begins at the same moment of the past.
"""

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from boot import ledger, rootfs
from boot.household import DOORBELL, WATCH
from boot.nspawn import wait_until

PROGRAM_S = 1_800.0
IMAGE_S = 600.0
BOOT_S = 600.0
CHECK_S = 60.0
PAST = "2020-01-01T00:00:00"
DATA_BYTES = 128_000_000
ROOT_SLACK_BYTES = 300_000_000
LEDGER = "/usr/local/lib/ledger.py"
QUIET = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "serial-getty@hvc0.service")
FSTAB = f"""\
/dev/vda / ext4 ro,noatime 0 0
/dev/vdb {DOORBELL} ext4 noatime,nosuid,nodev,errors=remount-ro,commit=5 0 2
tmpfs /tmp tmpfs nosuid,nodev 0 0
tmpfs /var/lib/systemd tmpfs nosuid,nodev,mode=755 0 0
tmpfs /var/log tmpfs nosuid,nodev,mode=755 0 0
tmpfs /var/tmp tmpfs nosuid,nodev,mode=1777 0 0
"""
FILES = {
    "etc/fstab": FSTAB,
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/systemd/journald.conf.d/volatile.conf": "[Journal]\nStorage=volatile\n",
    "etc/systemd/system/test-ledger.service": f"""\
[Unit]
RequiresMountsFor={DOORBELL}
[Service]
ExecStart=/usr/bin/python3 {LEDGER} {DOORBELL}/outbox
StandardOutput=tty
TTYPath=/dev/hvc0
Restart=always
""",
    f"etc/systemd/system/{WATCH}.d/walks.conf": f"""\
[Service]
ExecStart=
ExecStart=/usr/bin/sealbell watch {DOORBELL} --synthetic 320x240@5:200000 --walk 24
""",
}


def run_in(root: Path, script: str, timeout_s: float = PROGRAM_S) -> str:
    """Run a shell script in a system of whichever architecture, without a network; return what it printed."""
    mounts = "mount -t proc proc /proc && mount -t tmpfs tmpfs /tmp && mount -t devpts devpts /dev/pts && "
    done = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "chroot",
            root,
            "sh",
            "-c",
            f"{mounts} ip link set lo up && {script}",
        ],
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": "/root",
            "DEBIAN_FRONTEND": "noninteractive",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    if done.returncode:
        raise AssertionError(f"{script} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def installed(folder: Path, package: Path) -> Path:
    """Return a system in a new folder in which the package was installed without a network, as slow as that is."""
    root = rootfs.unpack("arm64", folder)
    rootfs.emulate_arm64()
    inside = root / "srv" / package.name
    shutil.copy(package, inside)
    run_in(root, f"apt-get install --yes --quiet --no-install-recommends /srv/{package.name}")
    inside.unlink()
    return root


class Board:
    """The images of a board, and a power switch. `folder` gets what it writes to its consoles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data.ext4"
        self._starts = 0

    @classmethod
    def laid(cls, root: Path, folder: Path) -> "Board":
        """Make images of a system in which a doorbell is set up; `root` is changed and of no other use then."""
        folder.mkdir()
        board = cls(folder)
        for path, text in FILES.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        (root / LEDGER.lstrip("/")).write_text(Path(ledger.__file__).read_text(encoding="utf-8"), encoding="utf-8")
        units = root / "etc/systemd/system"
        (units / "multi-user.target.wants/test-ledger.service").symlink_to("../test-ledger.service")
        for unit in QUIET:
            (units / unit).symlink_to("/dev/null")
        for name, pattern in (("kernel", "vmlinuz-*"), ("initrd", "initrd.img-*")):
            [found] = (root / "boot").glob(pattern)
            found.rename(folder / name)
        doorbell = root / DOORBELL.lstrip("/")
        _make_image(board.data, doorbell, DATA_BYTES)
        subprocess.run(["find", doorbell, "-mindepth", "1", "-delete"], check=True, timeout=IMAGE_S)
        used = subprocess.run(["du", "-sb", root], capture_output=True, check=True, timeout=IMAGE_S).stdout.split()[0]
        _make_image(folder / "root.ext4", root, int(used) + ROOT_SLACK_BYTES)
        return board

    @contextlib.contextmanager
    def powered(self, *options: str, cores: int = 2, init: str = "/sbin/init") -> Iterator["Run"]:
        """Switch it on; at the end of the block the power is cut. `options` are for qemu."""
        self._starts += 1
        console, said = (self.folder / f"{name}-{self._starts}.txt" for name in ("console", "ledger"))
        drive = "if=none,format=raw"
        command: list[str | Path] = [
            *(
                "qemu-system-aarch64",
                "-M",
                "virt",
                "-cpu",
                "cortex-a53",
                "-smp",
                str(cores),
                "-m",
                "512",
                "-nic",
                "none",
            ),
            *("-display", "none", "-monitor", "none", "-serial", f"file:{console}", "-rtc", f"base={PAST}"),
            *("-kernel", self.folder / "kernel", "-initrd", self.folder / "initrd"),
            *("-append", f"root=/dev/vda rootfstype=ext4 ro console=ttyAMA0 init={init}"),
            *("-drive", f"{drive},id=root,readonly=on,file={self.folder}/root.ext4"),
            # No cache of the host's: what the board has not flushed is gone with qemu, and what it has is on the disk.
            *("-drive", f"{drive},id=data,cache=none,file={self.data}", "-chardev", f"file,id=ledger,path={said}"),
        ]
        for device in ("virtio-blk-pci,drive=root", "virtio-blk-pci,drive=data", "virtio-serial-pci"):
            command += ["-device", device]
        command += ["-device", "virtconsole,chardev=ledger", *options]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            yield Run(process, console, said)
        finally:
            process.kill()
            process.wait()

    def checked_copy(self, folder: Path) -> Path:
        """Return the doorbell's folder as a start would find it: a copy, its journal replayed; it has to be clean."""
        copy = self.folder / "copy.ext4"
        subprocess.run(["cp", "--sparse=always", self.data, copy], check=True, timeout=IMAGE_S)
        subprocess.run(["e2fsck", "-E", "journal_only", "-p", copy], check=False, timeout=CHECK_S, capture_output=True)
        # Totals in the superblock are in no journal, each mount counts them anew: e2fsck does not call that an error.
        command: list[str | Path] = ["e2fsck", "-f", "-n", copy]
        check = subprocess.run(command, check=False, timeout=CHECK_S, capture_output=True, text=True)
        assert check.returncode == 0, check.stdout + check.stderr
        folder.mkdir()
        subprocess.run(["debugfs", "-R", f"rdump / {folder}", copy], check=True, timeout=CHECK_S, capture_output=True)
        return folder


class Run:
    """A board that is switched on."""

    def __init__(self, process: "subprocess.Popen[bytes]", console: Path, said: Path) -> None:
        self._process = process
        self._console = console
        self._said = said

    @property
    def said(self) -> list[list[str]]:
        """Return the ledger's lines so far, in words; a last line that is cut short is left out."""
        text = self._said.read_text(errors="replace") if self._said.exists() else ""
        return [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n") and line.strip()]

    @property
    def committed(self) -> set[str]:
        """Return the names of the parts of which it said that they are committed."""
        return {words[1] for words in self.said if words[0] == "committed"}

    def wait_until_committed(self, more: int, known: set[str]) -> float:
        """Wait until so many parts are committed beside those that are `known`; return how long it took in seconds."""
        return wait_until(lambda: len(self.committed - known) >= more, "it commits", BOOT_S, self.tell)

    def wait_for_memory(self, times: int) -> float:
        """Wait until it has told its memory so often; return how long it took in seconds."""
        return wait_until(lambda: len(self._memory()) >= times * len(ledger.UNITS), "it tells", BOOT_S, self.tell)

    def stay(self, seconds: float) -> None:
        """Let it run on; the moment of a power cut is nobody's choice."""
        threading.Event().wait(seconds)

    def memory(self, unit: str) -> tuple[int, float]:
        """Return the newest proportional set size in kB, and the processor time in seconds so far, of a unit."""
        words = [words for words in self._memory() if words[1] == unit][-1]
        return int(words[2]), float(words[3])

    def _memory(self) -> list[list[str]]:
        return [words for words in self.said if words[0] == "memory"]

    def tell(self) -> str:
        """Return what a failure should show."""
        ended = "" if self._process.poll() is None else f"qemu ended with {self._process.returncode}\n"
        return ended + self._console.read_text(errors="replace")[-4_000:]


def _make_image(image: Path, folder: Path, size_bytes: int) -> None:
    with image.open("wb") as file:
        file.truncate(size_bytes // 4096 * 4096)
    subprocess.run(["mkfs.ext4", "-q", "-d", folder, image], check=True, timeout=IMAGE_S)

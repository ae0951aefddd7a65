"""Run as a script between the relay and its broker: makes the kernel kill the broker when the relay dies.

A relay that is killed cannot stop what it started. Linux can: PR_SET_PDEATHSIG outlives the exec. Done here and not in
the relay between fork and exec, where running Python in a program with threads is not safe. Elsewhere than on Linux
the broker outlives a killed relay, until the next one finds it by its pid file.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent: int, command: list[str]) -> None:
    """Become `command`, which dies with process `parent`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was told
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the command is the broker's own path, given by the relay


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

"""Says what a machine lacks before anything is installed, and how to get it. Runs on any Python 3."""

import sys

NEEDED = (3, 11)


def complaint():
    """Return what is missing as a text for a person, or nothing."""
    if sys.version_info < NEEDED:
        return (
            "%s is Python %d.%d: sealbell needs %d.%d or later\n"
            "hint: on Debian 12 or later `apt-get install python3 python3-venv`, on macOS `brew install python`;\n"
            "hint: if a newer one is installed beside it: `make PYTHON=python3.12 setup`"
            % ((sys.executable,) + tuple(sys.version_info[:2]) + NEEDED)
        )
    try:
        import ensurepip
        import venv
    except ImportError:
        return (
            "%s cannot make virtual environments: its venv module is missing\n"
            "hint: on Debian `apt-get install python3-venv`" % sys.executable
        )
    return ""


if __name__ == "__main__":
    text = complaint()
    if text:
        sys.stderr.write(text + "\n")
        sys.exit(1)

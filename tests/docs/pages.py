"""The project as a reader meets it: its files, its pages, and what stands in them as code."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LEFT_OUT = re.compile(r"(^|/)(\.git|\.venv|node_modules|__pycache__|\.[a-z_]+_cache|\.hypothesis|demo-out[^/]*)(/|$)")
_FENCE = re.compile(r"^ *```([a-z]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
SHELL = ("sh", "console", "bash")


@dataclass(frozen=True, slots=True)
class Page:
    """A Markdown file; `name` is its path from the root."""

    name: str
    text: str

    @property
    def prose(self) -> str:
        """The text without fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """What stands between single backticks, line breaks as spaces."""
        return [re.sub(r"\s+", " ", span) for span in _SPAN.findall(self.prose)]

    def blocks(self, *languages: str) -> list[str]:
        """The fenced blocks of these languages, in order; "" for those of none."""
        return [block for language, block in _FENCE.findall(self.text) if language in languages]

    @property
    def command_lines(self) -> list[str]:
        """Lines of fenced shell blocks, continuations joined, comments and prompts off; and every inline span."""
        lines = [line for block in self.blocks(*SHELL) for line in block.replace("\\\n", " ").splitlines()]
        return [re.sub(r"\s#\s.*$", "", line).removeprefix("$ ").strip() for line in lines] + self.spans

    def section(self, heading: str) -> str:
        """The text below a heading, up to the next one of any level."""
        found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found, f"{self.name} has no section {heading!r}"
        return found.group(1)


def files() -> list[str]:
    """Every file that belongs to the project, committed or about to be."""
    try:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):  # no git here, or an unpacked archive
        found = (path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*"))
        listed = [name for name in found if not _LEFT_OUT.search(name)]
    return sorted(name for name in listed if name and (ROOT / name).is_file())


def page(name: str) -> Page:
    """Return one page."""
    return Page(name, (ROOT / name).read_text(encoding="utf-8"))


def pages() -> list[Page]:
    """Return every Markdown file of the project."""
    return [page(name) for name in files() if name.endswith(".md")]

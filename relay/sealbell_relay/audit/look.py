"""What fsck looks through: a relay's folder, and perhaps a bucket; counts what it saw and what was wrong."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sealbell_relay.audit.checks import Fault
from sealbell_relay.audit.tree import Node, StoreTree, Tree
from sealbell_relay.errors import StoreError

STORE = "store"

STRAY = Fault("does not belong here", "the relay does not look at it: move it away, if you know what it is")
NOT_PLAIN = Fault(
    "is a link or a special file", "put the thing itself here: a copy of the folder would not hold what it leads to"
)
OPEN_KEY = Fault(
    "may be read or changed by others, or not by the relay's own user",
    "chmod 600 it, and ask who could read it: whoever has it can pass for this relay",
)
SECRETS = frozenset({"receipt.key", "tls/ca.key", "tls/server.pem"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: where (below the relay's folder), what it is, and what to do."""

    path: str
    what: str
    advice: str


class Look:
    """Paths are below the relay's folder; `store/...` is in `bucket` if there is one. What cannot be read is told."""

    def __init__(
        self,
        tree: Tree,
        bucket: StoreTree | None,
        on_finding: Callable[[Finding], None],
        on_object: Callable[[int, int], None],
    ) -> None:
        self.objects = self.bytes = self.wrong = 0
        self._tree = tree
        self._bucket = bucket
        self._on_finding, self._on_object = on_finding, on_object
        self._loose, self._first_loose = 0, ""

    def node(self, path: str) -> Node | None:
        """Return what lies at a path."""
        tree, path = self._where(path)
        return tree.node(path)

    def named(self, path: str, kind: str, name: re.Pattern[str] | None = None) -> Iterator[tuple[str, Node]]:
        """Yield path and node of what may be here, and tell of what may not."""
        for node in self.list(path):
            if node.kind == kind and (name is None or name.match(node.name)):
                yield f"{path}/{node.name}", node
            else:
                self.tell(f"{path}/{node.name}", NOT_PLAIN if node.kind == "other" else STRAY)

    def list(self, path: str) -> list[Node]:
        """Return what lies in a folder."""
        try:
            tree, inner = self._where(path)
            nodes = tree.list(inner)
        except (OSError, StoreError) as failure:
            self.tell(path or ".", _unreadable(failure))
            return []
        for node in nodes:
            if node.loose:
                self.note(f"{path}/{node.name}".lstrip("/"))
        return nodes

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """Return an object, one byte more than `limit_bytes` if it is longer, and count it."""
        return self._counted(self.peek(path, 0, limit_bytes + 1))

    def piece(self, path: str, start: int, size: int) -> bytes | None:
        """Return `size` bytes from `start` on, which are an object of their own, and count it."""
        return self._counted(self.peek(path, start, size))

    def peek(self, path: str, start: int, size: int) -> bytes | None:
        """Return up to `size` bytes and count nothing."""
        try:
            tree, inner = self._where(path)
            return tree.read(inner, size, start)
        except (OSError, StoreError) as failure:
            self.tell(path, _unreadable(failure))
            return None

    def note(self, path: str) -> None:
        """Remember that others than the relay's own user may get at this; a key is told of at once."""
        if path in SECRETS:
            self.tell(path, OPEN_KEY)
        else:
            self._first_loose = self._first_loose or path
            self._loose += 1

    def tell(self, path: str, *faults: Fault) -> None:
        """Report what is wrong at a path."""
        for fault in faults:
            self.wrong += 1
            self._on_finding(Finding(path, fault.what, fault.advice))

    def close(self) -> None:
        """Tell in one line of all that was noted."""
        if self._loose:
            more = f"and {self._loose - 1} more " if self._loose > 1 else ""
            what = f"{more}may be read or changed by others, or not by the relay's own user"
            advice = "give all of it to that user alone: chown -R USER DIR; chmod -R u=rwX,go= DIR"
            self.tell(self._first_loose, Fault(what, advice))

    def _where(self, path: str) -> tuple[Tree | StoreTree, str]:
        if self._bucket is not None and (path == STORE or path.startswith(f"{STORE}/")):
            return self._bucket, path[len(STORE) + 1 :]
        return self._tree, path

    def _counted(self, data: bytes | None) -> bytes | None:
        if data is not None:
            self.objects += 1
            self.bytes += len(data)
            self._on_object(self.objects, self.bytes)
        return data


def _unreadable(failure: OSError | StoreError) -> Fault:
    if isinstance(failure, StoreError):
        return Fault(f"cannot be read: {failure}", "check again once the bucket answers")
    reason = (failure.strerror or type(failure).__name__).lower()
    return Fault(f"cannot be read: {reason}", "see who it belongs to; if that is right, the disk may be failing")

"""The playable film of a clip: its header, then its fragments in order, whatever order they come in.

Theory. A player needs the header first, then fragments whose pictures build on each other from a keyframe on. `next`
is the lowest part number not yet passed; parts beyond it wait. A dropped fragment is a hole: what follows is left out
up to the next fragment that begins with a keyframe, since a player would show it broken. The same happens where a
part never comes: at the end, or when too much is waiting behind it. Notices and the manifest hold no film.
"""

from dataclasses import dataclass

from sealbell_wire.record import Record

MAX_WAITING_BYTES = 64_000_000  # a whole minute at 8 Mbit/s


@dataclass(frozen=True, slots=True)
class _Waiting:
    record: Record
    plaintext: bytes | None


class Film:
    """Puts parts in order. What `add` and `finish` return is to be written in that order and nothing else."""

    def __init__(self) -> None:
        self.played: list[int] = []
        self.left_out: list[int] = []
        self._waiting: dict[int, _Waiting] = {}
        self._waiting_bytes = 0
        self._next = 0
        self._begun = False
        self._broken = True

    def add(self, record: Record, plaintext: bytes | None) -> list[bytes]:
        """Take a verified part, its plaintext None if it was dropped; return what can now be played."""
        if record.seq < self._next or record.seq in self._waiting:
            return []
        self._waiting[record.seq] = _Waiting(record, plaintext)
        self._waiting_bytes += len(plaintext or b"")
        pieces = self._drain()
        while self._waiting_bytes > MAX_WAITING_BYTES:
            pieces += self._skip()
        return pieces

    def finish(self) -> list[bytes]:
        """Nothing more comes: return what can still be played behind the holes."""
        pieces: list[bytes] = []
        while self._waiting:
            pieces += self._skip()
        return pieces

    def _skip(self) -> list[bytes]:
        self._next, self._broken = min(self._waiting), True
        return self._drain()

    def _drain(self) -> list[bytes]:
        pieces = []
        while (waiting := self._waiting.pop(self._next, None)) is not None:
            self._waiting_bytes -= len(waiting.plaintext or b"")
            if self._plays(waiting):
                self.played.append(self._next)
                pieces.append(waiting.plaintext or b"")
            self._next += 1
        return pieces

    def _plays(self, waiting: _Waiting) -> bool:
        record, dropped = waiting.record, waiting.plaintext is None
        if record.kind == "init":
            self._begun = self._begun or not dropped
            return not dropped
        if record.kind != "media":
            return False
        self._broken = dropped or (self._broken and not record.keyframe)
        if self._begun and not self._broken:
            return True
        if not dropped:
            self.left_out.append(record.seq)
        return False

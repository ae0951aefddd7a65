"""Heads of parts to come, made while the doorbell idles, so that a part that is due waits for no post-quantum wrap.

A head depends on nothing that is sealed under it. And as decoys are made faster than stanzas, one that is made when it
is due would tell by its time how many readers there are.
"""

from collections import deque
from collections.abc import Sequence

from sealbell_wire.age.decoy import PostQuantumRecipient
from sealbell_wire.age.file import Head

MAX_PREPARED_HEADS = 6  # what a press asks for at once: a notice, an init, and a pre-roll of 3 s, three GOPs or four


class Heads:
    """Heads for the same recipients, in one thread. They live and die with this object and are never written."""

    def __init__(self, recipients: Sequence[PostQuantumRecipient]) -> None:
        self._recipients = recipients
        self._prepared: deque[Head] = deque()

    def prepare(self) -> bool:
        """Make one more head, unless there are enough; return whether one was made."""
        if len(self._prepared) == MAX_PREPARED_HEADS:
            return False
        self._prepared.append(Head(self._recipients))
        return True

    def take(self) -> Head:
        """Hand out a head, the one that waits longest or else a new one, and forget it."""
        return self._prepared.popleft() if self._prepared else Head(self._recipients)

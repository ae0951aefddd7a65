"""A recipient that counts, to tell when stanzas were made."""

from collections.abc import Callable

from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.header import Stanza


class CountedDecoy(Decoy):
    """A decoy that knows how often it was wrapped to."""

    wraps = 0

    def wrap(self, file_key: bytes, random: Callable[[int], bytes]) -> Stanza:
        self.wraps += 1
        return super().wrap(file_key, random)

"""Which relays live, by the beats that each publishes over the broker. Pure, and without a clock.

A relay says `beat` every BEAT_S, and `leave` when it stops; the broker says `leave` for one whose connection broke (its
will, MQTT 3.1.1, 3.1.2.5). A relay hears its own beats, too: another is taken for dead once more than MAX_SILENT_BEATS
of them came back without one of the other's. So a relay that hears nothing at all takes nobody for dead, and does not
take over everything when the network is there again. Ids are drawn at each start.
"""

BEAT = b"beat"
LEAVE = b"leave"
BEAT_S = 1.0
MAX_SILENT_BEATS = 4
MAX_RELAYS = 256  # as many as there are shards; what only relays may publish needs no better bound


class Membership:
    """What the relay `me` knows of the others."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._silent_beats: dict[str, int] = {}

    @property
    def live(self) -> frozenset[str]:
        """Who lives, this relay among them."""
        return frozenset({self._me, *self._silent_beats})

    def heard(self, relay: str, word: bytes) -> bool:
        """Take what a relay said of itself; return whether that changes who lives."""
        if word not in (BEAT, LEAVE):
            return False
        if relay == self._me:
            return word == BEAT and self._count()
        known = relay in self._silent_beats
        if word == LEAVE:
            self._silent_beats.pop(relay, None)
            return known
        if not known and len(self._silent_beats) == MAX_RELAYS - 1:
            return False
        self._silent_beats[relay] = 0
        return not known

    def _count(self) -> bool:
        before = len(self._silent_beats)
        counted = {relay: silent + 1 for relay, silent in self._silent_beats.items()}
        self._silent_beats = {relay: silent for relay, silent in counted.items() if silent <= MAX_SILENT_BEATS}
        return len(self._silent_beats) < before

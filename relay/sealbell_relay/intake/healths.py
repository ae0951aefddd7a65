"""Health messages of doorbells: which are taken, and the one of each doorbell that is kept (SPEC 15.3).

    health/{doorbell}/{number, 16 digits}-{Unix milliseconds of arrival, 16 digits}

Objects are written once, so a newer message is another object, and those before it are removed once it is durable. A
relay that dies in between leaves two, of which the higher number counts.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sealbell_relay.errors import DamagedError
from sealbell_relay.intake.ingest import Refuse
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import Register
from sealbell_wire.errors import FormatError, SignatureError, WireError
from sealbell_wire.health import Beat, Health, parse_health, verify_health
from sealbell_wire.topics import UpTopic

HEALTH = "health"
_NAME = re.compile(r"([0-9]{16})-([0-9]{16})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """The newest message of a doorbell as it came, and when, in Unix milliseconds of this relay's clock."""

    number: int
    arrived_ms: int
    message: bytes


class HealthShelf:
    """The messages that are kept. Methods may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(self, doorbell: str) -> Kept | None:
        """Return the message with the highest number; None if there is none."""
        for _ in range(2):  # it may be removed for a newer one while it is being read
            names = self._names(doorbell)
            if not names:
                return None
            message = self._store.read(f"{HEALTH}/{doorbell}/{names[-1]}")
            if message is not None:
                number, _, arrived_ms = names[-1].partition("-")
                return Kept(int(number), int(arrived_ms), message)
        raise DamagedError(f"the store lost the health of {doorbell}")

    def keep(self, doorbell: str, kept: Kept) -> None:
        """Keep a message that is newer than all that are kept, durably, and then no other."""
        older = self._names(doorbell)
        self._store.put(f"{HEALTH}/{doorbell}/{kept.number:016d}-{kept.arrived_ms:016d}", kept.message)
        for name in older:
            self._store.remove(f"{HEALTH}/{doorbell}/{name}")

    def _names(self, doorbell: str) -> list[str]:
        objects = self._store.list(f"{HEALTH}/{doorbell}").objects
        return [entry.name for entry in objects if parse_name(entry.name)]


def parse_name(name: str) -> tuple[int, int] | None:
    """Return (number, Unix milliseconds of arrival) from the last piece of a name; None if no message is called so."""
    found = _NAME.match(name)
    return (int(found[1]), int(found[2])) if found else None


def beat_of(doorbell: str, kept: Kept) -> Beat:
    """Return the signed text of a kept message; DamagedError if a disk or a person changed it."""
    try:
        return parse_health(kept.message).beat
    except FormatError as damage:
        raise DamagedError(f"the store holds a damaged health of {doorbell}: {damage}") from damage


def prove(topic: UpTopic, message: bytes, verify_key: bytes) -> Health | Refuse:
    """Parse a message that came on a health topic, and return it if the doorbell with this key signed exactly it."""
    try:
        health = parse_health(message)
    except FormatError as error:
        return Refuse("malformed", str(error), proven=False)
    if health.beat.doorbell != topic.doorbell:
        return Refuse("wrong-topic", "the message names another doorbell than its topic", proven=False)
    try:
        verify_health(health, verify_key)
    except WireError as error:
        forged = "forged-signature" if isinstance(error, SignatureError) else "forged-content"
        return Refuse(forged, str(error), proven=False)
    return health


def judge(health: Health, message: bytes, kept: Kept | None) -> bool | Refuse:
    """Whether a proven message is to be kept, False if it is kept already; Refuse if a newer one is."""
    number = health.beat.number
    if kept is None or number > kept.number:
        return True
    if number < kept.number:
        return Refuse("not-newer", f"it has number {number}, and {kept.number} is kept", proven=True)
    if message == kept.message:
        return False  # a doorbell sends its newest one on each connection
    return Refuse("differs-from-stored", f"another message of number {number} is kept", proven=True)


class HealthIntake:
    """One relay's way of taking health messages: one of a doorbell at a time, in worker threads."""

    def __init__(
        self,
        shelf: HealthShelf,
        register: Register,
        wall_ms: Callable[[], int],
        on_clock: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`wall_ms` returns Unix milliseconds; `on_clock` is told those of a doorbell's clock that was set."""
        self._shelf = shelf
        self._register = register
        self._wall_ms = wall_ms
        self._on_clock = on_clock

    def take(self, topic: UpTopic, message: bytes) -> Refuse | bool:
        """Keep a message if it is a newer one; whether it is new, or why it was refused. StoreError."""
        card = self._register.doorbell(topic.doorbell)
        if card is None:
            return Refuse("unknown-doorbell", "it is not enrolled here", proven=False)
        health = prove(topic, message, bytes.fromhex(card.key))
        if isinstance(health, Refuse):
            return health
        verdict = judge(health, message, self._shelf.newest(topic.doorbell))
        if verdict is True:
            if health.beat.synced:
                self._on_clock(health.beat.wall_ms)
            self._shelf.keep(topic.doorbell, Kept(health.beat.number, self._wall_ms(), message))
        return verdict

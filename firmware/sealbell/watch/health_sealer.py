"""Health messages: what the book says and what the outbox shows, sealed, signed, numbered, committed (wire/SPEC.md 15).

The troubles of the outbox are found here, where commits succeed and fail, and told to whoever keeps the book.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell.items import Condition, HealthDraft, Trouble
from sealbell.seams import Clock
from sealbell.spool import OutboxError
from sealbell_wire.age.file import Head
from sealbell_wire.health import Beat, Health, next_number
from sealbell_wire.ids import ZERO_HASH, doorbell_id
from sealbell_wire.report import Report, Tip, encode_report, seal_health
from sealbell_wire.sshsig import verify_key_of

_log = logging.getLogger(__name__)


class Standing(Protocol):
    """What lies in an outbox."""

    @property
    def parts(self) -> int:
        """Parts that wait, the newest included, which always does."""

    @property
    def size_bytes(self) -> int:
        """Their bytes."""

    @property
    def damaged(self) -> int:
        """Files that the card spoilt."""

    @property
    def full(self) -> bool:
        """Whether the next few parts may cost others."""


class HealthPost(Protocol):
    """Where health messages are committed."""

    def standing(self) -> Standing:
        """Return what lies there now; OutboxError if that cannot be told."""

    def health(self) -> Health | None:
        """Return the message committed last."""

    def commit_health(self, health: Health) -> None:
        """Put a message in the place of the last one; OutboxError if it cannot be kept."""


class HealthSealer:
    """Numbers rise over restarts: the last one lies in the outbox, and where it does not, the time takes its place."""

    def __init__(
        self,
        key: Ed25519PrivateKey,
        take_head: Callable[[], Head],
        readers: str,
        firmware: str,
        clock: Clock,
        post: HealthPost,
        tell: Callable[[Condition], None],
    ) -> None:
        """`take_head` hands out a head to the readers that nothing was sealed under."""
        self._key = key
        self._verify_key = verify_key_of(key)
        self._take_head = take_head
        self._readers = readers
        self._firmware = firmware
        self._clock = clock
        self._post = post
        self._tell = tell
        self._number: int | None = None
        self._present: dict[Trouble, int] = {}

    def committed(self, *, kept: bool, dropped: bool) -> None:
        """A part was committed, or could not be; something was dropped for it, or not."""
        self._note(Trouble.CARD_FAILING, present=not kept)
        if dropped:
            self._note(Trouble.OUTBOX_FULL, present=True)

    def step(self, draft: HealthDraft, tip: Tip, dropped: int) -> None:
        """Seal and commit a message. A full or broken disk raises nothing: it is logged, and is a trouble."""
        try:
            self._post.commit_health(self._seal(draft, tip, dropped))
        except OutboxError as error:
            _log.error("the doorbell cannot say how it is: %s", error)
            self._note(Trouble.CARD_FAILING, present=True)

    def _seal(self, draft: HealthDraft, tip: Tip, dropped: int) -> Health:
        standing = self._post.standing()
        self._note(Trouble.OUTBOX_DAMAGED, present=standing.damaged > 0)
        if not standing.full:
            self._note(Trouble.OUTBOX_FULL, present=False)
        if self._number is None:
            last = self._post.health()
            self._number = last.beat.number if last else 0
        wall_ms = self._clock.wall_ms(draft.t_us)
        self._number = next_number(self._number, wall_ms)
        report = Report(
            firmware=self._firmware,
            readers=self._readers,
            started_ms=draft.started_us // 1_000,
            tip=tip,
            dropped=dropped,
            damaged=standing.damaged,
            waiting=standing.parts,
            waiting_bytes=standing.size_bytes,
            troubles=self._troubles(draft),
            mode=draft.mode,
            free_bytes=draft.machine.free_bytes,
            celsius=draft.machine.celsius,
            throttled=draft.machine.throttled,
            link=draft.link,
        )
        beat = Beat(
            doorbell_id(self._verify_key), self._number, self._clock.boot, draft.t_us // 1_000, wall_ms,
            self._clock.synced(), ZERO_HASH, ZERO_HASH, 0,
        )  # fmt: skip
        plaintext = encode_report(self._verify_key.hex(), self._number, report)
        return seal_health(beat, plaintext, self._take_head(), self._key)

    def _troubles(self, draft: HealthDraft) -> tuple[tuple[str, int], ...]:
        # The book may not have heard yet, or not yet heard the end, of what was found here.
        ours = (Trouble.CARD_FAILING, Trouble.OUTBOX_FULL, Trouble.OUTBOX_DAMAGED)
        since_us = {trouble: at_us for trouble, at_us in draft.troubles if trouble not in ours} | self._present
        return tuple(sorted((trouble.value, at_us // 1_000) for trouble, at_us in since_us.items()))

    def _note(self, trouble: Trouble, *, present: bool) -> None:
        if present == (trouble in self._present):
            return
        now_us = self._clock.now_us()
        if present:
            self._present[trouble] = now_us
        else:
            del self._present[trouble]
        self._tell(Condition(now_us, trouble, present))

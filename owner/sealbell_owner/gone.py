"""What is rightly gone: clips that the owner deleted, and clips whose days are over. Pure.

Theory. A relay that hides a clip and one that deleted it on the owner's word look alike, so the owner's tools remember
the word: every tombstone with the relay's signed receipt, and every retention document. What they do not cover is
hidden; and what they cover must not come back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sealbell_wire.ids import clip_time_ms
from sealbell_wire.retention import DEFAULT_DAYS

DAY_MS = 86_400_000
NO_TIME_BEFORE_MS = 1_767_225_600_000  # 2026-01-01: no doorbell recorded earlier
STILL_SHOWN = "the relay shows a clip that it signed to have deleted"
NOT_SIGNED = "was to be deleted, and the relay has not signed that it was: `sealbell-owner delete` it again"


@dataclass(frozen=True, slots=True)
class Rule:
    """From `since_ms` on (Unix, the document's number) clips were kept for `days`."""

    since_ms: int
    days: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Of one doorbell: `deleted` says of each clip whether the relay signed that it is; `rules` come oldest first."""

    now_ms: int = 0
    deleted: Mapping[str, bool] = field(default_factory=dict)
    rules: Sequence[Rule] = ()

    def is_over(self, clip: str) -> bool:
        """Whether the days of a clip were over at some time, by the time in its name."""
        began_ms, rules = clip_time_ms(clip), [Rule(0, DEFAULT_DAYS), *self.rules]
        if began_ms < NO_TIME_BEFORE_MS:  # the doorbell's clock was not set: nobody can tell, so it is not explained
            return False
        ends = [*(rule.since_ms for rule in rules[1:]), self.now_ms]
        return any(
            began_ms + rule.days * DAY_MS < min(end_ms, self.now_ms) for rule, end_ms in zip(rules, ends, strict=True)
        )

    def explains(self, clip: str) -> bool:
        """Whether a clip may be missing: its owner ended it, or its days are over."""
        return clip in self.deleted or self.is_over(clip)

    def between(self, older: str, newer: str) -> int:
        """Return how many clips were deleted between two."""
        return sum(older < clip < newer for clip in self.deleted)

    def returned(self, clip: str) -> str | None:
        """Return what is wrong if a clip is shown although it was deleted."""
        if clip not in self.deleted:
            return None
        return STILL_SHOWN if self.deleted[clip] else NOT_SIGNED

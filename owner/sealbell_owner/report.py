"""What is said of one clip, for programs and for people."""

from typing import Any

from sealbell_owner import show
from sealbell_owner.clip import Clip
from sealbell_owner.home import Pin

MAX_FAULT_LINES = 10


def as_json(clip: Clip, pin: Pin) -> dict[str, Any]:
    """Return the keys that `open --json` and `verify --json` share.

    `start_ms` and `end_ms` in the doorbell's monotonic ms, `wall_ms` and `last_moment_ms` in its Unix ms, `bytes` of
    the age files held. What is not known is null.
    """
    start_ms, end_ms = clip.span_ms or (None, None)
    triggers = clip.triggers
    sealed = [held.record.size for held in clip.held.values() if held.digest]
    first = clip.first
    return {
        "clip": clip.clip,
        "doorbell": pin.doorbell,
        "trigger": clip.trigger,
        "alert": clip.alert,
        "triggers": [[trigger.kind, trigger.from_ms, trigger.to_ms] for trigger in triggers],
        "start_ms": start_ms,
        "end_ms": end_ms,
        "parts": len(sealed),
        "bytes": sum(sealed),
        "interrupted": clip.interrupted,
        "verified": clip.verified,
        "missing": clip.missing,
        "dropped": clip.dropped,
        "lost": clip.manifest.lost if clip.manifest else 0,
        "refused": clip.faults,
        "wall_ms": first.record.wall_ms if first else None,
        "synced": first.record.synced if first else None,
        "last_moment_ms": clip.last_moment_ms,
    }


def title(clip: Clip, pin: Pin) -> str:
    """Return a clip's name for a person."""
    when = show.local_time(clip.first.record.wall_ms) if clip.first else "no first part"
    return f"{clip.clip} ({pin.name}, {clip.trigger or 'unknown trigger'}, {when})"


def shortcomings(clip: Clip) -> list[tuple[str, str]]:
    """Return, labelled, everything that a person must know to be absent or refused."""
    rows = []
    if clip.last_moment_ms is not None:
        last = show.local_time(clip.last_moment_ms)
        rows.append(("interrupted", f"its end never arrived; the last moment is {last} by the doorbell's clock"))
    if clip.dropped:
        rows.append(("dropped", f"parts {show.ranges(clip.dropped)}: the doorbell's outbox was full, and it says so"))
    if clip.manifest and clip.manifest.lost:
        rows.append(("lost", f"{clip.manifest.lost} pictures never became part of one; the doorbell says so"))
    if clip.missing:
        rows.append(("missing", f"parts {show.ranges(clip.missing)}: the doorbell signed them, and they are not here"))
    rows += [("refused", fault) for fault in clip.faults[:MAX_FAULT_LINES]]
    if len(clip.faults) > MAX_FAULT_LINES:
        rows.append(("refused", f"and {len(clip.faults) - MAX_FAULT_LINES} more"))
    return rows

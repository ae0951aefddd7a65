"""What a doorbell's word of itself means, held against what the relay lists and what was seen before (SPEC 15.4). Pure.

Theory. A health message names the end of the doorbell's chain: the number of its newest clip, that clip, its newest
part. What the relay lists may lack of it only what was still on its way. So a hidden newest clip and a cut end show in
a message that a relay has to pass on, or else the doorbell falls silent, which shows by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sealbell_owner.gone import Gone
from sealbell_owner.heard import AN_OLDER_CARD, Heard, contradictions
from sealbell_owner.history import Memory
from sealbell_owner.listing import ClipEntry
from sealbell_wire.health import Beat, Health
from sealbell_wire.ids import ZERO_HASH, clip_time_ms
from sealbell_wire.report import Report

EVERY_MS = 900_000
LATE_MS = EVERY_MS + 300_000  # a message that comes every fifteen minutes is missed after twenty
CLOCK_OFF_MS = 300_000
SETTLED_MS = 60_000
JUST_NOW_MS = 30_000  # what is felt while a message is being made is not in it yet
UNDERVOLTAGE_SINCE_BOOT = 1 << 16


@dataclass(slots=True)
class Diagnosis:
    """`wrong` is what is not as it must be, each with what to do; `notes` are worth knowing and no fault."""

    wrong: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the relay lists, each entry checked: newest first, down to the newest clip that the doorbell named."""

    clips: Sequence[ClipEntry]
    memory: Memory
    gone: Gone = field(default_factory=Gone)


_LOOK_AT_RELAY = "the relay withholds it: ask whoever runs it, and trust it no further"
_LOOK_AT_KEY = "unless you put an older card in yourself: set the doorbell up anew, so that it draws a new key"
# Word: what it means, what to do.
TROUBLES = {
    "button-stuck": ("its button is stuck, or shorted", "free the button; look for water in its wires"),
    "camera-stalled": (
        "its camera shows no pictures",
        "it restarts by itself; if it stays so, reseat the camera's cable",
    ),
    "camera-failing": ("its camera fails", "power it off, reseat the camera's cable, then run `sealbell doctor`"),
    "pictures-lost": ("it loses pictures: it is too slow for them", "lower width, height or fps in its settings"),
    "outbox-full": ("its outbox is full: what was worth least is dropped", "bring its connection to the relay back"),
    "outbox-damaged": (
        "its card has spoilt parts that were not sent yet; what is left of them lies in its outbox as `damaged-...`",
        "replace the card soon, and delete those files once a newer clip was recorded",
    ),
    "card-failing": ("its card takes nothing more: it is full or failing", "run `sealbell doctor`; replace the card"),
    "relay-away": ("it does not reach the relay", "look at its Wi-Fi, and whether the relay serves"),
    "undervoltage": ("its power supply is too weak", "use a better supply and a short, thick cable"),
    "throttled": ("it is too hot, or its supply too weak, and runs slower", "shade it, let air in, check its supply"),
    "clock-unsynced": ("its clock was not set", "let it reach a time server, or a router that is one"),
}
UNKNOWN_TROUBLE = "update these tools: the doorbell knows this trouble, and they do not"


def diagnose(
    health: Health, report: Report, arrived_ms: int, now_ms: int, heard: Heard | None, shown: Shown, readers: str
) -> Diagnosis:
    """Judge an opened message: `now_ms` and `arrived_ms` in Unix ms, `readers` the hash of the owner's own document."""
    found = Diagnosis()
    _judge_age(found, health.beat, arrived_ms, now_ms)
    if heard:
        advice = _LOOK_AT_RELAY if health.beat.number < heard.number else _LOOK_AT_KEY
        found.wrong += [(text, advice) for text in contradictions(heard, health, report.tip)]
    _judge_listing(found, health.beat, report, shown)
    for word, _ in report.troubles:
        found.wrong.append(TROUBLES.get(word, (f"unknown trouble: {word}", UNKNOWN_TROUBLE)))
    if report.readers != readers:
        text = "it seals to a readers document that this owner did not write: others may be able to open its clips"
        found.wrong.append((text, "set the doorbell up anew with this owner's bundle"))
    if (report.throttled or 0) & UNDERVOLTAGE_SINCE_BOOT and "undervoltage" not in dict(report.troubles):
        found.notes.append("its power supply has been too weak since it was switched on, though it is not right now")
    return found


def spoke_ms(beat: Beat, arrived_ms: int) -> int:
    """Return when a message was made, in Unix ms: by the doorbell's clock if that was set, else by the relay's word."""
    return beat.wall_ms if beat.synced else arrived_ms


def _judge_age(found: Diagnosis, beat: Beat, arrived_ms: int, now_ms: int) -> None:
    age_ms = now_ms - spoke_ms(beat, arrived_ms)
    if age_ms > LATE_MS:
        text = f"it was not heard for {age_ms // 60_000} minutes, and speaks every {EVERY_MS // 60_000}"
        found.wrong.append((text, "see whether it has power and Wi-Fi; if it has, the relay withholds what it says"))
    if age_ms < -CLOCK_OFF_MS:
        found.notes.append("it speaks from the future: its clock or this computer's is wrong")


def _judge_listing(found: Diagnosis, beat: Beat, report: Report, shown: Shown) -> None:
    tip = report.tip
    if number := _beyond(beat, report, shown):
        text = f"it says that its newest clip is number {tip.counter}, and had recorded number {number} before"
        found.wrong.append((f"{text}: {AN_OLDER_CARD}", _LOOK_AT_KEY))
    if tip.counter == 0:
        return
    name = f"clip number {tip.counter} ({tip.clip[:12]})"
    entry = next((entry for entry in shown.clips if entry.clip == tip.clip), None)
    shown_seq = entry.newest.record.seq if entry else -1
    if shown_seq < tip.seq:
        text = f"{name} goes on to part {tip.seq}, and the relay shows it up to part {shown_seq} only"
        if entry is None:
            text = f"the doorbell recorded {name}, which the relay does not show"
        if entry is None and shown.gone.explains(tip.clip):
            found.notes.append(f"{name} is gone, as its owner wanted: deleted, or its days are over")
        elif _on_its_way(tip.seq - shown_seq, beat, report):
            found.notes.append(f"{text}: it may still be on its way")
        else:
            found.wrong.append((text, _LOOK_AT_RELAY))
    elif entry and shown_seq == tip.seq and ZERO_HASH != tip.hash != entry.newest.hash:
        text = f"two doorbells use one key: each signed another part {tip.seq} of {name}"
        found.wrong.append((text, _LOOK_AT_KEY))


def _on_its_way(absent: int, beat: Beat, report: Report) -> bool:
    if absent > report.waiting:
        return False
    link = report.link
    connected = link is None or (link.connected and beat.monotonic_ms >= link.since_ms + SETTLED_MS)
    settled = report.waiting <= 1 and connected and beat.monotonic_ms >= report.tip.since_ms + SETTLED_MS
    return not settled


def _beyond(beat: Beat, report: Report, shown: Shown) -> int | None:
    """Return the number of a clip that began before the message was made, and of which the message knows nothing."""
    tip = report.tip
    numbers = [
        (entry.clip, entry.first.record.counter or 0)
        for entry in shown.clips
        if entry.first and _began_before(entry, beat)
    ]
    listed = {entry.clip for entry in shown.clips}
    numbers += [
        (seen.clip, seen.counter)
        for seen in shown.memory.values()
        if seen.clip not in listed and clip_time_ms(seen.clip) + JUST_NOW_MS <= beat.number
    ]
    unknown = [n for clip, n in numbers if n > tip.counter or (n == tip.counter != 0 and clip != tip.clip)]
    return max(unknown, default=None)


def _began_before(entry: ClipEntry, beat: Beat) -> bool:
    first = (entry.first or entry.newest).record
    if first.boot == beat.boot:
        return first.monotonic_ms + JUST_NOW_MS <= beat.monotonic_ms
    return clip_time_ms(entry.clip) + JUST_NOW_MS <= beat.number

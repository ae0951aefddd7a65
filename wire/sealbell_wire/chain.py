"""How parts join into a clip and clips into a history (SPEC 6): pure rules, used by relay and owner alike."""

from collections.abc import Sequence

from sealbell_wire.errors import ContradictionError
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.record import Kind, Record


def check_joins(before: Record, before_hash: str, after: Record) -> None:
    """Raise ContradictionError unless `after` can directly follow `before` in one clip."""
    if (after.doorbell, after.clip) != (before.doorbell, before.clip):
        raise ContradictionError(f"part {after.seq} is of another clip than part {before.seq}")
    if after.seq != before.seq + 1:
        raise ContradictionError(f"part {after.seq} does not follow part {before.seq}")
    if after.prev != before_hash:
        raise ContradictionError(f"part {after.seq} was signed after another part {before.seq} than this one")
    if before.final:
        raise ContradictionError(f"part {after.seq} comes after the signed end of its clip")


def check_kinds(kinds: Sequence[Kind]) -> None:
    """Raise ContradictionError unless parts of these kinds, from seq 0 on without a hole, can make up one clip.

    Notices first, one init part before all media, nothing after a manifest. A clip may end anywhere.
    """
    started = False
    for seq, kind in enumerate(kinds):
        if seq == 0 and kind != "notice":
            raise ContradictionError("the clip does not begin with a notice")
        if seq and kinds[seq - 1] == "manifest":
            raise ContradictionError(f"part {seq} comes after the signed end of its clip")
        if (kind == "init") == started and kind in ("init", "media"):
            raise ContradictionError(f"part {seq}: a clip has one init part, before all its media")
        started = started or kind == "init"


def check_follows(earlier: Record, earlier_end_hash: str, later: Record) -> None:
    """Raise ContradictionError unless the clip that begins with `later` directly follows the one begun by `earlier`.

    Both are records of seq 0; `earlier_end_hash` is the hash of the newest record held of the earlier clip. A cut
    end, or a clip that was hidden between the two, shows here.
    """
    if earlier.counter is None or later.counter is None:
        raise ValueError("clips are compared by their first records")
    if later.doorbell != earlier.doorbell:
        raise ContradictionError(f"clip number {later.counter} is another doorbell's")
    if later.counter == earlier.counter:
        raise ContradictionError(f"two clips carry the number {later.counter}: two doorbells use one key")
    if later.clip <= earlier.clip or later.counter < earlier.counter:
        raise ContradictionError(f"clip number {later.counter} is out of order")
    missing = later.counter - earlier.counter - 1
    if missing:
        raise ContradictionError(f"{missing} clips before number {later.counter} are missing")
    if later.last == ZERO_HASH:
        raise ContradictionError(
            f"the doorbell's card had lost how clip number {earlier.counter} ended: nobody can tell whether it is whole"
        )
    if later.last != earlier_end_hash:
        raise ContradictionError(f"the end of clip number {earlier.counter} is missing")


def check_first_ever(first: Record) -> None:
    """Raise ContradictionError unless this first record begins a doorbell's history."""
    if first.counter != 1 or first.last != ZERO_HASH:
        raise ContradictionError("clips before the oldest one are missing")

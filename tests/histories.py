"""What an owner would find in a doorbell's parts: every check of the wire, made by its own means."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sealbell_wire import chain
from sealbell_wire.age.header import parse as parse_header
from sealbell_wire.age.keys import Identity
from sealbell_wire.content import Init, Manifest, Notice
from sealbell_wire.opening import Content, open_part
from sealbell_wire.part import Part, split_sealed, verify_part


@dataclass(frozen=True)
class Told:
    """One clip: its parts in order, and for each its plaintext and what it says (None twice where it was dropped)."""

    parts: tuple[Part, ...]
    plaintexts: tuple[bytes | None, ...]
    contents: tuple[Content, ...]

    @property
    def kinds(self) -> str:
        return "".join({"notice": "n", "init": "i", "media": "v", "manifest": "f"}[p.record.kind] for p in self.parts)

    @property
    def clip(self) -> str:
        return self.parts[0].record.clip

    @property
    def notices(self) -> list[Notice]:
        return [content for content in self.contents if isinstance(content, Notice)]

    @property
    def init(self) -> Init:
        (init,) = [content for content in self.contents if isinstance(content, Init)]
        return init

    @property
    def manifest(self) -> Manifest:
        assert isinstance(self.contents[-1], Manifest)
        return self.contents[-1]


def tell(parts: Sequence[Part], doorbell_key: bytes, identities: Sequence[Identity]) -> list[Told]:
    """Open a doorbell's whole history, given as it was committed; WireError where anything contradicts anything."""
    clips: dict[str, list[Part]] = {}
    for part in parts:
        clips.setdefault(part.record.clip, []).append(part)
    assert list(clips) == sorted(clips), "clips sort in the order in which they were recorded"
    told = [_tell_clip(clip, doorbell_key, identities) for clip in clips.values()]
    for number, clip in enumerate(told):
        first = clip.parts[0].record
        if number == 0:
            chain.check_first_ever(first)
        else:
            chain.check_follows(told[number - 1].parts[0].record, told[number - 1].parts[-1].hash, first)
    return told


def _tell_clip(parts: list[Part], doorbell_key: bytes, identities: Sequence[Identity]) -> Told:
    assert [part.record.seq for part in parts] == list(range(len(parts))), "each once, in order, without a hole"
    for before, after in pairwise(parts):
        chain.check_joins(before.record, before.hash, after.record)
    chain.check_kinds([part.record.kind for part in parts])
    opened: list[tuple[bytes | None, Content]] = []
    for part in parts:
        if part.sealed is None:
            verify_part(part, doorbell_key)
            opened.append((None, None))
            continue
        assert len(parse_header(split_sealed(part.sealed)[0]).stanzas) % 4 == 0, "nobody counts readers"
        opened.append(open_part(part, doorbell_key, identities))
    return Told(tuple(parts), tuple(text for text, _ in opened), tuple(content for _, content in opened))

"""Fuzz targets for what a relay or a folder hands the owner, and for the owner's own files: only WireErrors come out.

What is accepted is held against the promise: a clip never holds what was not signed, memory is read as it is written.
"""

import base64
import io
import json
from collections.abc import Callable
from contextlib import suppress

from clip_factory import IDENTITY, Doorbell, Store, film
from relay_double import RelayDouble, signed_record
from sealbell_owner import fragments, heard, history, listing, stored, words
from sealbell_owner.clip import Clip, Trust
from sealbell_owner.live import Live
from sealbell_wire.errors import WireError
from sealbell_wire.health import parse_health
from sealbell_wire.report import open_health

BELL, STORE = Doorbell(), Store()
CLIPS = [BELL.record(media=1, snapshot=b"", drop=[2]), BELL.record(media=1, snapshot=b"")]
for _parts in CLIPS:
    STORE.keep(_parts)
SAID = BELL.say(1_764_000_900_000)
STORE.hear(SAID)
DOUBLE = RelayDouble(STORE, "0" * 64, [BELL.card])
TRUST = Trust(BELL.verify_key, STORE.verify_key, [IDENTITY])
SIGNED = {STORE.stored(part) for parts in CLIPS for part in parts}
NEWEST = CLIPS[-1][0].record.clip
NEXT = "f" * 32


def fuzz_clips(data: bytes) -> None:
    with suppress(WireError):
        page = listing.parse_clips(data, 3, NEXT)
        review = history.review(page.clips, {}, BELL.verify_key, to_the_first=page.next is None)
        for entry in review.clips:
            assert entry.newest.encode() in {base64.b64decode(signed_record(p)) for parts in CLIPS for p in parts}


def fuzz_doorbells(data: bytes) -> None:
    with suppress(WireError):
        listing.parse_doorbells(data)


def fuzz_signed_record(data: bytes) -> None:
    with suppress(WireError):
        assert listing.parse_signed_record(data).encode() == data


def fuzz_stream(data: bytes) -> None:
    for keep_alive in (True, False):
        with suppress(WireError):
            for one in stored.read_stream(io.BytesIO(data).read, keep_alive=keep_alive):
                assert one in data


def fuzz_stored(data: bytes) -> None:
    with suppress(WireError):
        frame, receipt = stored.split_stored(data)
        assert frame + receipt == data
    clip = Clip(NEWEST, TRUST)
    with suppress(WireError):
        clip.take(data)
        assert data in SIGNED, "a clip took what was not signed"
    with suppress(WireError):
        Live(TRUST).take(data)
        assert data in SIGNED, "a live clip took what was not signed"


def fuzz_memory(data: bytes) -> None:
    with suppress(WireError):
        memory = history.parse_memory(data, BELL.doorbell)
        assert history.parse_memory(history.encode_memory(BELL.doorbell, memory), BELL.doorbell) == memory


def fuzz_fragments(data: bytes) -> None:
    with suppress(WireError):
        assert fragments.timescale_hz(data) > 0
    with suppress(WireError):
        assert fragments.duration_ticks(data) >= 0


def fuzz_words(data: bytes) -> None:
    with suppress(WireError):
        words.decode_words(data.decode("utf-8", "surrogateescape"))


def fuzz_heard(data: bytes) -> None:
    with suppress(WireError):
        memory = heard.parse_heard(data, BELL.doorbell)
        assert heard.parse_heard(heard.encode_heard(BELL.doorbell, memory), BELL.doorbell) == memory


def fuzz_health_answer(data: bytes) -> None:
    with suppress(WireError):
        offered = listing.parse_health_answer(data)
        if offered is not None:
            message = parse_health(offered.message)
            open_health(message, BELL.verify_key, [IDENTITY])
            assert message.text == SAID.text


TARGETS: dict[str, Callable[[bytes], None]] = {
    "owner_clips": fuzz_clips,
    "owner_doorbells": fuzz_doorbells,
    "owner_signed_record": fuzz_signed_record,
    "owner_stream": fuzz_stream,
    "owner_stored": fuzz_stored,
    "owner_memory": fuzz_memory,
    "owner_fragments": fuzz_fragments,
    "owner_words": fuzz_words,
    "owner_heard": fuzz_heard,
    "owner_health_answer": fuzz_health_answer,
}

OBJECTS = [STORE.stored(part) for parts in CLIPS for part in parts if part.record.kind != "notice"]
PAGE = listing.parse_clips(json.dumps(DOUBLE.clips(BELL.doorbell, 3, None)).encode(), 3, None)
SEEDS: dict[str, list[bytes]] = {
    "owner_clips": [json.dumps(DOUBLE.clips(BELL.doorbell, limit, None)).encode() for limit in (1, 2)],
    "owner_doorbells": [json.dumps(DOUBLE.doorbells()).encode()],
    "owner_signed_record": [entry.newest.encode() for entry in PAGE.clips],
    "owner_stream": [b"".join(DOUBLE.parts(BELL.doorbell, NEWEST, 1)), b"\0\0\0\0\0\0\0\1x"],
    "owner_stored": OBJECTS,
    "owner_memory": [history.encode_memory(BELL.doorbell, history.remember({}, map(history.as_seen, PAGE.clips)))],
    "owner_fragments": [film()[0], *film()[1][:2]],
    "owner_words": [" ".join(words.encode_words(bytes(32))).encode()],
    "owner_heard": [heard.encode_heard(BELL.doorbell, heard.remember(None, SAID, BELL.tip))],
    "owner_health_answer": [json.dumps(DOUBLE.health(BELL.doorbell)).encode(), b'{"arrived_ms":null,"health":null}'],
}

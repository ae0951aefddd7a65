import io
import itertools
from dataclasses import replace

import av
from hypothesis import given
from hypothesis import strategies as st

from clip_factory import IDENTITY, PICTURES_A_GOP, Doorbell
from sealbell_owner.film import MAX_WAITING_BYTES, Film
from sealbell_wire.opening import open_part
from sealbell_wire.record import Record

BELL = Doorbell()
PARTS = [
    (part.record, open_part(part, BELL.verify_key, [IDENTITY])[0]) for part in BELL.record(media=4, press_before=[2])
]
PLAYED = [plaintext for record, plaintext in PARTS if record.kind in ("init", "media")]


def play(parts: list[tuple[Record, bytes | None]], *, finish: bool = True) -> list[bytes]:
    film = Film()
    pieces = list(itertools.chain.from_iterable(film.add(record, plaintext) for record, plaintext in parts))
    return pieces + (film.finish() if finish else [])


def pictures(pieces: list[bytes]) -> int:
    with av.open(io.BytesIO(b"".join(pieces))) as container:
        return sum(1 for _ in container.decode(video=0))


def changed(seq: int, **changes: object) -> tuple[Record, bytes]:

    record, plaintext = PARTS[seq]
    return replace(record, **changes), plaintext  # type: ignore[arg-type]


def test_the_film_plays() -> None:
    assert pictures(play(PARTS)) == 4 * PICTURES_A_GOP


def test_in_order_every_piece_comes_at_once() -> None:
    film = Film()
    for record, plaintext in PARTS:
        assert film.add(record, plaintext) == ([plaintext] if record.kind in ("init", "media") else [])
    assert film.finish() == []


@given(st.permutations(PARTS))
def test_the_order_of_arrival_changes_nothing(parts: list[tuple[Record, bytes]]) -> None:
    assert play(parts, finish=False) == PLAYED


def test_what_comes_twice_is_played_once() -> None:
    assert play([part for part in PARTS for _ in range(2)]) == PLAYED
    assert play([*PARTS[3:], *PARTS]) == PLAYED


def test_after_a_hole_the_film_goes_on_at_a_keyframe() -> None:
    inside = changed(4, kind="media", keyframe=False)
    gop_later = PARTS[5]
    parts = [*PARTS[:3], (PARTS[3][0], None), inside, gop_later]
    film = Film()
    pieces = [piece for record, plaintext in parts for piece in film.add(record, plaintext)]
    assert pieces == [PARTS[1][1], PARTS[2][1], PARTS[5][1]]
    assert film.left_out == [4]
    assert pictures(pieces) == 2 * PICTURES_A_GOP


def test_a_missing_part_holds_the_film_only_until_the_end() -> None:
    parts = [part for part in PARTS if part[0].seq != 3]
    assert play(parts, finish=False) == PLAYED[:2]
    assert play(parts) == [*PLAYED[:2], *PLAYED[3:]]


def test_without_its_header_nothing_plays() -> None:
    film = Film()
    for record, plaintext in PARTS:
        if record.seq != 1:
            film.add(record, plaintext)
    assert film.finish() == []
    assert film.played == []
    assert film.left_out == [2, 3, 5, 6]


def test_a_film_begins_at_a_keyframe() -> None:
    assert play([*PARTS[:2], changed(2, keyframe=False), *PARTS[3:]]) == [PLAYED[0], *PLAYED[2:]]


def test_a_dropped_notice_is_no_hole_in_the_film() -> None:
    later = changed(5, keyframe=False)
    assert play([*PARTS[:4], (PARTS[4][0], None), later]) == [*PLAYED[:3], later[1]]


def test_no_more_waits_than_a_limit_whatever_a_relay_withholds() -> None:
    film = Film()
    large = bytes(MAX_WAITING_BYTES // 8)
    for record, plaintext in PARTS[:2]:
        film.add(record, plaintext)
    pieces = [film.add(replace(PARTS[2][0], seq=seq), large) for seq in range(3, 20)]
    waiting = 0
    for number, released in enumerate(pieces):
        waiting += 1 - len(released)
        assert waiting <= 8, number
    assert film.add(*PARTS[2]) == []  # too late: what follows is shown already

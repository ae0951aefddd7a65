import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealbell_wire.age.errors import HeaderFailure, PayloadFailure
from sealbell_wire.age.file import open_body
from sealbell_wire.age.payload import CHUNK_BYTES, NONCE_BYTES, SEALED_CHUNK_BYTES, Reader, seal, sealed_size

FILE_KEY, NONCE = b"0123456789abcdef", b"a nonce, 16 byte"
EDGES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES - 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]


def picture(size: int) -> bytes:
    return (b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1)))[:size]


def refused(body: bytes) -> bytes:
    with pytest.raises(PayloadFailure) as failure:
        open_body(FILE_KEY, body)
    return failure.value.released


@pytest.mark.parametrize("size", EDGES)
def test_what_is_sealed_is_opened(size):
    body = seal(FILE_KEY, NONCE, picture(size))
    assert len(body) == sealed_size(size)
    assert open_body(FILE_KEY, body) == picture(size)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(EDGES), st.lists(st.integers(1, SEALED_CHUNK_BYTES + 1), max_size=8))
def test_pieces_of_any_size_give_the_same(size, pieces):
    body = seal(FILE_KEY, NONCE, picture(size))
    reader, plaintext, at = Reader(FILE_KEY), b"", 0
    for piece in [*pieces, len(body)]:
        plaintext += reader.feed(body[at : at + piece])
        at += piece
    assert plaintext + reader.finish() == picture(size)


def test_byte_by_byte_gives_the_same():
    body = seal(FILE_KEY, NONCE, picture(CHUNK_BYTES + 10))
    reader = Reader(FILE_KEY)
    plaintext = b"".join(reader.feed(body[at : at + 1]) for at in range(len(body)))
    assert plaintext + reader.finish() == picture(CHUNK_BYTES + 10)


def test_a_chunk_is_released_as_soon_as_it_is_whole():
    body = seal(FILE_KEY, NONCE, picture(CHUNK_BYTES + 1))
    assert Reader(FILE_KEY).feed(body[: NONCE_BYTES + SEALED_CHUNK_BYTES]) == picture(CHUNK_BYTES)


def test_a_short_payload_cut_anywhere_releases_nothing():
    body = seal(FILE_KEY, NONCE, picture(100))
    for end in range(len(body)):
        with pytest.raises(HeaderFailure if end < NONCE_BYTES else PayloadFailure):
            open_body(FILE_KEY, body[:end])
        if end >= NONCE_BYTES:
            assert refused(body[:end]) == b""


@pytest.mark.parametrize("over", [0, 1, 15, 16, 17, 100])
def test_whole_chunks_before_a_cut_are_released(over):
    body = seal(FILE_KEY, NONCE, picture(3 * CHUNK_BYTES))
    cut = NONCE_BYTES + 2 * SEALED_CHUNK_BYTES
    assert refused(body[: cut + over]) == picture(2 * CHUNK_BYTES)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1])
def test_nothing_may_follow_a_short_last_chunk(size):
    assert refused(seal(FILE_KEY, NONCE, picture(size)) + b"x") == b""


@pytest.mark.parametrize("after", [b"x", bytes(SEALED_CHUNK_BYTES), bytes(3 * SEALED_CHUNK_BYTES)])
def test_nothing_may_follow_a_full_last_chunk(after):
    assert refused(seal(FILE_KEY, NONCE, picture(2 * CHUNK_BYTES)) + after) == picture(2 * CHUNK_BYTES)


def test_an_empty_last_chunk_is_refused_after_another():
    full = seal(FILE_KEY, NONCE, picture(CHUNK_BYTES + 1))[: NONCE_BYTES + SEALED_CHUNK_BYTES]
    # What a writer would add that closes a full chunk by an empty one.
    empty_last = Reader(FILE_KEY)
    empty_last.feed(full)
    assert empty_last._cipher is not None
    tag = empty_last._cipher.encrypt((1 << 8 | 1).to_bytes(12, "big"), b"", None)
    assert refused(full + tag) == picture(CHUNK_BYTES)


def test_swapped_doubled_and_dropped_chunks_are_refused():
    body = seal(FILE_KEY, NONCE, picture(3 * CHUNK_BYTES + 5))
    nonce, *chunks = (
        body[:NONCE_BYTES],
        *(body[at : at + SEALED_CHUNK_BYTES] for at in range(NONCE_BYTES, len(body), SEALED_CHUNK_BYTES)),
    )
    first, second, third, last = chunks
    assert refused(nonce + first + third + second + last) == picture(CHUNK_BYTES)
    assert refused(nonce + first + first + second + third + last) == picture(CHUNK_BYTES)
    assert refused(nonce + first + third + last) == picture(CHUNK_BYTES)
    assert refused(nonce + last) == b""


def test_every_changed_byte_is_noticed():
    body = seal(FILE_KEY, NONCE, picture(60))
    for at in range(len(body)):
        assert refused(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]) == b""


def test_another_file_key_opens_nothing():
    with pytest.raises(PayloadFailure):
        open_body(bytes(16), seal(FILE_KEY, NONCE, b"picture"))


def test_a_reader_holds_one_chunk_and_never_the_file():
    body = seal(FILE_KEY, NONCE, bytes(16 << 20))
    reader = Reader(FILE_KEY)
    tracemalloc.start()
    for at in range(0, len(body), 5000):
        reader.feed(body[at : at + 5000])
    reader.finish()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 6 * CHUNK_BYTES

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire.age import header
from sealbell_wire.age.errors import HeaderFailure, MacFailure
from sealbell_wire.age.header import MAX_HEADER_BYTES, MAX_STANZAS, Stanza, find_end, parse, serialise

FILE_KEY = b"0123456789abcdef"
TWO_STANZAS = (Stanza(("X25519", "share"), bytes(32)), Stanza(("grease",), bytes(48)))

arguments = st.lists(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1), min_size=1, max_size=4)
stanzas = st.builds(Stanza, arguments.map(tuple), st.binary(max_size=200)).filter(lambda s: s.arguments[0] != "scrypt")
headers = st.lists(stanzas, min_size=1, max_size=4).map(tuple)


@given(headers)
def test_what_is_written_is_read(written):
    head = serialise(written, FILE_KEY)
    read = parse(head)
    assert read.stanzas == written
    assert head.startswith(read.covered + b" ")
    header.verify(read, FILE_KEY)
    assert find_end(head + b"\n---payload") == len(head)


def test_bodies_are_wrapped_at_64_columns():
    lines = serialise(TWO_STANZAS, FILE_KEY).split(b"\n")
    assert [len(line) for line in lines] == [21, 15, 43, 9, 64, 0, 47, 0]


def test_another_file_key_does_not_verify():
    with pytest.raises(MacFailure):
        header.verify(parse(serialise(TWO_STANZAS, FILE_KEY)), bytes(16))


def test_every_changed_byte_is_noticed():
    head = serialise(TWO_STANZAS, FILE_KEY)
    for at in range(len(head)):
        for bit in (1, 32):
            changed = head[:at] + bytes([head[at] ^ bit]) + head[at + 1 :]
            with pytest.raises((HeaderFailure, MacFailure)):
                header.verify(parse(changed), FILE_KEY)


def test_a_header_cut_anywhere_is_refused_and_not_yet_ended():
    head = serialise(TWO_STANZAS, FILE_KEY)
    for end in range(len(head)):
        assert find_end(head[:end]) is None
        with pytest.raises(HeaderFailure):
            parse(head[:end])


def test_a_header_that_arrives_in_pieces_ends_where_it_ends():
    head = serialise(TWO_STANZAS, FILE_KEY)
    for end in range(len(head)):
        for more in range(1, len(head) + 3 - end):
            data = head + b"\n\n"
            expected = len(head) if end + more >= len(head) else None
            assert find_end(data[: end + more], scanned_bytes=end) == expected


def test_something_after_a_header_is_refused():
    with pytest.raises(HeaderFailure):
        parse(serialise(TWO_STANZAS, FILE_KEY) + b"\n")


@pytest.mark.parametrize("begin", [b"b", b"age-encryption.org/v2", b"\n", b"-----BEGIN AGE ENCRYPTED FILE-----\n"])
def test_another_format_is_refused_at_its_first_foreign_byte(begin):
    with pytest.raises(HeaderFailure, match="not an age v1 file"):
        find_end(begin)


def test_a_header_without_stanzas_is_refused():
    with pytest.raises(HeaderFailure, match="1 to 1024 stanzas"):
        parse(serialise((), FILE_KEY))


def test_a_passphrase_stanza_must_stand_alone():
    scrypt = Stanza(("scrypt", "c2FsdA", "10"), bytes(32))
    assert parse(serialise((scrypt,), FILE_KEY)).stanzas == (scrypt,)
    with pytest.raises(HeaderFailure, match="passphrase"):
        parse(serialise((scrypt, *TWO_STANZAS), FILE_KEY))


def test_the_number_of_stanzas_is_bounded():
    stanza = Stanza(("grease",), b"")
    assert len(parse(serialise((stanza,) * MAX_STANZAS, FILE_KEY)).stanzas) == MAX_STANZAS
    with pytest.raises(HeaderFailure, match="1 to 1024 stanzas"):
        parse(serialise((stanza,) * (MAX_STANZAS + 1), FILE_KEY))


def test_the_size_of_a_header_is_bounded():
    largest_body = b"\n" + b"A" * MAX_HEADER_BYTES
    with pytest.raises(HeaderFailure, match="longer than"):
        find_end((header.VERSION_LINE + b"-> x" + largest_body)[:MAX_HEADER_BYTES])
    assert find_end((header.VERSION_LINE + b"-> x" + largest_body)[: MAX_HEADER_BYTES - 1]) is None


def test_an_endless_mac_line_is_refused_at_once():
    with pytest.raises(HeaderFailure, match="MAC line"):
        find_end(header.VERSION_LINE + b"-> x\n\n--- " + b"A" * 45)


@pytest.mark.parametrize(
    "text", [b"=", b"AA==", b"A", b"AAAAA", b"AB", b"AA\n", b" AA", b"A-", b"A_", b"AA\xff", b"AAB"]
)
def test_base64_must_be_canonical(text):
    with pytest.raises(HeaderFailure):
        header.decode_base64(text)


@given(st.binary(max_size=100))
def test_base64_is_read_as_it_is_written(data):
    assert header.decode_base64(header.encode_base64(data).encode()) == data

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire.age import bech32
from sealbell_wire.errors import FormatError

PREFIXES = ["a", "age", "age1pq", "AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-"]


@given(st.sampled_from(PREFIXES), st.binary(max_size=2000))
def test_what_is_encoded_is_decoded(prefix, data):
    assert bech32.decode(bech32.encode(prefix, data)) == (prefix, data)


# BIP173's own examples that hold whole bytes or nothing.
@pytest.mark.parametrize(
    "text",
    [
        "A12UEL5L",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "?1ezyfcl",
    ],
)
def test_bip173_examples_without_data_are_decoded(text):
    prefix, data = bech32.decode(text)
    assert data == b""
    assert bech32.encode(prefix, data) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "pzry9x0s0muk",  # no separator
        "1pzry9x0s0muk",  # no prefix
        "10a06t8",
        "1qzzfhee",
        "x1b4n0q5v",  # a letter that is not in the alphabet
        "li1dgmt3",  # a short checksum
        "A1G7SGD8",  # the checksum of the other case
        "A12uEL5L",
        "\x201nwldj5",
        "\x7f1axkwrx",
        "\x801eym55h",
        "\u212a12uel5l",  # a letter that only becomes ASCII in lower case
        "split1cheo2y9e2w",
        "a12uel5l\n",
        "a" * 5000,
    ],
)
def test_malformed_strings_are_refused(text):
    with pytest.raises(FormatError):
        bech32.decode(text)


def test_spare_bits_and_spare_letters_are_refused():
    values = bech32._regroup(b"\xff", 8, 5)  # two groups with two spare bits
    for wrong in ([values[0], values[1] | 1], [*values, 0], values[:1]):
        checksum = bech32._polymod([*bech32._expand("age"), *wrong, *[0] * 6]) ^ 1
        letters = [*wrong, *(checksum >> shift & 31 for shift in (25, 20, 15, 10, 5, 0))]
        with pytest.raises(FormatError, match="whole bytes"):
            bech32.decode("age1" + "".join(bech32.ALPHABET[value] for value in letters))


@given(st.binary(min_size=1, max_size=40), st.data())
def test_any_changed_letter_is_noticed(data, draw):
    text = bech32.encode("age", data)
    at = draw.draw(st.integers(4, len(text) - 1))
    other = draw.draw(st.sampled_from(bech32.ALPHABET.replace(text[at], "")))
    with pytest.raises(FormatError, match="checksum"):
        bech32.decode(text[:at] + other + text[at + 1 :])


def test_every_cut_string_is_refused():
    text = bech32.encode("age", bytes(32))
    for end in range(len(text)):
        with pytest.raises(FormatError):
            bech32.decode(text[:end])

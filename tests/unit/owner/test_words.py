import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_owner.words import decode_words, encode_words
from sealbell_wire.errors import FormatError

ZEROS = ("abandon " * 23 + "art").split()  # BIP39's own vector for 32 zero bytes


def test_words_are_bip39s() -> None:
    assert encode_words(bytes(32)) == ZEROS
    assert decode_words(" ".join(ZEROS)) == bytes(32)


@given(st.binary(min_size=32, max_size=32))
def test_words_lead_back_to_the_entropy(entropy: bytes) -> None:
    assert decode_words("  ".join(encode_words(entropy)).upper() + "\n") == entropy


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "there are 0"),
        (" ".join(ZEROS[:23]), "there are 23"),
        (" ".join([*ZEROS, "art"]), "there are 25"),
        (" ".join([*ZEROS[:6], "xyzzy", *ZEROS[7:]]), "word 7 is not"),
        (" ".join([*ZEROS[:23], "zoo"]), "does not fit"),
        ("abandon " * 1000, "characters are more"),
        ("abandon\0 " * 24, "word 1 is not"),
    ],
)
def test_wrong_words_are_refused_and_never_repeated(text: str, what: str) -> None:
    with pytest.raises(FormatError, match=what) as refused:
        decode_words(text)
    assert "xyzzy" not in str(refused.value)


def test_entropy_of_another_length_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        encode_words(bytes(16))

"""Invites: typed by people, checked before anybody is asked, and too many to guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire.errors import FormatError
from sealbell_wire.invite import invite_hash, new_invite, parse_invite

CODE = "000G-40R4-0M30-E209-185G-R38E-1W85-6MS7"
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

random_bytes = st.binary(min_size=17, max_size=17)


def test_the_worked_invite_is_right() -> None:
    assert new_invite(bytes(range(17))) == CODE
    assert parse_invite(CODE) == bytes(range(17))


@given(random_bytes)
def test_an_invite_is_read_as_it_was_made_however_it_is_typed(data: bytes) -> None:
    code = new_invite(data)
    for typed in (code, code.lower(), code.replace("-", ""), code.replace("-", " "), f" {code} "):
        assert parse_invite(typed) == data
    assert parse_invite(code.replace("0", "o").replace("1", "l")) == data
    assert parse_invite(code.replace("0", "O").replace("1", "I")) == data


@given(random_bytes, st.integers(0, 31), st.sampled_from(DIGITS))
def test_a_letter_that_was_mistyped_is_noticed(data: bytes, at: int, digit: str) -> None:
    code = new_invite(data).replace("-", "")
    if code[at] != digit:
        with pytest.raises(FormatError, match="mistyped"):
            parse_invite(code[:at] + digit + code[at + 1 :])


@given(random_bytes, st.integers(0, 30))
def test_two_letters_that_changed_places_are_noticed(data: bytes, at: int) -> None:
    code = new_invite(data).replace("-", "")
    if code[at] != code[at + 1]:
        with pytest.raises(FormatError, match="mistyped"):
            parse_invite(code[:at] + code[at + 1] + code[at] + code[at + 2 :])


@given(st.text(max_size=80))
def test_what_is_no_invite_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_invite(text)
    assert len(text) < 8 or text not in str(refused.value)


@pytest.mark.parametrize("text", [CODE[:at] for at in range(len(CODE))])
def test_a_cut_invite_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_invite(text)


@pytest.mark.parametrize("text", [CODE + "0", CODE + CODE, "-" * 40 + CODE, CODE.replace("0", "\uff10"), CODE + "\n"])
def test_an_invite_with_something_behind_or_of_other_letters_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_invite(text)


def test_an_invite_is_made_of_17_bytes_and_known_by_their_hash() -> None:
    with pytest.raises(ValueError, match="17"):
        new_invite(bytes(16))
    assert invite_hash(bytes(17)) != invite_hash(bytes(16) + b"\1")

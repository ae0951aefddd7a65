"""What is posted to enrol somebody: each good form, and everything else refused with our own error."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parts_factory import Doorbell, Owner
from sealbell_relay.errors import RequestError
from sealbell_relay.http.bodies import MAX_BODY_BYTES, Joining, parse_introduction, parse_joining, parse_phone
from sealbell_wire import sshsig
from sealbell_wire.enrolment import Introduction
from sealbell_wire.invite import invite_hash, new_invite

OWNER, OTHER = Owner(1), Owner(2)
BELL = Doorbell(1, OWNER)
RANDOM = bytes(range(17))
CODE = new_invite(RANDOM)
SECRET = "5e" * 32
INTRODUCTION = Introduction.sign(BELL.key, OWNER.card.key, SECRET)


def joining(
    owner: Owner = OWNER, signer: Owner | None = None, namespace: str = sshsig.OWNER, **changes: object
) -> bytes:
    signature = sshsig.sign((signer or owner).key, namespace, owner.card.encode()).hex()
    value = {"invite": CODE, "card": json.loads(owner.card.encode()), "signature": signature, **changes}
    return json.dumps({key: value for key, value in value.items() if value is not None}).encode()


GOOD: list[tuple[Callable[[bytes], object], bytes, object]] = [
    (parse_joining, joining(), Joining(OWNER.card, invite_hash(RANDOM))),
    (parse_introduction, INTRODUCTION.encode(), INTRODUCTION),
    (parse_phone, b'{"token_hash":"' + b"ab" * 32 + b'"}', "ab" * 32),
]


@pytest.mark.parametrize(("parse", "body", "expected"), GOOD)
def test_a_good_body_is_read_whole_and_no_other_way(
    parse: Callable[[bytes], object], body: bytes, expected: object
) -> None:
    assert parse(body) == expected
    for bad in (*(body[:at] for at in range(len(body.rstrip()))), body + b"{}", b"[" + body + b"]", b"\xff" + body):
        with pytest.raises(RequestError) as refused:
            parse(bad)
        assert refused.value.status == 400


@pytest.mark.parametrize(
    "body",
    [
        joining(signer=OTHER),
        joining(namespace=sshsig.READERS),
        joining(signature="00" * 64),
        joining(signature="5E" * 64),
        joining(signature=""),
        joining(signature=7),
        joining(card=json.loads(OTHER.card.encode())),
        joining(card=json.loads(BELL.card.encode())),
        joining(card=OWNER.card.encode().decode()),
        joining(card=None),
        joining(invite=None),
        joining(invite=17),
        joining(more=""),
        joining() + b" " * MAX_BODY_BYTES,
        joining().replace(b'"invite"', b'"invite": "", "invite"', 1),
    ],
)
def test_nobody_is_enrolled_by_a_card_that_its_key_did_not_sign(body: bytes) -> None:
    with pytest.raises(RequestError) as refused:
        parse_joining(body)
    assert refused.value.status == 400
    assert CODE not in str(refused.value)


@pytest.mark.parametrize("invite", ["", CODE[:-1], CODE + "0", "../" + CODE, "0" * 1_000, "\u00e9", CODE[:-1] + "U"])
def test_an_invite_that_is_none_is_for_whoever_knows_all_others_to_refuse(invite: str) -> None:
    assert parse_joining(joining(invite=invite)) == Joining(OWNER.card, None)


@pytest.mark.parametrize(
    "body", [OWNER.card.encode(), BELL.card.encode(), INTRODUCTION.encode() + b" " * MAX_BODY_BYTES]
)
def test_a_doorbell_is_enrolled_by_an_introduction_and_nothing_else(body: bytes) -> None:
    with pytest.raises(RequestError) as refused:
        parse_introduction(body)
    assert refused.value.status == 400
    assert SECRET not in str(refused.value)


@given(st.binary(max_size=300))
def test_whatever_is_posted_only_our_own_error_comes_of_it(body: bytes) -> None:
    for parse in (parse_joining, parse_introduction, parse_phone):
        with pytest.raises(RequestError) as refused:
            parse(body)
        assert refused.value.status == 400


def test_what_was_parsed_shows_no_secret_by_accident() -> None:
    assert invite_hash(RANDOM) not in repr(parse_joining(joining()))
    assert SECRET not in repr(parse_introduction(INTRODUCTION.encode()))

"""Who may ask how often: guessing tokens is slowed down, and an owner does not pay for their neighbours."""

import pytest

from sealbell_relay.http.buckets import Rate
from sealbell_relay.http.limits import Limits, TooManyError

GOOD, BAD = "Bearer " + "0f" * 32, "Bearer " + "1e" * 32


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def made(clock: Clock) -> Limits:
    return Limits(clock, Rate(1, 3), Rate(1, 5))


def test_requests_without_a_token_are_counted_by_address() -> None:
    limits = made(Clock())
    for _ in range(3):
        limits.before("192.0.2.1", None)
    with pytest.raises(TooManyError) as refused:
        limits.before("192.0.2.1", None)
    assert refused.value.status == 429
    assert refused.value.retry_after_s == 1
    limits.before("192.0.2.2", None)


def test_guessing_is_slowed_down() -> None:
    clock = Clock()
    limits = made(clock)
    for _ in range(3):
        limits.before("192.0.2.1", BAD)
        limits.failed("192.0.2.1", BAD)
    with pytest.raises(TooManyError):
        limits.before("192.0.2.1", BAD)
    clock.now = 1.0
    limits.before("192.0.2.1", BAD)


def test_an_owner_behind_the_address_of_a_guesser_is_let_in() -> None:
    limits = made(Clock())
    limits.before("192.0.2.1", GOOD)
    limits.asked("owner", GOOD)
    for _ in range(3):
        limits.failed("192.0.2.1", BAD)
    limits.before("192.0.2.1", GOOD)
    with pytest.raises(TooManyError):
        limits.before("192.0.2.1", BAD)


def test_a_token_that_is_nobodys_any_more_is_a_strangers() -> None:
    limits = made(Clock())
    limits.asked("owner", GOOD)
    for _ in range(3):
        limits.failed("192.0.2.1", GOOD)
    with pytest.raises(TooManyError):
        limits.before("192.0.2.1", GOOD)


def test_owners_have_a_limit_of_their_own() -> None:
    limits = made(Clock())
    for _ in range(5):
        limits.asked("owner", GOOD)
    with pytest.raises(TooManyError):
        limits.asked("owner", GOOD)
    limits.asked("another", BAD)

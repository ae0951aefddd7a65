"""Who holds which shard: all have one holder at least, and whoever comes or goes moves its own share alone."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.fleet.shards import GRACE_S, SHARDS, Holding, owner, share

RELAYS = [f"{number:032x}" for number in range(8)]
some_relays = st.sets(st.sampled_from(RELAYS), min_size=1)


def test_a_relay_alone_holds_all() -> None:
    assert share(RELAYS[0], RELAYS[:1]) == set(SHARDS)
    assert Holding(RELAYS[0]).hold(RELAYS[:1], 0) == set(SHARDS)


@given(some_relays)
def test_each_shard_is_in_one_share(relays: set[str]) -> None:
    shares = [share(relay, relays) for relay in relays]
    assert sorted(shard for one in shares for shard in one) == sorted(SHARDS)


def test_shares_are_about_equal() -> None:
    sizes = [len(share(relay, RELAYS[:4])) for relay in RELAYS[:4]]
    assert min(sizes) > 40
    assert max(sizes) < 90


@given(some_relays, st.sampled_from(RELAYS))
def test_who_goes_moves_its_own_share_alone(relays: set[str], gone: str) -> None:
    left = relays - {gone}
    for relay in left:
        taken = share(relay, left) - share(relay, relays)
        assert share(relay, relays) <= share(relay, left)
        assert taken <= (share(gone, relays) if gone in relays else set())


def test_what_becomes_ours_is_held_at_once_and_what_becomes_anothers_is_kept_for_a_while() -> None:
    one, other = RELAYS[:2]
    holding = Holding(one)
    before = holding.hold([one], 0)
    assert holding.hold([one, other], 1) == before
    assert holding.hold([one, other], GRACE_S - 0.1) == before
    assert holding.hold([one, other], GRACE_S) == share(one, [one, other])
    assert holding.hold([one], GRACE_S + 1) == before


def test_a_relay_that_comes_and_goes_moves_nothing() -> None:
    one, other = RELAYS[:2]
    holding = Holding(one)
    for second in range(60):
        assert len(holding.hold([one, other] if second % 5 else [one], second)) == len(SHARDS)


@given(st.lists(st.tuples(some_relays, st.floats(0, 3)), min_size=2, max_size=12))
def test_no_shard_is_without_a_holder_however_relays_come_and_go_if_they_see_the_same(
    steps: Sequence[tuple[set[str], float]],
) -> None:
    holdings = {relay: Holding(relay) for relay in RELAYS}
    now = 0.0
    for relays, wait in steps:
        now += wait
        held = [holdings[relay].hold(relays, now) for relay in relays]
        assert frozenset().union(*held) == set(SHARDS)


@given(some_relays, some_relays, st.lists(st.floats(0, GRACE_S - 1), min_size=len(RELAYS), max_size=len(RELAYS)))
def test_no_shard_falls_between_relays_that_see_a_change_at_different_times(
    first: set[str], second: set[str], delays: Sequence[float]
) -> None:
    steady = sorted(first & second)
    holdings = {relay: Holding(relay) for relay in steady}
    handed_over = {shard for shard in SHARDS if {owner(shard, first), owner(shard, second)} <= set(steady)}
    for moment in (0.0, *sorted(delays), GRACE_S):
        seen = {relay: second if moment > delay else first for relay, delay in zip(steady, delays, strict=False)}
        held = [holdings[relay].hold(seen[relay], moment) for relay in steady]
        assert handed_over <= frozenset().union(*held)

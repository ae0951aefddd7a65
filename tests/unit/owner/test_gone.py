"""What is rightly gone: by the owner's word, or because its days were over while a document was in force."""

from hypothesis import given
from hypothesis import strategies as st

from sealbell_owner.gone import DAY_MS, NO_TIME_BEFORE_MS, NOT_SIGNED, STILL_SHOWN, Gone, Rule

NOW_MS = NO_TIME_BEFORE_MS + 1_000 * DAY_MS


def clip(days_ago: float) -> str:
    return f"{NOW_MS - int(days_ago * DAY_MS):012x}{'5a' * 10}"


@given(st.integers(0, 900))
def test_without_a_document_thirty_days_count(days_ago: int) -> None:
    assert Gone(NOW_MS).is_over(clip(days_ago)) == (days_ago > 30)


@given(st.integers(0, 900), st.integers(1, 400), st.integers(0, 300))
def test_a_document_counts_from_its_own_time_on(days_ago: int, days: int, since_days_ago: int) -> None:
    gone = Gone(NOW_MS, rules=[Rule(NOW_MS - since_days_ago * DAY_MS, days)])
    was_over_before = days_ago - since_days_ago > 30
    assert gone.is_over(clip(days_ago)) == (was_over_before or days_ago > days)


def test_what_went_under_a_shorter_document_is_explained_under_a_longer_one() -> None:
    gone = Gone(NOW_MS, rules=[Rule(NOW_MS - 20 * DAY_MS, 2), Rule(NOW_MS - 10 * DAY_MS, 365)])
    assert gone.is_over(clip(13))
    assert not gone.is_over(clip(11))


def test_a_clip_of_a_clock_that_was_never_set_is_not_explained_by_its_days() -> None:
    assert not Gone(NOW_MS).is_over(f"{1_000:012x}{'5a' * 10}")


def test_what_was_deleted_is_explained_and_must_not_return() -> None:
    gone = Gone(NOW_MS, {clip(1): True, clip(2): False})
    assert gone.explains(clip(1))
    assert gone.explains(clip(2))
    assert not gone.explains(clip(3))
    assert (gone.returned(clip(1)), gone.returned(clip(2)), gone.returned(clip(3))) == (STILL_SHOWN, NOT_SIGNED, None)
    assert gone.between(clip(3), clip(0)) == 2

from sealbell.items import Condition, Trouble
from sealbell.watch.losses import OVER_AFTER_US, Losses


def test_lost_pictures_are_one_trouble_until_none_was_lost_for_a_while() -> None:
    losses = Losses()
    assert losses.over(0) is None
    assert losses.lost(10) == Condition(10, Trouble.PICTURES_LOST, present=True)
    assert losses.lost(20) is None
    assert losses.over(20 + OVER_AFTER_US - 1) is None
    assert losses.over(20 + OVER_AFTER_US) == Condition(20 + OVER_AFTER_US, Trouble.PICTURES_LOST, present=False)
    assert losses.over(10 * OVER_AFTER_US) is None
    assert losses.lost(11 * OVER_AFTER_US) is not None

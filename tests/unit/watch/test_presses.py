import threading

from sealbell.watch.presses import Presses
from sealbell_testing.waiting import DEADLINE_S


def test_press_ends_a_rest_that_has_begun_and_prevents_the_next() -> None:
    presses, ended = Presses(), threading.Event()

    def rest() -> None:
        presses.rest(10 * DEADLINE_S)
        ended.set()

    threading.Thread(target=rest, daemon=True).start()
    presses.felt()
    assert ended.wait(DEADLINE_S)
    presses.rest(10 * DEADLINE_S)


def test_rest_is_as_long_as_it_shall_be_once_all_presses_are_sealed() -> None:
    presses, ended = Presses(), threading.Event()
    presses.felt()
    presses.felt()
    presses.sealed()
    presses.rest(10 * DEADLINE_S)  # one is still under way
    presses.sealed()

    def rest() -> None:
        presses.rest(DEADLINE_S)
        ended.set()

    threading.Thread(target=rest, daemon=True).start()
    assert not ended.wait(0.05)
    presses.felt()
    assert ended.wait(DEADLINE_S)

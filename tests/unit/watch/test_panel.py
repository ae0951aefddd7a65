from sealbell.clock import FootageClock
from sealbell.items import Press
from sealbell.watch.panel.scripted import ScriptedPanel


def test_every_press_is_pressed_once_at_its_time_in_order() -> None:
    clock, pressed = FootageClock("0" * 32, real=False), []
    ScriptedPanel(clock, [5_000, 1_000, 1_000]).start(lambda press: pressed.append((press, clock.now_us())))
    clock.start()
    clock.reach(999)
    assert pressed == []
    clock.reach(10_000)
    assert pressed == [(Press(1_000), 1_000), (Press(1_000), 1_000), (Press(5_000), 5_000)]


def test_nobody_presses_after_the_end() -> None:
    clock, pressed = FootageClock("0" * 32, real=False), []
    panel = ScriptedPanel(clock, [1_000])
    panel.start(pressed.append)
    panel.stop()
    clock.reach(10_000)
    assert pressed == []

"""Losses, doubles, delays, disconnections, deaths, a full outbox: at no moment is a committed part nowhere."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ramdisk
from sealbell.spool import listing
from simulator import Weather
from streets import NO_CAP, Street

S = 1_000_000
SPELLS = ("n", "niv", "nivvvf", "nnivnvf", "nf")

Step = tuple[str, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(0, len(SPELLS) - 1)),
        st.tuples(st.just("add"), st.just(0)),
        st.tuples(st.just("live"), st.sampled_from([0, 3_000, 50_000, S, 10 * S, 300 * S])),
        st.tuples(
            st.sampled_from(
                ["cut", "die", "broker back", "relay away", "relay back", "disk full", "disk back", "restart"]
            ),
            st.just(0),
        ),
    ),
    min_size=4,
    max_size=40,
)
weathers = st.builds(
    Weather,
    seed=st.integers(0, 2**16),
    lose=st.sampled_from([0.0, 0.2, 0.6]),
    double=st.sampled_from([0.0, 0.3]),
    longest_us=st.sampled_from([1, 20_000, 5 * S]),
)


def take(street: Street, step: str, figure: int) -> None:
    match step:
        case "commit":
            street.commit(*street.bell.spell(SPELLS[figure]), pressed=street.bell.counter % 2 == 0)
        case "add" if street.bell.clip and street.bell.clip[-1].record.kind != "manifest":
            street.commit(street.bell.add("v"), pressed=street.bell.counter % 2 == 0)
        case "live":
            street.live(figure, step_s=30)
        case "cut":
            street.broker.cut()
        case "die":
            street.broker.die()
        case "broker back":
            street.broker.away = False
        case "relay away" | "relay back":
            street.relay.away = step == "relay away"
        case "disk full" | "disk back":
            street.relay.disk_full = step == "disk full"
        case "restart":
            street.start_uplink()


def check_nothing_is_nowhere(street: Street) -> None:
    here = {(entry.clip, entry.seq): entry.dropped for entry in listing(street.folder)}
    there = {name[1:]: kept.part for name, kept in street.relay.kept.items()}
    for part in street.committed:
        name = (part.record.clip, part.record.seq)
        assert name in here or name in there, "committed, and nowhere"
        if name not in street.dropped:
            whole = not here.get(name, True) or (name in there and there[name].sealed is not None)
            assert whole, "only a full outbox drops"
        assert name not in there or there[name].hash == part.hash
    if street.committed:
        newest = street.committed[-1].record
        assert (newest.clip, newest.seq) in here, "the newest stays until the next is committed"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=steps, weather=weathers, cap_bytes=st.sampled_from([NO_CAP, NO_CAP, 80_000]))
def test_nothing_that_was_committed_is_ever_nowhere_and_in_the_end_all_is_there(
    script: list[Step], weather: Weather, cap_bytes: int
) -> None:
    with ramdisk.folder() as folder:
        street = Street(folder, weather, cap_bytes)
        for step, figure in script:
            take(street, step, figure)
            check_nothing_is_nowhere(street)
        street.broker.away = street.relay.away = street.relay.disk_full = False
        street.broker.weather = Weather(weather.seed)
        street.live(1_800 * S, step_s=60)
        if street.committed:
            street.check_all_arrived()
        street.close()

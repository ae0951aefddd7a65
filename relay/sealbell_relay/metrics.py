"""What Prometheus may know: counts and times, without the name of a doorbell, a clip or an owner."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sealbell_relay.state import State

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Gauges = dict[str, tuple[str, Callable[[], float]]]


class Metrics:
    """One relay's metrics. `gauges` are read when somebody asks: what they are called, help, and how to read them."""

    def __init__(self, state: State, gauges: Gauges) -> None:
        self._registry = CollectorRegistry()
        self._lag = Histogram(
            "sealbell_receipt_lag_seconds",
            "from the arrival of a part to its receipt's way out",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._store = Histogram(
            "sealbell_store_seconds",
            "how long an operation of the store took",
            ["operation", "outcome"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_Counts(state, gauges))

    def receipt(self, lag_s: float) -> None:
        """Note how long a part waited for its receipt."""
        self._lag.observe(lag_s)

    def store(self, verb: str, seconds: float, failed: bool) -> None:
        """Note an operation of the store; from any thread."""
        self._store.labels(verb, "failed" if failed else "done").observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _Counts(Collector):
    """Reads State when somebody asks, so that counting costs nothing more than it did."""

    def __init__(self, state: State, gauges: Gauges) -> None:
        self._state = state
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        state = self._state
        parts = CounterMetricFamily("sealbell_parts", "parts taken, by what became of them", labels=["verdict"])
        for verdict, count in (("stored", state.stored), ("dropped", state.dropped), ("resent", state.resent)):
            parts.add_metric([verdict], count)
        yield parts
        removed = CounterMetricFamily(
            "sealbell_removed", "tombstones obeyed, and clips that a rule ended", labels=["why"]
        )
        for why, count in (("deleted", state.deleted), ("expired", state.expired), ("over-quota", state.over_quota)):
            removed.add_metric([why], count)
        yield removed
        yield CounterMetricFamily("sealbell_stored_bytes", "bytes stored, with receipts", value=state.stored_bytes)
        yield CounterMetricFamily("sealbell_receipts", "receipts to parts, whatever they say", value=state.receipts)
        yield CounterMetricFamily("sealbell_healths", "health messages kept", value=state.healths)
        yield _by_reason("sealbell_refusals", "messages from doorbells that were refused", state.refused)
        yield _by_reason("sealbell_http_refusals", "connections and requests turned away", state.turned_away)
        for name, failure in (("store", state.store_failure), ("broker", state.broker_failure)):
            yield GaugeMetricFamily(f"sealbell_{name}_up", f"1 while the {name} works", value=failure is None)
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(name, text, value=read())


def _by_reason(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=["reason"])
    for reason, count in sorted(counts.items()):
        family.add_metric([reason], count)
    return family

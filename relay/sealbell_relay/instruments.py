"""What an operator's programs see of a serving relay, wired to the parts that it is read from."""

from collections.abc import Callable

from sealbell_relay.errors import RelayError
from sealbell_relay.http.admin import AdminSide
from sealbell_relay.http.front import ADMIN_HOST, Front
from sealbell_relay.http.server import HttpServer
from sealbell_relay.http.slots import Slots
from sealbell_relay.intake.outgoing import Outgoing
from sealbell_relay.intake.reception import Reception
from sealbell_relay.metrics import Gauges, Metrics
from sealbell_relay.state import State
from sealbell_relay.store.store import Store
from sealbell_relay.store.timed import TimedStore


class Instruments:
    """Metrics, and the port where they are read. `monotonic` returns seconds."""

    def __init__(self, state: State, front: Front, monotonic: Callable[[], float]) -> None:
        self._state = state
        self._front = front
        self._monotonic = monotonic
        self._gauges: Gauges = {}
        self.metrics = Metrics(state, self._gauges)
        self.server = front.operator(AdminSide(self.metrics, state).routes())

    def timed(self, store: Store) -> Store:
        """Return a store whose operations are timed."""
        return TimedStore(store, self.metrics.store, self._monotonic)

    async def listen(self, port: int, reception: Reception, outgoing: Outgoing, slots: Slots) -> str:
        """Start answering, on `port` or any if it is 0; return the URL. RelayError if the port is taken."""
        lanes, state = reception.lanes, self._state
        self._gauges |= {
            "sealbell_queued_messages": ("messages from doorbells under way", lambda: lanes.queued[0]),
            "sealbell_queued_bytes": ("and their bytes", lambda: lanes.queued[1]),
            "sealbell_waiting_receipts": ("messages to doorbells that wait for the broker", lambda: len(outgoing)),
            "sealbell_relays": ("relays that share the doorbells, this one among them", lambda: state.relays),
            "sealbell_shards": ("of 256 shards of doorbells, how many this relay takes", lambda: state.shards),
            "sealbell_streams": ("streams to owners that are open", lambda: slots.open),
            "sealbell_http_connections": ("HTTP connections that are open", lambda: self._front.gate.open),
            "sealbell_doorbells_heard": (
                "doorbells that sent something of their own in the last 15 minutes",
                lambda: state.heard.count(self._monotonic()),
            ),
            "sealbell_certificate_end_timestamp_seconds": (
                "when the certificate in use ends, Unix seconds; 0 without TLS",
                lambda: state.certificate_ends_s or 0,
            ),
        }
        return f"http://{ADMIN_HOST}:{await _listen(self.server, port)}"


async def _listen(server: HttpServer, port: int) -> int:
    try:
        return await server.listen(ADMIN_HOST, port)
    except OSError as error:
        raise RelayError(
            f"the operator's http cannot listen on {ADMIN_HOST}, port {port or 'any'}: {error.strerror}",
            hint="give another one: --admin-port N, or 0 for any that is free",
        ) from error

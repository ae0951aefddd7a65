"""Who may be connected, and how long a client may take to say what it wants.

    accepted ── (TLS) ── first byte ── header complete ── answered ── first byte ── header complete ...
    |<----------- header_s -------------------->|         |<------- keep_alive_s ----->|

Until its first byte a connection costs little: aiohttp's own protocol, with its parser and its task, begins only then.
Where a limit is reached, the connection that has waited longest without a request makes room for the new one; so
whoever only sits there never keeps an owner out.
"""

import asyncio
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sealbell_relay.http.addresses import Addresses, network_of
from sealbell_relay.log import Log

MAX_CONNECTIONS = 8_192
MAX_CONNECTIONS_PER_NETWORK = 512
MAX_REQUESTS_PER_CONNECTION = 10_000
MAX_WRITE_BUFFER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take, in seconds.

    `header_s` for a TLS handshake and the whole header of the first request; `keep_alive_s` from an answer to the whole
    header of the next, also to take the answer off our hands; `body_s` for the whole body to come.
    """

    header_s: float = 10.0
    keep_alive_s: float = 30.0
    body_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Room:
    """How many connections there may be, and how many of one network."""

    all: int = MAX_CONNECTIONS
    of_network: int = MAX_CONNECTIONS_PER_NETWORK


MakeProtocol = Callable[["Connection"], asyncio.Protocol]


class Gate:
    """Counts connections, all and by network. For one event loop. `turned_away` counts refusals by reason."""

    def __init__(
        self, addresses: Addresses, log: Log, turned_away: Counter[str], room: Room, patience: Patience
    ) -> None:
        self.patience = patience
        self._addresses = addresses
        self._log = log
        self._turned_away = turned_away
        self._room = room
        self._open: Counter[str] = Counter()
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        self._waiting_of: dict[str, OrderedDict[Connection, None]] = {}

    @property
    def open(self) -> int:
        """How many connections are open."""
        return self._open.total()

    def enter(self, connection: "Connection") -> bool:
        """Take a connection in if there is room, or if one that only waits can make room."""
        network = connection.network
        most = self._room.all if self._addresses.is_proxy(network) else self._room.of_network
        if self._open[network] >= most and not self._make_room(self._waiting_of.get(network)):
            self.refuse("connections-of-network", network)
            return False
        if self._open.total() >= self._room.all and not self._make_room(self._waiting):
            self.refuse("connections", network)
            return False
        self._open[network] += 1
        self.waits(connection)
        return True

    def leave(self, connection: "Connection") -> None:
        """Forget a connection that was let in."""
        self.works(connection)
        self._open[connection.network] -= 1
        if not self._open[connection.network]:
            del self._open[connection.network]

    def waits(self, connection: "Connection") -> None:
        """Note that a connection has no request under way."""
        self._waiting[connection] = None
        self._waiting_of.setdefault(connection.network, OrderedDict())[connection] = None

    def works(self, connection: "Connection") -> None:
        """Note that a connection has a request under way."""
        self._waiting.pop(connection, None)
        if of_network := self._waiting_of.get(connection.network):
            of_network.pop(connection, None)
            if not of_network:
                del self._waiting_of[connection.network]

    def refuse(self, reason: str, peer: str, **fields: object) -> None:
        """Count and tell what was turned away."""
        self._turned_away[reason] += 1
        self._log.warn(f"turned-away-{reason}", peer=peer, **fields)  # a kind each, as Log bounds lines by kind

    def close_waiting(self) -> None:
        """End all connections that have no request under way."""
        for connection in list(self._waiting):
            connection.end()

    def _make_room(self, waiting: "OrderedDict[Connection, None] | None") -> bool:
        oldest = next(iter(waiting), None) if waiting else None
        if oldest is None:
            return False
        self.refuse("made-room", oldest.network)
        oldest.abort()
        return True


class Connection(asyncio.Protocol):
    """One client's connection between the socket and aiohttp's protocol."""

    def __init__(self, gate: Gate, make: MakeProtocol, tls: ssl.SSLContext | None) -> None:
        self.network = ""
        self.requests = 0
        self._gate = gate
        self._make = make
        self._tls = tls
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._raw: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._securing: asyncio.Task[None] | None = None
        self._early = b""
        self._heard = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a client in, or not."""
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        self.network = network_of(peer[0]) if peer else network_of("")
        self._raw = transport
        if not self._gate.enter(self):
            self._raw = None
            transport.abort()
            return
        self._wait(self._gate.patience.header_s)
        if self._tls is None:
            self._begin(transport)
        else:
            transport.pause_reading()  # the handshake reads from here on
            self._securing = asyncio.get_running_loop().create_task(self._secure(transport, self._tls))

    def data_received(self, data: bytes) -> None:
        """Pass on what the client says."""
        self._heard = True
        if self._transport is None:  # TLS stands, and the task that waited for it has not had its turn yet
            self._early += data
            return
        if self._inner is None:
            self._inner = self._make(self)
            self._inner.connection_made(self._transport)
        self._inner.data_received(data)

    def eof_received(self) -> None:
        """Pass on that the client says no more; one that never said anything is let go."""
        if self._inner is not None:
            self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass on that the client does not read."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the client reads again."""
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        if self._inner is not None:
            self._inner.connection_lost(exc)
            self._inner = None
        self._leave()

    def request_began(self) -> None:
        """Note that a whole header came."""
        self.requests += 1
        self._heard = False
        if self._timer:
            self._timer.cancel()
        self._gate.works(self)

    def request_ended(self) -> None:
        """Note that the answer is made; the client has to take it, and say what it wants next."""
        if self._raw is not None:
            self._wait(self._gate.patience.keep_alive_s)
            self._gate.waits(self)

    def malformed(self, why: str) -> None:
        """Note that what came was no request."""
        self._gate.refuse("malformed", self.network, says=why)

    def end(self) -> None:
        """End once what was answered has left."""
        if self._transport is None:
            self.abort()
        else:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        raw = self._raw
        self._leave()
        if raw is not None:
            raw.abort()

    def _begin(self, transport: asyncio.Transport) -> None:
        transport.set_write_buffer_limits(high=MAX_WRITE_BUFFER_BYTES)
        self._transport = transport

    async def _secure(self, transport: asyncio.Transport, tls: ssl.SSLContext) -> None:
        loop, limit_s = asyncio.get_running_loop(), self._gate.patience.header_s
        try:
            secured = await loop.start_tls(
                transport, self, tls, server_side=True, ssl_handshake_timeout=limit_s, ssl_shutdown_timeout=limit_s
            )
        except (OSError, TimeoutError) as failure:  # ssl.SSLError is an OSError
            if self._raw is not None:
                self._gate.refuse("handshake", self.network, says=failure)
            self.abort()
            return
        if secured is None or self._raw is None:  # asyncio returns None where the client left meanwhile
            self.abort()
            return
        self._begin(secured)
        if self._early:
            early, self._early = self._early, b""
            self.data_received(early)

    def _wait(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._waited)

    def _waited(self) -> None:
        if self._heard or not self.requests:
            self._gate.refuse("slow", self.network)
        self.abort()

    def _leave(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._raw is not None:
            self._raw = None
            self._gate.leave(self)

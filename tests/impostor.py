"""Somebody who answers in the relay's place, and keeps what they are sent and what they could read of it."""

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

CONNACK = b"\x20\x02\x00\x00"


class Impostor:
    """Listens on 127.0.0.1 while it is entered, with TLS if it has a context. `raw` came, `read` is what it reads."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self.raw, self.read = bytearray(), bytearray()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line, suppress(OSError):
                line.settimeout(20)
                self._take(line)

    def _take(self, line: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        sealed = self._context.wrap_bio(incoming, outgoing, server_side=True) if self._context else None
        while data := line.recv(65_536):
            self.raw += data
            if sealed is None:
                self.read += data
                line.sendall(CONNACK)  # come in, says the broker that speaks no TLS
                return
            incoming.write(data)
            try:
                self.read += sealed.read(65_536)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                line.sendall(outgoing.read())
                return
            line.sendall(outgoing.read())
            if self.read:
                return  # they know all that they wanted to

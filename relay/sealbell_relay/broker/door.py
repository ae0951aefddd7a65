"""Asks a broker, by one MQTT 3.1.1 connection, whether it lets somebody in."""

import secrets
import socket
import ssl
import struct
from collections.abc import Callable

from sealbell_relay.broker.address import Address

ANSWER_S = 5.0
KEEP_ALIVE_S = 20
CONNECT, CONNACK, DISCONNECT = 0x10, b"\x20\x02", b"\xe0\x00"
USER_PASSWORD_CLEAN = 0xC2
ACCEPTED = b"\x00\x00"  # no session, return code 0


class MqttDoor:
    """A Door of the broker at `address`, which is None while that is not known; `tls` checks one that speaks TLS."""

    def __init__(self, address: Callable[[], Address | None], tls: ssl.SSLContext | None = None) -> None:
        self._address = address
        self._tls = tls

    def admits(self, user: str, password: str) -> bool | None:
        """See Door."""
        address = self._address()
        if address is None:
            return None
        try:
            with socket.create_connection((address.host, address.port), ANSWER_S) as plain:
                if not address.tls or self._tls is None:
                    return None if address.tls else _ask(plain, user, password)
                with self._tls.wrap_socket(plain, server_hostname=address.host) as sealed:
                    return _ask(sealed, user, password)
        except OSError:
            return None


def _ask(sock: socket.socket, user: str, password: str) -> bool | None:
    sock.sendall(_connect(user, password))
    answer = b""
    while len(answer) < len(CONNACK + ACCEPTED):
        if not (data := sock.recv(len(CONNACK + ACCEPTED) - len(answer))):
            return None
        answer += data
    sock.sendall(DISCONNECT)
    return answer == CONNACK + ACCEPTED


def _connect(user: str, password: str) -> bytes:
    # MQTT 3.1.1, section 3.1. Under a client id that nobody else has: two of the same would cut each other off.
    body = _text("MQTT") + struct.pack(">BBH", 4, USER_PASSWORD_CLEAN, KEEP_ALIVE_S)
    body += _text(secrets.token_hex(8)) + _text(user) + _text(password)
    assert len(body) < 2 << 13
    length = bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) if len(body) > 0x7F else bytes([len(body)])
    return bytes([CONNECT]) + length + body


def _text(text: str) -> bytes:
    data = text.encode("utf-8")
    return struct.pack(">H", len(data)) + data

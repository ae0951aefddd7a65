"""Keeps a server's certificate in use for as long as the relay serves, and puts the next one in its place.

Connections that stand keep the certificate with which they were made, so nothing is cut. Whatever is wrong with a new
one, the old one stays in use.
"""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from sealbell_relay.errors import RelayError
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.tls.folder import TlsFolder
from sealbell_relay.tls.pair import Pair
from sealbell_relay.tls.source import Source

LOOK_S = 60.0  # between two looks
X509_V_FLAG_NO_CHECK_TIME = 0x200000  # openssl/x509_vfy.h; Python's ssl has no name for it


class Keeper:
    """`server` is the HTTP server's context, `own` the one for the relay's own connections to its own broker."""

    def __init__(
        self,
        source: Source,
        folder: TlsFolder,
        state: State,
        log: Log,
        now_s: Callable[[], float],
    ) -> None:
        """Put a certificate into use; RelayError if there is none."""
        self._source = source
        self._folder = folder
        self._state = state
        self._log = log
        self._now_s = now_s
        self.own = _own_context()
        self.server = _server_context()
        self.server.sni_callback = self._choose  # asked for every connection, also one that names no host
        self._current = source.newest(folder.server(), now_s())
        self._use(self._current)
        self._tell_expiry()

    @property
    def file(self) -> Path:
        """The key and certificates in use, for the broker."""
        return self._folder.server_file

    async def keep(self, look_s: float, on_change: Callable[[], None]) -> None:
        """Look every `look_s` whether there is a newer one, and tell of it; returns only by cancellation."""
        while True:
            await asyncio.sleep(look_s)
            if self.look():
                on_change()

    def look(self) -> bool:
        """Put a newer one into use, if there is one; return whether there was."""
        before = self._current
        try:
            newest = self._source.newest(self._current, self._now_s())
            if newest is not self._current:
                self._use(newest)
                self._current = newest
                self._log.info("certificate-renewed", ends_s=int(newest.ends_s))
            self._state.certificate_failure = None
        except RelayError as error:
            self._fail(str(error))
        self._tell_expiry()
        return self._current is not before

    def _use(self, pair: Pair) -> None:
        """The files first, then everybody who reads them; nothing has changed if it fails."""
        self._folder.write_server(pair)
        context = _server_context()
        try:
            context.load_cert_chain(self._folder.server_file)
        except ssl.SSLError as error:
            self._folder.write_server(self._current)
            raise RelayError(f"the certificate cannot be used: {error.reason or 'refused by OpenSSL'}") from None
        self.own.load_verify_locations(cadata=pair.leaf_der)
        self._context = context
        self._state.certificate_ends_s = int(pair.ends_s)

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = self._context

    def _tell_expiry(self) -> None:
        if self._now_s() >= self._current.ends_s:
            self._fail("the certificate in use has expired: nobody whose clock is right connects")

    def _fail(self, what: str) -> None:
        if what != self._state.certificate_failure:  # once, and not every minute
            self._log.error("certificate-failed", says=what, then="the one in use stays")
        self._state.certificate_failure = what


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _own_context() -> ssl.SSLContext:
    # The very certificate in use is pinned, so name, signer and dates need no look: whoever shows it is this relay.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME
    return context

"""All of TLS that a serving relay needs: whether it speaks it, with which certificate, and what cards say of it."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sealbell_relay.broker.address import Address, bracketed, from_here
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.tls.certificates import new_key
from sealbell_relay.tls.folder import TlsFolder, read_ca
from sealbell_relay.tls.keeper import LOOK_S, Keeper
from sealbell_relay.tls.names import is_loopback, parse_name
from sealbell_relay.tls.source import GivenSource, OwnSource, Source
from sealbell_wire.enrolment import RelayCard


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What `serve` was asked for: `speak` is None for TLS off loopback alone, `name` what stands on cards.

    `public_mqtt` and `public_http` are URLs that stand on cards instead, where something in front is reached there.
    """

    speak: bool | None = None
    name: str = ""
    broker_ca: Path | None = None
    public_mqtt: str = ""
    public_http: str = ""
    look_s: float = LOOK_S


class TlsSide:
    """`http` is the server's context, `broker` the one for the relay's connections to its broker; None without TLS."""

    def __init__(
        self,
        folder: Folder,
        host: str,
        brokers: tuple[Address, ...],
        settings: TlsSettings,
        state: State,
        log: Log,
        now_s: Callable[[], float],
    ) -> None:
        """Put a certificate into use if one is needed, made on the spot if there is none. RelayError if it cannot be.

        `host` is listened on; `brokers` are used instead of an own one.
        """
        self.name = _name(host, settings.name)
        self._settings = settings
        self._brokers = brokers
        self._keeper: Keeper | None = None
        self._ca = b""
        if not is_loopback(host) if settings.speak is None else settings.speak:
            tls = TlsFolder(folder)
            source = _source(tls, host, self.name, now_s())
            self._ca = source.ca
            self._keeper = Keeper(source, tls, state, log, now_s)
        elif not is_loopback(host):
            log.warn("plain", host=host, then="who is between reads every token: let a proxy in front speak TLS")
        self.http = self._keeper.server if self._keeper else None
        self.broker = self._broker()
        self._card_ca = self._common_ca()

    @property
    def certificate(self) -> Path | None:
        """What the relay's own broker shows: a file of key and certificates; None without TLS."""
        return self._keeper.file if self._keeper else None

    async def keep(self, on_change: Callable[[], None]) -> None:
        """Renew in time; `on_change` makes the broker read its certificate again. Returns only by cancellation."""
        if self._keeper is not None:
            await self._keeper.keep(self._settings.look_s, on_change)
        else:
            await asyncio.Event().wait()

    def card(self, broker: Address, http_port: int, receipt_key: str) -> RelayCard:
        """Return the card: where the relay is reached, and by which CA."""
        mqtt = broker if self._brokers else Address(self.name, broker.port, broker.tls)
        http = f"{'https' if self.http else 'http'}://{bracketed(self.name)}:{http_port}"
        return RelayCard(
            self._settings.public_mqtt or mqtt.url, self._settings.public_http or http, receipt_key, self._card_ca
        )

    def _broker(self) -> ssl.SSLContext | None:
        if not self._brokers:
            return self._keeper.own if self._keeper else None
        return broker_trust(self._settings.broker_ca)

    def _common_ca(self) -> str:
        """Return the CA for the card, which holds one: whoever pins it believes no other."""
        settings, found = self._settings, set()
        if settings.public_mqtt:
            found |= {b""} if urlsplit(settings.public_mqtt).scheme == "mqtts" else set()
        elif any(address.tls for address in self._brokers):
            found.add(read_ca(settings.broker_ca) if settings.broker_ca else b"")
        elif self._keeper and not self._brokers:
            found.add(self._ca)
        if settings.public_http:
            found |= {b""} if urlsplit(settings.public_http).scheme == "https" else set()
        elif self._keeper:
            found.add(self._ca)
        if len(found) > 1:
            raise RelayError(
                "doorbells and owners would need different CAs, and a card names one",
                hint="let one CA sign for the broker and for HTTP: see Certificates in docs/operate.md",
            )
        return b64encode(next(iter(found), b"")).decode("ascii")


def broker_trust(ca: Path | None) -> ssl.SSLContext:
    """Return what checks brokers that the relay did not start, by `ca` (None: a public one). Raises RelayError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=read_ca(ca))
    return context


def _name(host: str, given: str) -> str:
    name = parse_name(given or host)
    if from_here(name) != name:
        raise RelayError(
            f"{name} stands for all addresses, and cards must name one",
            hint="say by which name or address others reach this machine: --name NAME",
        )
    return name


def _source(tls: TlsFolder, host: str, name: str, now_s: float) -> Source:
    given = tls.given()
    if given is not None:
        return GivenSource(given, name)
    authority = tls.authority() or tls.make_authority((name,), new_key(), now_s)
    return OwnSource(authority, name, new_key)

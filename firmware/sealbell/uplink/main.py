"""The network process, put together: outbox to relay, receipts back. It sees no picture and holds no key that seals."""

import logging
import random
import threading
from urllib.parse import urlsplit

from sealbell.home import Home, HomeError
from sealbell.notify import Notifier
from sealbell.seams import Clock, Connected, Lost, Message, Transport
from sealbell.spool import Entry
from sealbell.uplink.courier import Ask, Courier
from sealbell.uplink.link import LinkTeller
from sealbell.uplink.mqtt import MqttTransport
from sealbell.uplink.outbox import OutboxReader
from sealbell.uplink.tls import Trust
from sealbell_wire import topics
from sealbell_wire.errors import WireError
from sealbell_wire.part import parse_part
from sealbell_wire.receipt import read_receipts

LOOK_S = 0.5
NO_RECEIPTS = "no-receipts"  # a word for the link: the broker takes what is sent, and no relay signs for it
_log = logging.getLogger(__name__)


class Uplink:
    """One thread: waits for the connection or the outbox's bell, then does what the courier says."""

    def __init__(
        self,
        doorbell: str,
        relay_key: bytes,
        outbox: OutboxReader,
        courier: Courier,
        transport: Transport,
        clock: Clock,
        link: LinkTeller,
    ) -> None:
        self._doorbell = doorbell
        self._relay_key = relay_key
        self._outbox = outbox
        self._courier = courier
        self._transport = transport
        self._clock = clock
        self._link = link
        self._hashes: dict[Entry, str] = {}
        self._connected = False
        self._unheard = False
        self._told_health: int | None = None  # the number of the message that this connection was given

    def run(self, stopped: threading.Event, notifier: Notifier, *, until_empty: bool = False) -> None:
        """Send until stopped or, with `until_empty`, until the relay has signed for everything."""
        bell = self._outbox.open_bell()
        notifier.ready()
        while not stopped.is_set():
            self.turn(self._transport.wait(LOOK_S, bell))
            notifier.alive()
            if until_empty and not self._outbox.entries():
                break
        self._transport.close()

    def turn(self, arrivals: "list[Connected | Lost | Message]") -> None:
        """Take what arrived, then send what is due."""
        self._outbox.silence_bell()
        for arrival in arrivals:
            match arrival:
                case Connected():
                    _log.info("connected to the relay")
                    self._courier.connected(self._outbox.entries())
                    self._told_health = None
                    self._connected = True
                case Lost():
                    self._courier.lost()
                    self._connected = False
                case Message():
                    self._receipts(arrival)
        self._tell()
        self._send_health()
        self._send()

    def _tell(self) -> None:
        # A broker takes what it then throws away, because this doorbell may not send it or no relay listens.
        unheard = self._courier.unheard(self._clock.now_us())
        if unheard and not self._unheard:
            _log.error("the broker takes what is sent, and no relay signs for it: nothing arrives")
        self._unheard = unheard
        self._link.changed(connected=self._connected and not unheard)

    def _receipts(self, message: Message) -> None:
        try:
            clip = topics.parse_receipt_topic(message.topic, self._doorbell)
            receipts = read_receipts(message.payload, self._relay_key)
        except WireError as error:
            _log.warning("a message from the relay counts for nothing: %s", error)
            return
        mine = [receipt for receipt in receipts if receipt.doorbell == self._doorbell]
        self._outbox.received(*self._courier.answered(clip, mine, self._hash, self._clock.now_us()))

    def _send_health(self) -> None:
        # Beside the window of parts: it is small, and tells most when much is waiting. It has no receipt to wait for.
        health = self._outbox.health()
        if health is None or health.beat.number == self._told_health:
            return
        if self._transport.publish(topics.health(self._doorbell), health.encode()):
            self._told_health = health.beat.number

    def _send(self) -> None:
        entries = self._outbox.entries()
        self._courier.present(entries)
        self._hashes = {entry: self._hashes[entry] for entry in entries if entry in self._hashes}
        for action in self._courier.due(self._clock.now_us()):
            if isinstance(action, Ask):
                self._transport.publish(topics.have(self._doorbell, action.clip), b"")
            elif not self._send_entry(action.entry):
                return

    def _send_entry(self, entry: Entry) -> bool:
        data = self._outbox.read(entry)
        if data is None:
            return True
        if not self._courier.has_room(len(data)):
            return False
        if not self._transport.publish(topics.part(self._doorbell, entry.clip, entry.seq), data):
            return False
        self._courier.sent(entry, len(data), self._clock.now_us())
        return True

    def _hash(self, entry: Entry) -> str | None:
        if entry not in self._hashes and (data := self._outbox.read(entry)) is not None:
            try:
                self._hashes[entry] = parse_part(data).hash
            except WireError as error:
                _log.error("part %d of clip %s in the outbox is damaged: %s", entry.seq, entry.clip, error)
                return None
        return self._hashes.get(entry)


def compose(home: Home, clock: Clock) -> Uplink:
    """Put the network process together; HomeError if the doorbell's folder is not in order."""
    doorbell = home.card().doorbell
    relay = home.relay()
    jitter = random.SystemRandom().random
    down, credential = topics.down_filter(doorbell), home.credential()
    try:
        trust = Trust(relay.ca, clock.synced)
        transport = MqttTransport(relay.mqtt, doorbell, credential, down, clock.now_us, jitter, trust)
    except ValueError:
        raise HomeError(
            f"{home.folder}: the relay's address {relay.mqtt} is not mqtt://HOST:PORT or mqtts://HOST:PORT, or its CA "
            "certificate is none"
        ) from None
    host = urlsplit(relay.mqtt).hostname or "localhost"
    courier = Courier(jitter)

    def why() -> str:
        return NO_RECEIPTS if courier.unheard(clock.now_us()) else transport.why

    link = LinkTeller(home.inbox, host, clock, why)
    return Uplink(
        doorbell, bytes.fromhex(relay.receipt_key), OutboxReader(home.outbox), courier, transport, clock, link
    )

"""Fuzz targets of the doorbell: names in its outbox, what a broker hands to the uplink, and what an encoder gives."""

import logging
import struct
from collections.abc import Callable
from contextlib import suppress

from crafted import Bell, entry_of
from scene import START_CODE, VIDEO, children, packet
from sealbell.config import Settings, SettingsError, parse_settings
from sealbell.config.render import in_force
from sealbell.items import Packet, Run
from sealbell.link import Link, parse_link
from sealbell.seams import Arrival, Connected, Message
from sealbell.spool import Entry, parse_name
from sealbell.uplink.courier import Courier
from sealbell.uplink.main import Uplink
from sealbell.watch import mp4
from sealbell_testing.clock import HandClock
from sealbell_wire import topics
from sealbell_wire.errors import WireError
from sealbell_wire.receipt import NO_REASON, Receipt, Verdict, read_receipts
from simulator import RELAY_KEY, Relay
from streets import Told

logging.getLogger("sealbell").addHandler(logging.NullHandler())  # it says of every message that it counts for nothing

BELL = Bell()
PARTS = BELL.spell("nivf")
CLIP = PARTS[0].record.clip
RELAY_VERIFY_KEY = Relay({}, HandClock().now_us).verify_key


class Shelf:
    """An outbox in memory, which remembers for what it was told that the relay has signed."""

    def __init__(self) -> None:
        self._data = {entry_of(part): part.encode() for part in PARTS}
        self.signed_for: list[Entry] = []

    def entries(self) -> list[Entry]:
        return list(self._data)

    def read(self, entry: Entry) -> bytes | None:
        return self._data.get(entry)

    def received(self, *entries: Entry) -> None:
        self.signed_for.extend(entries)

    def silence_bell(self) -> None:
        pass

    def health(self) -> None:
        pass


class Nobody:
    """A transport that takes everything and tells nobody."""

    def wait(self, timeout_s: float, wake_fd: int) -> list[Arrival]:
        return []

    def publish(self, topic: str, payload: bytes) -> bool:
        return True

    def close(self) -> None:
        pass


def fuzz_outbox_name(data: bytes) -> None:
    name = data.decode("utf-8", "surrogateescape")
    entry = parse_name(name)
    assert entry is None or entry.name == name


def fuzz_receipts(data: bytes) -> None:
    signed_for = hear(topics.receipt(BELL.id, CLIP), data)
    good: list[Receipt] = []
    with suppress(WireError):
        good = read_receipts(data, RELAY_VERIFY_KEY)
    proven = {receipt.record for receipt in good if receipt.doorbell == BELL.id and receipt.verdict == "stored"}
    hashes = {entry_of(part): part.hash for part in PARTS}
    assert {hashes[entry] for entry in signed_for} <= proven, "deleted without the relay's word"


def fuzz_receipt_topic(data: bytes) -> None:
    topic = data.decode("utf-8", "replace")
    if hear(topic, receipt(0)):
        assert topic == topics.receipt(BELL.id, CLIP)


def fuzz_nal_units(data: bytes) -> None:
    units = mp4.nal_units(data)
    assert all(unit and b"\0\0\1" not in unit for unit in units)
    with suppress(ValueError):
        sps, pps = mp4.parameter_sets(data)
        assert sps in units
        assert pps in units


def fuzz_fragment(data: bytes) -> None:
    pictures = data.split(b"|")[:8]
    run = Run(tuple(Packet(i, picture, keyframe=not i) for i, picture in enumerate(pictures)), len(pictures))
    boxes = children(mp4.fragment(1, 0, run))
    trun = children(children(boxes[b"moof"][1])[b"traf"][1])[b"trun"][1]
    sizes = [struct.unpack_from(">I", trun, 12 + 12 * i + 4)[0] for i in range(len(pictures))]
    assert sum(sizes) == len(boxes[b"mdat"][1])


def fuzz_header(data: bytes) -> None:
    with suppress(ValueError):
        assert list(children(mp4.header(VIDEO, data))) == [b"ftyp", b"moov"]


def fuzz_link(data: bytes) -> None:
    with suppress(WireError):
        assert parse_link(parse_link(data).encode()) == parse_link(data)


def fuzz_settings(data: bytes) -> None:
    with suppress(SettingsError):
        settings = parse_settings(data.decode("utf-8", "surrogateescape"))
        assert parse_settings(in_force(settings)) == settings


def hear(topic: str, payload: bytes) -> list[Entry]:
    shelf = Shelf()
    uplink = Uplink(BELL.id, RELAY_VERIFY_KEY, shelf, Courier(lambda: 0.0), Nobody(), HandClock(), Told())  # type: ignore[arg-type]
    uplink.turn([Connected()])
    uplink.turn([Message(topic, payload)])
    return shelf.signed_for


def receipt(seq: int, verdict: Verdict = "stored") -> bytes:
    reason = "too-large" if verdict == "refused" else NO_REASON
    return Receipt(BELL.id, CLIP, seq, PARTS[seq].hash, verdict, reason, 1_764_000_000_000).sign(RELAY_KEY)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "firmware_outbox_name": fuzz_outbox_name,
    "firmware_receipts": fuzz_receipts,
    "firmware_receipt_topic": fuzz_receipt_topic,
    "firmware_nal_units": fuzz_nal_units,
    "firmware_mp4_fragment": fuzz_fragment,
    "firmware_mp4_header": fuzz_header,
    "firmware_link": fuzz_link,
    "firmware_settings": fuzz_settings,
}

_KEYFRAME = packet(0, 0, keyframe=True).data

SEEDS: dict[str, list[bytes]] = {
    "firmware_outbox_name": [entry_of(part).name.encode() for part in PARTS],
    "firmware_receipts": [receipt(0), receipt(1, "refused"), receipt(2, "dropped"), receipt(0) + receipt(3)],
    "firmware_receipt_topic": [topics.receipt(BELL.id, CLIP).encode()],
    "firmware_nal_units": [_KEYFRAME, START_CODE.join([b"", b"a", b"b\0", b"c"])],
    "firmware_mp4_fragment": [_KEYFRAME + b"|" + packet(1, 1, keyframe=False).data],
    "firmware_mp4_header": [_KEYFRAME],
    "firmware_link": [
        Link("b0" * 16, 9, True, 5, "relay.local", "", -56).encode(),
        Link("b0" * 16, 9, False, 5, "127.0.0.1", "name-unknown", None).encode(),
    ],
    "firmware_settings": [
        in_force(Settings()).encode(),
        b'[[zone]]\nname = "path"\nx = 250\ny = 300\nwidth = 500\nheight = 700\n',
        b'[mode]\ntimezone = "UTC"\n[[schedule]]\nmode = "away"\ndays = ["mon"]\nfrom = "22:00"\nto = "06:00"\n',
    ],
}

"""What several commands ask for in the same words."""

import argparse
import ipaddress
import re
from pathlib import Path

from sealbell_relay.broker.address import MAX_PORT, Address, parse_address
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.store.store import DirectoryStore, Store
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_id
from sealbell_wire.limits import MAX_INTEGER

_ORIGIN = re.compile(
    r"(https://[a-z0-9.-]{1,253}|http://(localhost|127\.0\.0\.1|\[::1\]))(:[1-9][0-9]{0,4})?\Z", re.ASCII
)


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Ask for the relay's folder."""
    parser.add_argument("dir", metavar="DIR", type=Path, help="the relay's folder")


def add_store(parser: argparse.ArgumentParser) -> None:
    """Offer another place for what is kept than DIR/store."""
    text = "where everything is kept, also by other relays: s3://BUCKET[/PREFIX], or a folder (default: DIR/store)"
    parser.add_argument("--store", metavar="URL", help=text)


def store(options: argparse.Namespace, folder: Folder) -> Store:
    """Return the store that was asked for, made if it is a folder. Raises StoreError."""
    from sealbell_relay.store.buckets import open_store  # noqa: PLC0415 - it loads slowly, and most have no bucket

    if options.store is not None:
        chosen = open_store(options.store)
        if isinstance(chosen, DirectoryStore):
            chosen.make()
        return chosen
    own = DirectoryStore(folder.store)
    own.make()
    return own


def add_json(parser: argparse.ArgumentParser, text: str = "print one JSON object") -> None:
    """Offer output for programs."""
    parser.add_argument("--json", action="store_true", help=text)


def doorbell(text: str) -> str:
    """Parse a doorbell's id."""
    try:
        return check_id(text, "doorbell")
    except FormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """Parse a whole number from 1."""
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MAX_INTEGER:
        raise argparse.ArgumentTypeError("not a whole number from 1")
    return int(text)


def port(text: str) -> int:
    """Parse a port, 0 for any."""
    if not text.isascii() or not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"not a port from 0 to {MAX_PORT}")
    return int(text)


def brokers(text: str) -> list[Address]:
    """Parse brokers' addresses, with commas between them."""
    try:
        return [parse_address(address) for address in text.split(",")]
    except RelayError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def broker(text: str) -> Address:
    """Parse one broker's address."""
    found = brokers(text)
    if len(found) > 1:
        raise argparse.ArgumentTypeError("give one address")
    return found[0]


def origin(text: str) -> str:
    """Parse the origin of a web page as browsers say it: https://HOST[:PORT], or http:// on this machine."""
    if not _ORIGIN.match(text):
        raise argparse.ArgumentTypeError("not https://HOST or https://HOST:PORT, in lower case and with nothing behind")
    return text


def address(text: str) -> str:
    """Parse an IP address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError("not an IP address") from None


def mqtt(text: str) -> str:
    """Parse an address for cards, mqtt:// or mqtts://."""
    return brokers(text)[0].url


def add_tls(parser: argparse.ArgumentParser) -> None:
    """Ask how the relay is reached and whether it speaks TLS."""
    text = "the name or address that stands on cards, where --host is not it"
    parser.add_argument("--name", metavar="NAME", default="", help=text)
    speak = parser.add_mutually_exclusive_group()
    text = "speak TLS on loopback, too; on any other address it is spoken anyhow"
    speak.add_argument("--tls", dest="speak_tls", action="store_const", const=True, default=None, help=text)
    text = "speak no TLS: only where a proxy in front of the relay does"
    speak.add_argument("--plain", dest="speak_tls", action="store_const", const=False, help=text)
    text = "the CA of a broker at mqtts://, PEM, where it is not a public one"
    parser.add_argument("--broker-ca", metavar="FILE", type=Path, help=text)
    text = "let cards say this for doorbells, where a proxy is reached there"
    parser.add_argument("--public-mqtt", metavar="mqtts://HOST:PORT", type=mqtt, help=text)
    text = "let cards say this for owners, where a proxy is reached there"
    parser.add_argument("--public-http", metavar="https://HOST", type=origin, help=text)

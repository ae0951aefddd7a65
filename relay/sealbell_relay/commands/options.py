"""What several commands ask for in the same words."""

import argparse
import ipaddress
from pathlib import Path

from sealbell_relay.address import MAX_PORT, Address, parse_address
from sealbell_relay.errors import RelayError
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_id


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Ask for the relay's folder."""
    parser.add_argument("dir", metavar="DIR", type=Path, help="the relay's folder")


def add_json(parser: argparse.ArgumentParser, text: str = "print one JSON object") -> None:
    """Offer output for programs."""
    parser.add_argument("--json", action="store_true", help=text)


def doorbell(text: str) -> str:
    """Parse a doorbell's id."""
    try:
        return check_id(text, "doorbell")
    except FormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def port(text: str) -> int:
    """Parse a port, 0 for any."""
    if not text.isascii() or not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"not a port from 0 to {MAX_PORT}")
    return int(text)


def broker(text: str) -> Address:
    """Parse a broker's address."""
    try:
        return parse_address(text)
    except RelayError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def host(text: str) -> str:
    """Parse an address to listen on; it stands on cards, so it must be one that others can reach."""
    try:
        unspecified = ipaddress.ip_address(text).is_unspecified
    except ValueError:
        unspecified = not text
    if unspecified:
        raise argparse.ArgumentTypeError("give the address by which doorbells reach this machine: it is on their card")
    return text

"""What is wrong with the files of DIR/tls, for fsck. Pure: bytes in, faults out."""

from base64 import b64encode
from collections.abc import Iterator, Mapping

from sealbell_relay.audit.checks import Fault
from sealbell_relay.errors import RelayError
from sealbell_relay.tls.folder import CA, CA_KEY, GIVEN, SERVER, parse_authority, parse_given
from sealbell_relay.tls.pair import parse_pair
from sealbell_wire.errors import FormatError

_CA_ADVICE = "put ca.pem and ca.key back from a backup: without them doorbells and owners need the relay's new card"
_HALF = Fault("was left by the making of a CA that was interrupted", "nothing is lost: the next start makes one")
_LOST = Fault("is missing beside ca.pem", _CA_ADVICE)
_OTHER_CA = Fault("is not the CA on relay.json, which doorbells pin", _CA_ADVICE)


def check_tls(files: Mapping[str, bytes], card_ca: str) -> Iterator[tuple[str, Fault]]:
    """Yield name and fault. `files` are those of DIR/tls by name, `card_ca` is on the card that was written last."""
    if CA in files and CA_KEY in files:
        yield from _authority(files[CA], files[CA_KEY], card_ca if GIVEN not in files else "")
    elif CA in files:
        yield CA_KEY, _LOST
    elif CA_KEY in files:
        yield CA_KEY, _HALF
    if GIVEN in files:
        try:
            parse_given(files[GIVEN])
        except FormatError as error:
            yield GIVEN, Fault(f"is damaged: {error}", "delete DIR/tls/given.json and give the files again")
    if SERVER in files:
        try:
            parse_pair(files[SERVER], files[SERVER])
        except RelayError as error:
            yield SERVER, Fault(f"is damaged: {error}", "nothing is lost: the next start makes it anew")


def _authority(certificate: bytes, key: bytes, card_ca: str) -> Iterator[tuple[str, Fault]]:
    try:
        authority = parse_authority(certificate, key, "tls")
    except RelayError as error:
        yield CA, Fault(f"is damaged, or not ca.key's: {error}", _CA_ADVICE)
        return
    if card_ca and card_ca != b64encode(authority.der).decode("ascii"):
        yield CA, _OTHER_CA

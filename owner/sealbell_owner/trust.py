"""Whom the owner's tools talk to: TLS by the relay's card, and what is wrong with a certificate, for a person."""

import base64
import ssl

from sealbell_owner.errors import OwnerError, UnreachableError
from sealbell_wire.enrolment import RelayCard

# X509_V_ERR_* of openssl/x509_vfy.h.
_DATES = frozenset({9, 10})  # not yet valid, has expired
_NAMES = frozenset({62, 64})  # another host name, another IP address


def context_for(card: RelayCard) -> ssl.SSLContext:
    """Return what connections to this relay are checked by: the CA on its card alone, or the public ones without.

    OwnerError if the CA on the card is none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks chain and host name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not card.ca:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cadata=base64.b64decode(card.ca))
    except ssl.SSLError:
        raise OwnerError(
            "the CA certificate on the relay's card cannot be read", "ask the relay's operator for its card"
        ) from None
    return context


def not_believed(error: ssl.SSLError) -> OwnerError:
    """Return what to tell a person of a relay that was not believed. Nothing was sent to it, no token either."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return UnreachableError(
            "who answers for the relay speaks no TLS, or an old one", "is the address on the relay's card still right?"
        )
    if error.verify_code in _DATES:
        return OwnerError(
            "the relay's certificate is out of date, or not valid yet",
            "is this machine's clock right? if so, tell the relay's operator",
        )
    if error.verify_code in _NAMES:
        return OwnerError(
            "the relay's certificate is for another address", "ask the relay's operator for its card as it is now"
        )
    return OwnerError(
        "who answers for the relay shows a certificate that is not of the relay you know",
        "somebody may be between; if the relay has a new CA, its operator has a new card for you",
    )

"""Whom the doorbell talks to: TLS that pins the relay's CA, and what is wrong with a certificate, in words.

A doorbell's clock may stand anywhere until it was synchronised. Until then a certificate's dates say nothing and are
ignored; who signed it and for which name never are. So whoever has an outdated certificate of the relay with its key
could pass for it then, and would gain sealed parts that they can neither open nor receipt.
"""

import base64
import ssl
from collections.abc import Callable

X509_V_FLAG_NO_CHECK_TIME = 0x200000  # openssl/x509_vfy.h; Python's ssl has no name for it

# X509_V_ERR_* of openssl/x509_vfy.h.
_DATES = frozenset({9, 10})  # not yet valid, has expired
_NAMES = frozenset({62, 64})  # another host name, another IP address


class Trust:
    """What the relay's card says of TLS. `synced` says whether the wall clock can be believed."""

    def __init__(self, ca: str, synced: Callable[[], bool]) -> None:
        """`ca` is the relay's CA certificate as on its card, empty for the public ones; ValueError if it is none."""
        self._ca = base64.b64decode(ca)
        self._synced = synced
        self.context()

    def context(self) -> ssl.SSLContext:
        """Return what a new connection is to be checked by: asked for anew each time, since the clock may be right now.

        ValueError if the CA certificate is none.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks chain and host name
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._ca:
            try:
                context.load_verify_locations(cadata=self._ca)
            except ssl.SSLError:
                raise ValueError("the relay's CA certificate cannot be read") from None
        else:
            context.load_default_certs()
        if not self._synced():
            context.verify_flags |= X509_V_FLAG_NO_CHECK_TIME
        return context


def why_not(error: ssl.SSLError) -> str:
    """Return in words joined by hyphens why a relay was not believed, or how TLS failed."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "tls-failed"
    if error.verify_code in _DATES:
        return "certificate-dates"
    return "certificate-name" if error.verify_code in _NAMES else "certificate-not-trusted"

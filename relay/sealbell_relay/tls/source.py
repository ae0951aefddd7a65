"""Where the server's certificate comes from: the relay's own CA, or files that somebody else renews."""

from collections.abc import Callable
from typing import Protocol

from sealbell_relay.errors import RelayError
from sealbell_relay.tls.certificates import (
    Authority,
    Key,
    alternative_names,
    encode_certificate,
    encode_key,
    is_due,
    issue,
)
from sealbell_relay.tls.folder import Given, read_ca, read_pair
from sealbell_relay.tls.names import covers, permits
from sealbell_relay.tls.pair import Pair, parse_pair


class Source(Protocol):
    """`ca` is what stands on cards, DER; empty for a publicly trusted certificate."""

    ca: bytes

    def newest(self, current: Pair | None, now_s: float) -> Pair:
        """Return what should be in use now, `current` if that will do. RelayError if there is nothing sound."""
        ...


class OwnSource:
    """Issues by the relay's own CA, for all of its names and the one on the card, when a third of its life is left."""

    def __init__(self, authority: Authority, name: str, new_key: Callable[[], Key]) -> None:
        """RelayError if the CA may not sign for `name`, which is the one on the card."""
        if not permits(authority.names, name):
            raise RelayError(
                f"the relay's own CA is for {', '.join(authority.names)}, and not for {name}",
                hint="serve under one of these: --name; or delete DIR/tls: doorbells and owners then need the new card",
            )
        self.ca = authority.der
        self._authority = authority
        self._names = tuple(dict.fromkeys((*authority.names, name)))
        self._new_key = new_key

    def newest(self, current: Pair | None, now_s: float) -> Pair:
        """See Source."""
        if current is not None and self._will_do(current, now_s):
            return current
        key = self._new_key()
        return parse_pair(encode_certificate(issue(self._authority, self._names, key, now_s)), encode_key(key))

    def _will_do(self, pair: Pair, now_s: float) -> bool:
        return (
            not is_due(pair.leaf, now_s)
            and alternative_names(pair.leaf) == self._names
            and pair.leaf.issuer == self._authority.certificate.subject
        )


class GivenSource:
    """Reads files that certbot or the like replaces."""

    def __init__(self, given: Given, name: str) -> None:
        self.ca = b"" if given.ca is None else read_ca(given.ca)
        self._given = given
        self._name = name

    def newest(self, current: Pair | None, now_s: float) -> Pair:
        """See Source: whatever lies there, expired or not, since nobody here can make a better one."""
        pair = read_pair(self._given.certificate, self._given.key)
        names = alternative_names(pair.leaf)
        if not covers(names, self._name):
            raise RelayError(
                f"the certificate {self._given.certificate} is for {', '.join(names) or 'nothing'}, and not for "
                f"{self._name}",
                hint="say under which name the relay is reached: --name NAME",
            )
        return current if current is not None and current.pem == pair.pem else pair

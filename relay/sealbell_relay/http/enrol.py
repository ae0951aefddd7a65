"""How owners, their doorbells and their phones are let in over HTTP (SPEC 12).

    POST /v1/owners       {"invite", "card", "signature"}    (no token: the invite is what lets in)
    POST /v1/doorbells    a doorbell's introduction
    GET  /v1/phones
    POST /v1/phones       {"token_hash"}                     (by the owner's own token, not by a phone's)

Whatever is wrong with an invite, the answer is the same. A doorbell is its owner's by two signatures: it signed the
introduction that names the owner, and the owner's token brought it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.errors import RelayError, RequestError, StoreError
from sealbell_relay.http.answers import answer
from sealbell_relay.http.bodies import Joining, parse_introduction, parse_joining, parse_phone
from sealbell_relay.http.guests import Guests
from sealbell_relay.log import Log
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import Phone, Register
from sealbell_relay.tenants.endings import Endings
from sealbell_relay.tenants.invites import Invites
from sealbell_wire.enrolment import Introduction, OwnerCard

NEW, KNOWN = 201, 200
NO_INVITE = "the invite is unknown, used, expired or cancelled: ask the relay's operator for another one"

T = TypeVar("T")


class EnrolSide:
    """`look` returns once the broker knows who was enrolled before; None if it learns that from elsewhere."""

    def __init__(
        self,
        guests: Guests,
        enrolling: "Enrolling",
        look: Callable[[], Awaitable[None]] | None,
        log: Log,
    ) -> None:
        self._guests = guests
        self._enrolling = enrolling
        self._look = look
        self._log = log

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered here."""
        return [
            web.post("/v1/owners", self._owner),
            web.post("/v1/doorbells", self._doorbell),
            web.get("/v1/phones", self._phones, allow_head=False),
            web.post("/v1/phones", self._phone),
        ]

    async def _owner(self, request: web.Request) -> web.Response:
        joining = parse_joining(await request.read())
        made = await self._try(lambda: self._enrolling.owner(joining))
        if made:
            self._log.info("owner-enrolled", owner=joining.card.key)
        return answer({"owner": joining.card.key}, NEW if made else KNOWN)

    async def _doorbell(self, request: web.Request) -> web.Response:
        owner = await self._guests.owner(request)
        introduction = parse_introduction(await request.read())
        made = await self._try(lambda: self._enrolling.doorbell(owner, introduction))
        if self._look is not None:
            await self._look()
        if made:
            self._log.info("doorbell-enrolled", doorbell=introduction.card.doorbell, owner=owner.key)
        return answer({"doorbell": introduction.card.doorbell}, NEW if made else KNOWN)

    async def _phones(self, request: web.Request) -> web.Response:
        owner = await self._guests.owner(request)
        phones = await self._guests.in_thread(lambda: self._enrolling.phones(owner))
        return answer({"phones": [_phone(phone) for phone in phones]})

    async def _phone(self, request: web.Request) -> web.Response:
        visitor = await self._guests.visitor(request)
        if visitor.phone:
            raise RequestError(403, "only the owner's own token adds phones, so that a stolen one adds none")
        token_hash = parse_phone(await request.read())
        phone, made = await self._try(lambda: self._enrolling.phone(visitor.owner, token_hash))
        if made:
            self._log.info("phone-added", owner=visitor.owner.key)
        return answer(_phone(phone), NEW if made else KNOWN)

    async def _try(self, call: Callable[[], T]) -> T:
        try:
            return await self._guests.in_thread(call)
        except (RequestError, StoreError):
            raise
        except RelayError as refused:
            raise RequestError(409, str(refused)) from refused


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Lets in, in an order in which whoever is interrupted may do the same again. Blocking.

    Methods raise RequestError 403, RelayError for what contradicts the store, StoreError.
    """

    store: Store
    register: Register
    wall_ms: Callable[[], int]  # Unix milliseconds

    def owner(self, joining: Joining) -> bool:
        """Enrol an owner by an invite; False if that was done before."""
        invites, card, now_ms = Invites(self.store), joining.card, self.wall_ms()
        if joining.invite is None or not invites.use(joining.invite, card.encode(), now_ms):
            raise RequestError(403, NO_INVITE)
        made = self.register.allow(card)
        invites.close(joining.invite)
        return made

    def doorbell(self, owner: OwnerCard, introduction: Introduction) -> bool:
        """Enrol a doorbell and its credential for the owner that it names; False if that was done before."""
        card = introduction.card
        if card.owner != owner.key:
            raise RequestError(403, "the doorbell is bound to another owner")
        made = self.register.allow(card)
        made = Credentials(self.store).enrol(card.doorbell, introduction.credential) or made
        if self.register.doorbell(card.doorbell) is None:
            # Its owner has ended meanwhile, and whoever ended the owner may not have seen it.
            Endings(self.store).end("doorbell", card.doorbell, Endings(self.store).proof("owner", owner.key) or b"")
            raise RequestError(401, "the token is nobody's here")
        return made

    def phone(self, owner: OwnerCard, token_hash: str) -> tuple[Phone, bool]:
        """Add a phone; False if that was done before."""
        known = {phone.token_hash for phone in self.register.phones(owner)}
        day = datetime.fromtimestamp(self.wall_ms() / 1_000, UTC).date().isoformat()
        return self.register.add_phone(owner, token_hash, day), token_hash not in known

    def phones(self, owner: OwnerCard) -> list[Phone]:
        """Return the phones that may still show their token."""
        return [phone for phone in self.register.phones(owner) if self.register.welcome(owner, phone.token_hash)]


def _phone(phone: Phone) -> dict[str, str]:
    return {"token_hash": phone.token_hash, "added": phone.added}

"""What is asked of partners who ship in our name, and what they say. Each question is done once, under its key."""

from collections.abc import Awaitable
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.milestones import Message
from adapters.dropship.port import NotKnown, OutsideFault, Partners, Recipient, RequestRefused, ShipRequest, Unavailable
from adapters.vault.port import Subject, UnknownSubject, Vault
from domain.carriage import PostalArea
from domain.dropship import AskedLine, PartnerId, PartnerRequest, PartnerRequestId
from domain.ids import GroupId, OperationKey, OrderId
from domain.personal import PersonalData

ADDRESS_LINES = 5


class PartnerAsked(Message):
    """A shipment that a partner is to send. Whom it is for is in the vault, under the shipment that it began in."""

    key: OperationKey
    partner: PartnerId
    order_id: OrderId
    group_id: GroupId
    address_of: int
    country: str
    lines: tuple[AskedLine, ...]
    ship_by: datetime


class CallingOff(Message):
    request: PartnerRequestId
    key: OperationKey


class PartnerHeard(Message):
    """The request as the partner says it is now, or why it does not take such a request at all."""

    request: PartnerRequest | None = None
    refused: str | None = None


class PartnerSteps:
    def __init__(self, partners: Partners, vault: Vault):
        self.partners = partners
        self.vault = vault

    @activity.defn
    async def ask_partner(self, asked: PartnerAsked) -> PartnerHeard:
        """Ask a partner to ship; a repetition gets the first answer."""
        found = await self._recipient(asked)
        if found is None:
            return PartnerHeard(refused="no address is known")
        recipient, area = found
        request = ShipRequest(
            key=asked.key,
            partner=asked.partner,
            reference=asked.order_id,
            shipment=asked.group_id,
            lines=asked.lines,
            destination=area,
            ship_by=asked.ship_by,
        )
        return await _heard(self.partners.ask(request, recipient))

    @activity.defn
    async def look_at_request(self, request: PartnerRequestId) -> PartnerHeard:
        """How a request stands."""
        return await _heard(self.partners.request(request))

    @activity.defn
    async def call_off_request(self, wanted: CallingOff) -> PartnerHeard:
        """Ask that a request be dropped; only the partner's answer says whether it is."""
        return await _heard(self.partners.call_off(wanted.request, key=wanted.key))

    async def _recipient(self, asked: PartnerAsked) -> tuple[Recipient, PostalArea] | None:
        try:
            person = await self.vault.get(Subject(f"{asked.order_id}/address/{asked.address_of}"))
        except UnknownSubject:
            return None
        if not isinstance(person, PersonalData) or not person.postal_code:
            return None
        recipient = Recipient(name=person.name or "", lines=person.address[:ADDRESS_LINES])
        return recipient, PostalArea(country=asked.country, postal_code=person.postal_code)


async def _heard(answer: Awaitable[PartnerRequest]) -> PartnerHeard:
    try:
        return PartnerHeard(request=await answer)
    except (RequestRefused, NotKnown) as fault:
        return PartnerHeard(refused=str(fault))
    except OutsideFault as fault:  # away, or unknown whether it was done: the same key is safe
        after = fault.retry_after if isinstance(fault, Unavailable) else None
        delay = timedelta(seconds=after) if after else None
        raise ApplicationError(str(fault), type="Away", next_retry_delay=delay) from fault

"""Labels: bought from the carrier that keeps the promise for least, or the next one; unused ones are given back."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.exceptions import ApplicationError

from adapters.shipping.port import (
    LabelRefused,
    LabelRequest,
    OutcomeUnknown,
    OutsideFault,
    Recipient,
    Shipping,
    Unavailable,
)
from adapters.transaction.port import Transactions
from adapters.vault.port import Subject, UnknownSubject, Vault
from domain.carriage import Carriage, CarrierId, Label, PostalArea, carriers_in_order
from domain.ids import GroupId, OperationKey, OrderId, StoreId
from domain.intake import Service
from domain.personal import PersonalData

NO_LABEL = "NoLabel"
"""The failure type when no carrier sells one; its details hold the keys whose outcome is not known."""
ADDRESS_LINES = 5


class LabelWanted(BaseModel):
    """A parcel that leaves now. Whom it is for is in the vault, under the order and the shipment it began in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: OperationKey
    """The business identity of the purchase; each carrier's is this and its name."""
    order_id: OrderId
    group_id: GroupId
    address_of: int
    place: StoreId
    country: str
    service: Service
    weight_grams: int
    promised_by: datetime | None = None
    to_place: StoreId | None = None
    """A store of ours that it goes to, instead of a person."""


class ReturnLabelWanted(BaseModel):
    """A parcel that a customer sends to us. Where it leaves is in the vault, under `sender`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: OperationKey
    order_id: OrderId
    name: str
    """Our name of the return (`return/{return_id}`), which the carrier gives back in every event."""
    sender: str
    country: str
    to: StoreId
    weight_grams: int

    def as_label(self) -> LabelWanted:
        return LabelWanted(
            key=self.key,
            order_id=self.order_id,
            group_id=GroupId(self.name),
            address_of=0,
            place=self.to,
            country=self.country,
            service=Service.STANDARD,
            weight_grams=self.weight_grams,
            to_place=self.to,
        )


class LabelBought(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Label
    key: OperationKey
    spare: list[OperationKey] = []
    """Purchases at other carriers that failed with an unknown outcome: to be given back."""


class LabelSteps:
    def __init__(self, shipping: Shipping, transactions: Transactions, vault: Vault):
        self.shipping = shipping
        self.transactions = transactions
        self.vault = vault

    @activity.defn
    async def buy_label(self, wanted: LabelWanted) -> LabelBought:
        """One label, whatever is repeated: a purchase that was made before is found by its key.

        Fails with `NoLabel` when no carrier sells one.
        """
        return await self._bought(wanted, *await self._parcel(wanted))

    @activity.defn
    async def buy_return_label(self, wanted: ReturnLabelWanted) -> LabelBought:
        """A label from a customer to a place of ours. Fails with `NoLabel`, also when nobody knows where it leaves."""
        recipient, destination = await self._store(wanted.to)
        carriage = Carriage(
            origin=await self._sender(wanted), destination=destination, weight_grams=wanted.weight_grams
        )
        return await self._bought(wanted.as_label(), recipient, carriage)

    async def _bought(self, wanted: LabelWanted, recipient: Recipient, carriage: Carriage) -> LabelBought:
        try:
            rates = await self.shipping.rates(carriage, wanted.service)
        except OutsideFault as fault:
            raise _none("no carrier answers", [], again=isinstance(fault, Unavailable)) from fault
        carriers = [each.rate.carrier for each in carriers_in_order(rates, wanted.service, wanted.promised_by).ask]
        if not carriers:
            raise _none("no carrier delivers such a parcel there", [], again=False)
        for carrier in carriers:
            if (known := await self._found(wanted, carrier)) is not None:
                return LabelBought(label=known, key=_key(wanted, carrier))
        return await self._from_the_first(wanted, carriers, carriage, recipient)

    async def _from_the_first(
        self, wanted: LabelWanted, carriers: list[CarrierId], carriage: Carriage, recipient: Recipient
    ) -> LabelBought:
        spare: list[OperationKey] = []
        why: list[str] = []
        for carrier in carriers:
            request = LabelRequest(
                key=_key(wanted, carrier),
                reference=wanted.order_id,
                shipment=wanted.group_id,
                carrier=carrier,
                service=wanted.service,
                carriage=carriage,
            )
            try:
                label = await self.shipping.buy(request, recipient)
            except LabelRefused as fault:
                why.append(f"{carrier}: {fault.reason}")
            except OutcomeUnknown:
                # It may have been sold: found by its key, or given back if it comes to light later.
                if (found := await self._found(wanted, carrier)) is not None:
                    return LabelBought(label=found, key=request.key, spare=spare)
                spare.append(request.key)
                why.append(f"{carrier}: no answer")
            except OutsideFault as fault:
                why.append(f"{carrier}: {'away' if isinstance(fault, Unavailable) else 'not understood'}")
            else:
                return LabelBought(label=label, key=request.key, spare=spare)
        raise _none("; ".join(why), spare, again=False)

    async def _found(self, wanted: LabelWanted, carrier: CarrierId) -> Label | None:
        try:
            label = await self.shipping.find(_key(wanted, carrier))
        except OutsideFault:
            return None
        return label if label is not None and label.voided_at is None else None

    async def _parcel(self, wanted: LabelWanted) -> tuple[Recipient, Carriage]:
        async with self.transactions.begin() as books:
            place = await books.places.place(wanted.place)
        if place is None or place.origin is None:
            raise _none(f"{wanted.place} has no postal code to ship from", [], again=False)
        recipient, area = await (self._person(wanted) if wanted.to_place is None else self._store(wanted.to_place))
        return recipient, Carriage(origin=place.origin, destination=area, weight_grams=wanted.weight_grams)

    async def _person(self, wanted: LabelWanted) -> tuple[Recipient, PostalArea]:
        try:
            person = await self.vault.get(Subject(f"{wanted.order_id}/address/{wanted.address_of}"))
        except UnknownSubject as fault:
            raise _none("no address is known", [], again=False) from fault
        if not isinstance(person, PersonalData) or not person.postal_code:
            raise _none("the address was erased", [], again=False)
        recipient = Recipient(name=person.name or "", lines=person.address[:ADDRESS_LINES])
        return recipient, PostalArea(country=wanted.country, postal_code=person.postal_code)

    async def _sender(self, wanted: ReturnLabelWanted) -> PostalArea:
        try:
            person = await self.vault.get(Subject(wanted.sender))
        except UnknownSubject as fault:
            raise _none("nobody knows where it is sent from", [], again=False) from fault
        if not isinstance(person, PersonalData) or not person.postal_code:
            raise _none("the address that it is sent from was erased", [], again=False)
        return PostalArea(country=wanted.country, postal_code=person.postal_code)

    async def _store(self, store_id: StoreId) -> tuple[Recipient, PostalArea]:
        async with self.transactions.begin() as books:
            store = await books.places.place(store_id)
        if store is None or store.origin is None:
            raise _none(f"{store_id} has no postal code to ship to", [], again=False)
        return Recipient(name=store.name, lines=tuple(store.address.splitlines()[:ADDRESS_LINES])), store.origin

    @activity.defn
    async def give_back_label(self, key: OperationKey) -> bool:
        """Void what was bought under `key`, if anything was. False: the parcel is on its way, or was never paid."""
        try:
            label = await self.shipping.find(key)
            if label is None:
                return False
            await self.shipping.void(label.id, key=OperationKey(f"{key}:void"))
        except LabelRefused:
            return False
        except OutsideFault as fault:
            raise ApplicationError(str(fault), type="Away") from fault
        return True


def _key(wanted: LabelWanted, carrier: CarrierId) -> OperationKey:
    return OperationKey(f"{wanted.key}:{carrier}")


def _none(why: str, spare: list[OperationKey], *, again: bool) -> ApplicationError:
    return ApplicationError(why, spare, type=NO_LABEL, non_retryable=not again)

"""The terms of an order as it was placed: fixed for ever, free of personal data, the price evidence of every line."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from domain.actors import Actor, Channel
from domain.carriage import Country
from domain.change_policy import ServicePrice
from domain.destinations import Destination, destination_of
from domain.ids import LineId, OrderId, ReturnId, Sku, StoreId
from domain.intake import (
    VIRTUAL,
    Discrepancy,
    LineKind,
    Method,
    OrderBody,
    PickupMode,
    Relation,
    Service,
    TenderType,
)
from domain.kits import Component, needs_of
from domain.lockers import LockerId
from domain.money import Currency
from domain.payments import TenderId
from domain.pickup_windows import Duration
from domain.policy_packs import PolicyPack
from domain.promises import Promise
from domain.substitution_rules import Substitution
from domain.tender_use import TenderUse

FINANCING = "financing "
"""How the token of a tender begins that a loan pays."""


class Fixed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LineTerms(Fixed):
    line_id: LineId
    sku: Sku
    quantity: int
    unit_price: int
    discount: int
    tax: int
    total: int
    """`quantity x unit_price - discount (+ tax unless prices include it)`, minor units."""
    group: int
    """The number of the group that it begins in."""
    kind: LineKind = LineKind.GOODS
    components: list[Component] = []
    """What one unit is made of, when it is a kit."""
    substitution: Substitution | None = None
    recipient: int | None = None
    """Under which the vault keeps who gets the gift card; none: the customer does."""

    @property
    def needs(self) -> dict[Sku, int]:
        return needs_of(self.sku, self.components)


class PickupTerms(Fixed):
    n: int
    fulfilment: str
    store_id: StoreId
    mode: PickupMode
    requested_at: datetime | None = None
    proxy: Relation | None = None
    locker_id: LockerId | None = None
    """The parcel machine that it is to be put in."""
    promise: OrderId | None = None
    """Under which name stock is kept for it already."""
    promised_ready_at: datetime | None = None


class ShipmentTerms(Fixed):
    """Where goods are sent and how; the address itself is in the vault."""

    n: int
    fulfilment: str
    destination: Destination
    service: Service = Service.STANDARD
    allow_split: bool = True
    keep_together: bool = False
    exclude: list[StoreId] = []
    to_store: StoreId | None = None
    """The store that it is sent to, where its customer collects it."""
    proxy: Relation | None = None


class TenderTerms(Fixed):
    tender_id: TenderId
    type: TenderType
    amount: int
    token: str | None = Field(default=None, repr=False)


class SaleOf(Fixed):
    """A sale at the counter, of things beyond an order that was collected there."""

    order_id: OrderId
    n: int
    """The pickup."""


class ExchangeOf(Fixed):
    """A return whose value pays for this order, which replaces what comes back."""

    return_id: ReturnId
    order_id: OrderId
    """That it is a return of."""
    waits: bool = True
    """It goes on when the goods have come back."""


class ChannelRules(Fixed):
    """What the seller has decided for orders of one channel."""

    screening: bool = True
    """Orders are screened for fraud."""
    holds_discrepancies: bool = False
    """An order that does not add up goes on a data hold; otherwise it is refused."""
    approval_above: int | None = None
    """Orders worth more minor units than this wait for approval."""
    change_window: Duration | None = None
    """How long after placement no store sees an order; none: as the policy says."""
    shipping_to: dict[Country, dict[Service, ServicePrice]] = {}
    """What shipping costs once an address is changed to another country; one that is not named costs what it did."""
    tenders: TenderUse = TenderUse()
    """Which tender of an order is captured and refunded first."""


class OrderTerms(Fixed):
    order_id: OrderId
    channel: Channel
    external_id: str
    placed_at: datetime
    received_at: datetime
    currency: Currency
    locale: str
    customer_ref: str
    lines: list[LineTerms]
    pickups: list[PickupTerms]
    shipments: list[ShipmentTerms] = []
    virtual: int | None = None
    """The number of the group of what is never shipped; none: everything is."""
    tenders: list[TenderTerms]
    prices_include_tax: bool = True
    shipping_total: int
    total: int
    discrepancy: Discrepancy | None = None
    content_hash: str
    policy: PolicyPack
    rules: ChannelRules = ChannelRules()
    return_policy: int = 0
    """The version of the returns policy that decides for it."""
    actor: Actor
    sale: SaleOf | None = None
    """It is sold over the counter at once, beside a pickup."""
    exchange: ExchangeOf | None = None

    @property
    def payable(self) -> int:
        """What the tenders cover: `total`, unless the order did not add up."""
        return sum(tender.amount for tender in self.tenders)

    @property
    def change_window(self) -> timedelta:
        """How long the order may be changed freely, before any store sees it."""
        by_channel = self.rules.change_window
        return self.policy.change_window if by_channel is None else by_channel


def terms_of(
    body: OrderBody,
    *,
    order_id: OrderId,
    received_at: datetime,
    actor: Actor,
    policy: PolicyPack,
    rules: ChannelRules,
    discrepancy: Discrepancy | None,
    kits: Mapping[str, Sequence[Component]] | None = None,
    stores: Mapping[StoreId, Destination] | None = None,
    promises: Mapping[str, Promise] | None = None,
    sale: SaleOf | None = None,
    return_policy: int = 0,
    tokens: Sequence[str | None] | None = None,
) -> OrderTerms:
    """Fix the terms of an accepted order body. Groups are numbered from 1 in the order of the fulfilments.

    `kits`: the components of what is a kit, by SKU. `stores`: where the stores are that goods are sent to. `promises`:
    what was promised to a fulfilment before. `tokens`: what stands for each tender, where that is not its own token.
    """
    tokens = [tender.token for tender in body.tenders] if tokens is None else tokens
    numbers = {fulfilment.id: n for n, fulfilment in enumerate(body.fulfilments, start=1)}
    named = body.pickup.person if body.pickup else None
    pickups, shipments = [], []
    shipped = {line.fulfilment for line in body.lines if line.kind not in VIRTUAL}
    virtual = len(numbers) + 1 if any(line.kind in VIRTUAL for line in body.lines) else None
    for fulfilment in body.fulfilments:
        if fulfilment.id not in shipped:
            continue
        if fulfilment.address is not None and fulfilment.method is Method.SHIP:
            shipments.append(
                ShipmentTerms(
                    n=numbers[fulfilment.id],
                    fulfilment=fulfilment.id,
                    destination=destination_of(fulfilment.address),
                    service=fulfilment.service or Service.STANDARD,
                    allow_split=fulfilment.allow_split,
                    keep_together=fulfilment.keep_together,
                    exclude=[StoreId(place) for place in fulfilment.exclude],
                )
            )
            continue
        proxy = fulfilment.proxy or named
        if fulfilment.method is Method.SHIP_TO_STORE:
            store = StoreId(fulfilment.store_id or "")
            shipments.append(
                ShipmentTerms(
                    n=numbers[fulfilment.id],
                    fulfilment=fulfilment.id,
                    destination=(stores or {})[store],
                    service=fulfilment.service or Service.STANDARD,
                    allow_split=fulfilment.allow_split,
                    keep_together=fulfilment.keep_together,
                    exclude=[StoreId(place) for place in fulfilment.exclude],
                    to_store=store,
                    proxy=proxy.relation if proxy else None,
                )
            )
            continue
        promise = (promises or {}).get(fulfilment.id)
        pickups.append(
            PickupTerms(
                n=numbers[fulfilment.id],
                fulfilment=fulfilment.id,
                store_id=StoreId(fulfilment.store_id or ""),
                mode=fulfilment.mode,
                requested_at=fulfilment.requested_pickup_at
                or body.requested_pickup_at
                or (promise.requested_at if promise else None),
                proxy=proxy.relation if proxy else None,
                locker_id=LockerId(fulfilment.locker_id or "") if fulfilment.mode is PickupMode.LOCKER else None,
                promise=promise.holder if promise else None,
                promised_ready_at=promise.ready_at if promise else None,
            )
        )
    return OrderTerms(
        order_id=order_id,
        channel=body.channel,
        external_id=body.external_id,
        placed_at=body.placed_at,
        received_at=received_at,
        currency=body.currency,
        locale=body.locale,
        customer_ref=body.customer.ref,
        lines=[
            LineTerms(
                line_id=LineId(line.line_id),
                sku=Sku(line.sku),
                quantity=line.quantity,
                unit_price=line.unit_price,
                discount=line.discount,
                tax=line.tax,
                total=line.total(body.prices_include_tax),
                group=virtual if virtual is not None and line.kind in VIRTUAL else numbers[line.fulfilment],
                kind=line.kind,
                components=list((kits or {}).get(line.sku, ())),
                substitution=line.substitution,
                recipient=n if line.recipient is not None else None,
            )
            for n, line in enumerate(body.lines, start=1)
        ],
        pickups=pickups,
        shipments=shipments,
        virtual=virtual,
        tenders=[
            TenderTerms(tender_id=TenderId(f"t{n}"), type=tender.type, amount=tender.amount, token=token)
            for n, (tender, token) in enumerate(zip(body.tenders, tokens, strict=True), start=1)
        ],
        prices_include_tax=body.prices_include_tax,
        shipping_total=body.shipping_total,
        total=body.total,
        discrepancy=discrepancy,
        content_hash=body.content_hash(),
        policy=policy,
        rules=rules,
        return_policy=return_policy,
        actor=actor,
        sale=sale,
    )

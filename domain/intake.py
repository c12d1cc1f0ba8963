"""The canonical order as channels send it, and whether its money adds up."""

import hashlib
import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from domain.actors import Channel
from domain.money import Currency
from domain.substitution_rules import Substitution

MAX_LINES = 500
MAX_QUANTITY = 100_000
MAX_AMOUNT = 10**12

KEY = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$"
EMAIL = r"^[^@\s]+@[^@\s]+$"
PHONE = r"^\+?[0-9 ()./-]{4,31}$"
COUNTRY = r"^[A-Z]{2}$"
TOKEN = r"^[\x21-\x7e]+$"
LOCALE = r"^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$"

Key = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=KEY)]
"""An id that a caller chose: visible ASCII, safe in a URL and in a log."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Amount = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]
"""Minor units, zero or more."""
Quantity = Annotated[int, Field(strict=True, ge=1, le=MAX_QUANTITY)]
Flag = Annotated[bool, Field(strict=True)]

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _read_time(value: Any) -> datetime:
    # Pydantic would also take seconds since 1970. What a BeforeValidator hands on counts as no JSON any more, so that a
    # strict reader wants the datetime itself.
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value.upper())
    raise ValueError("should be an RFC 3339 time with its offset, such as 2026-03-02T09:00:00Z")


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("should be a time that has a year from 1 to 9999 in UTC") from None


Instant = Annotated[AwareDatetime, BeforeValidator(_read_time), AfterValidator(_in_utc)]
"""A point in time, kept in UTC: however a caller writes its offset, it is the same content."""


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def misplaced(at: tuple[str | int, ...], reason: str) -> PydanticCustomError:
    """What a look at the whole finds wrong: `at` says in which part, since the validator only knows the whole."""
    return PydanticCustomError("misplaced", "{reason}", {"reason": reason, "at": at})


class Method(StrEnum):
    PICKUP = "pickup"
    SHIP = "ship"
    SHIP_TO_STORE = "ship_to_store"
    VIRTUAL = "virtual"
    """Only for lines that are never shipped; they may also stand beside others in any fulfilment."""


class PickupMode(StrEnum):
    COUNTER = "counter"
    CURBSIDE = "curbside"
    LOCKER = "locker"


class Relation(StrEnum):
    SELF = "self"
    FAMILY = "family"
    FRIEND = "friend"
    OTHER = "other"


class LineKind(StrEnum):
    GOODS = "goods"
    VIRTUAL = "virtual"
    GIFT_CARD = "gift_card"


VIRTUAL = frozenset({LineKind.VIRTUAL, LineKind.GIFT_CARD})
"""What is never shipped and lies on no shelf."""


class TenderType(StrEnum):
    CARD = "card"
    GIFT_CARD = "gift_card"
    STORE_CREDIT = "store_credit"
    PAY_IN_STORE = "pay_in_store"
    FINANCING = "financing"
    SETTLED = "settled"
    EXCHANGE_CREDIT = "exchange_credit"
    """What a return gives back pays for its replacement; no channel sends it."""


class Service(StrEnum):
    ECONOMY = "economy"
    STANDARD = "standard"
    EXPRESS = "express"


class Customer(Body):
    ref: Key
    name: Text | None = None
    email: Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)] | None = None
    phone: Annotated[str, StringConstraints(max_length=32, pattern=PHONE)] | None = None


class Address(Body):
    name: Text
    line1: Text
    line2: Text | None = None
    postal_code: Annotated[str, StringConstraints(min_length=1, max_length=16)]
    city: Text
    region: Text | None = None
    country: Annotated[str, StringConstraints(pattern=COUNTRY)]


class Person(Body):
    """Someone who may collect besides the buyer."""

    name: Text
    relation: Relation = Relation.OTHER


class PickupDetails(Body):
    person: Person | None = None


class Recipient(Body):
    email: Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]
    name: Text | None = None


class Line(Body):
    """`discount` and `tax` are totals of the line, in minor units."""

    line_id: Key
    sku: Key
    quantity: Quantity
    unit_price: Amount
    discount: Amount = 0
    tax: Amount = 0
    fulfilment: Key
    kind: LineKind = LineKind.GOODS
    recipient: Recipient | None = None
    """Who gets the gift card; the customer, when left out."""
    substitution: Substitution | None = None
    """What may be given instead when the store does not find it; nothing when left out."""

    def total(self, prices_include_tax: bool) -> int:
        """`quantity x unit_price - discount (+ tax unless prices include it)`, in minor units."""
        return self.quantity * self.unit_price - self.discount + (0 if prices_include_tax else self.tax)


class Fulfilment(Body):
    id: Key
    method: Method
    store_id: Key | None = None
    mode: PickupMode = PickupMode.COUNTER
    locker_id: Key | None = None
    pickup: PickupDetails | None = None
    person: Person | None = None
    address: Address | None = None
    service: Service | None = None
    keep_together: Flag = False
    allow_split: Flag = True
    exclude: list[Key] = Field(default_factory=list, max_length=500)
    requested_pickup_at: Instant | None = None
    promise: Key | None = None
    """A promise that this pickup takes over: its units are kept, and its time holds."""

    @model_validator(mode="after")
    def _has_its_place(self) -> Self:
        if self.method in (Method.PICKUP, Method.SHIP_TO_STORE) and self.store_id is None:
            raise misplaced(("store_id",), f"a {self.method} fulfilment needs store_id")
        if self.method is Method.SHIP and self.address is None:
            raise misplaced(("address",), "a ship fulfilment needs an address")
        return self

    @property
    def proxy(self) -> Person | None:
        return self.person or (self.pickup.person if self.pickup else None)


class Tender(Body):
    """One means of payment. `token` stands for a card at the provider; card numbers may not enter anywhere."""

    type: TenderType
    amount: Amount
    token: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=TOKEN)] | None = Field(
        default=None, repr=False
    )
    number: Annotated[str, StringConstraints(max_length=64)] | None = Field(default=None, repr=False)
    application_id: Key | None = None
    reference: Key | None = None

    @model_validator(mode="after")
    def _says_what_pays(self) -> Self:
        if self.type is TenderType.CARD and self.token is None:
            raise misplaced(("token",), "a card tender needs the provider's token")
        if self.type in (TenderType.GIFT_CARD, TenderType.STORE_CREDIT) and not self.number:
            raise misplaced(("number",), f"a {self.type} tender needs its number")
        return self


class OrderBody(Body):
    """`POST /v1/orders`."""

    channel: Channel
    external_id: Key
    placed_at: Instant
    currency: Currency
    locale: Annotated[str, StringConstraints(pattern=LOCALE)] = "en"
    customer: Customer
    lines: Annotated[list[Line], Field(min_length=1)]
    prices_include_tax: Flag = True
    fulfilments: Annotated[list[Fulfilment], Field(min_length=1, max_length=100)]
    shipping_total: Amount = 0
    total: Amount
    tenders: Annotated[list[Tender], Field(min_length=1, max_length=10)]
    requested_pickup_at: Instant | None = None
    pickup: PickupDetails | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if len(self.lines) > MAX_LINES:
            raise misplaced(("lines",), f"an order has at most {MAX_LINES} lines, not {len(self.lines)}; split it")
        _unique("lines", "line_id", "line_id", [line.line_id for line in self.lines])
        _unique("fulfilments", "id", "fulfilment id", [fulfilment.id for fulfilment in self.fulfilments])
        known = {fulfilment.id for fulfilment in self.fulfilments}
        for n, line in enumerate(self.lines):
            if line.fulfilment not in known:
                raise misplaced(
                    ("lines", n, "fulfilment"),
                    f"line {line.line_id} names fulfilment {line.fulfilment}, which is not in fulfilments",
                )
            if line.discount > line.quantity * line.unit_price:
                raise misplaced(("lines", n, "discount"), f"the discount of line {line.line_id} is more than its price")
        for n, line in enumerate(self.lines):
            if line.recipient is not None and line.kind is not LineKind.GIFT_CARD:
                raise misplaced(("lines", n, "recipient"), "only a gift card has a recipient of its own")
        virtual = {each.id for each in self.fulfilments if each.method is Method.VIRTUAL}
        for n, line in enumerate(self.lines):
            if line.fulfilment in virtual and line.kind not in VIRTUAL:
                raise misplaced(("lines", n, "fulfilment"), "goods are fetched or shipped")
        used = {line.fulfilment for line in self.lines}
        for n, fulfilment in enumerate(self.fulfilments):
            if fulfilment.id not in used:
                raise misplaced(("fulfilments", n), f"fulfilment {fulfilment.id} has no line")
        return self

    def content_hash(self) -> str:
        """The same for the same order content, however its JSON was written (hex SHA-256)."""
        document = self.model_dump(mode="json", exclude_none=True)
        return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Discrepancy(Body):
    """How far an order's sums are apart, in minor units; all zero means that it adds up."""

    lines_and_shipping: int
    total: int
    tenders: int

    @property
    def adds_up(self) -> bool:
        return self.lines_and_shipping == self.total == self.tenders

    def explain(self) -> str:
        return (
            f"lines and shipping are {self.lines_and_shipping}, total is {self.total} "
            f"(difference {self.total - self.lines_and_shipping}), tenders are {self.tenders} "
            f"(difference {self.tenders - self.total})"
        )


def reconcile(order: OrderBody) -> Discrepancy:
    """Compare the three sums that must be one: lines + shipping, `total`, and the tenders."""
    return Discrepancy(
        lines_and_shipping=sum(line.total(order.prices_include_tax) for line in order.lines) + order.shipping_total,
        total=order.total,
        tenders=sum(tender.amount for tender in order.tenders),
    )


def placed_in_the_future(order: OrderBody, now: datetime) -> bool:
    """Clocks of channels may run a little fast: five minutes are forgiven."""
    return (order.placed_at - now).total_seconds() > 300


def _unique(where: str, field: str, what: str, values: list[str]) -> None:
    seen: set[str] = set()
    for n, value in enumerate(values):
        if value in seen:
            raise misplaced((where, n, field), f"{what} {value} is there twice")
        seen.add(value)

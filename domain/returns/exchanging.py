"""An exchange: what a return gives back pays for an order of its own, which replaces what comes back.

The replacement costs what its article costs now, with the discount and the tax of the returned units in proportion. Its
credit is never more than what the return gives back, or what a card stands for until that has come.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from domain.ids import LineId, OrderId, ReturnId, Sku
from domain.intake import TenderType
from domain.payments import AuthorisationId, TenderId
from domain.refunds import Clawback, RefundPolicy
from domain.terms import LineTerms, OrderTerms, TenderTerms

CREDIT = TenderId("t1")
"""The tender of a replacement that its return pays."""
PREFIX = "exchange-"
"""How the authorisations of exchange credit begin; no provider gives such ids."""
MARGIN = timedelta(hours=1)
EXCHANGED = RefundPolicy(clawback=Clawback.KEEP)
"""What is exchanged brings what was paid for it: no fee, no offer taken back, no shipping paid back."""


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExchangedLine(Value):
    """What the customer wants for the units of one line. Amounts are minor units for all of them, with tax."""

    line_id: LineId
    """Of the line that comes back; the replacement's line has the same."""
    units: PositiveInt
    """That come back."""
    sku: Sku
    quantity: PositiveInt
    credit: NonNegativeInt
    """What the units that come back bring."""
    total: NonNegativeInt
    """What the replacement costs."""


class Gap(Value):
    """How far the two are apart: one of them is zero."""

    owed: NonNegativeInt = 0
    """By the customer."""
    back: NonNegativeInt = 0
    """To the customer."""


class ExchangeState(StrEnum):
    WANTED = "wanted"
    """The return is not approved yet."""
    PLACED = "placed"
    """The replacement is reserved. In advance of the goods it is on its way; otherwise it waits for them."""
    RELEASED = "released"
    """What came back was counted: the replacement goes on with as much."""
    FELL_THROUGH = "fell_through"
    """It is a plain return now."""
    COMPLETED = "completed"
    """The replacement is where it stays, and so is its money."""


class CardHold(Value):
    """A card that stands for goods which went out in advance, until what they replace has come."""

    authorisation_id: AuthorisationId
    amount: PositiveInt
    charge_by: datetime | None = None
    """The last moment to charge it, a little before it ends."""
    captured: NonNegativeInt = 0
    live: bool = True


class Exchange(BaseModel):
    """The exchange of one return, as its workflow keeps it."""

    model_config = ConfigDict(extra="forbid")

    terms: OrderTerms
    """Of the replacement, as it was asked for."""
    lines: list[ExchangedLine]
    advance: bool = False
    """It goes out before the goods have come, against a card."""
    token: str | None = Field(default=None, repr=False)
    """That card, at the provider."""
    state: ExchangeState = ExchangeState.WANTED
    reason: str | None = None
    """Why it fell through."""
    credit: NonNegativeInt = 0
    """What of the return's value the replacement may use."""
    granted: NonNegativeInt = 0
    """What of it has come back, or was charged instead: no more than that is ever taken."""
    standing: NonNegativeInt = 0
    """What the replacement has used or holds, as it has said last."""
    due: NonNegativeInt = 0
    """What its customer is asked to pay."""
    pay_by: datetime | None = None
    hold: CardHold | None = None
    told: bool = False
    """The replacement knows what came back."""
    heard: bool = False
    """And has said what it makes of that."""
    ended: bool = False

    @property
    def order_id(self) -> OrderId:
        return self.terms.order_id

    @property
    def live(self) -> bool:
        return self.state in (ExchangeState.PLACED, ExchangeState.RELEASED)

    @property
    def stands(self) -> bool:
        """What comes back is counted for a replacement, not paid back."""
        return self.state not in (ExchangeState.WANTED, ExchangeState.FELL_THROUGH)

    @property
    def kept(self) -> int:
        """Of what the return gives back, what the replacement has used or may still use."""
        if not self.stands:
            return 0
        used = self.standing if self.ended or self.heard else max(self.credit, self.standing)
        return max(0, used - self.charged)

    @property
    def charged(self) -> int:
        return self.hold.captured if self.hold else 0

    @property
    def secured(self) -> int:
        """What a live card stands for."""
        return self.hold.amount - self.hold.captured if self.hold and self.hold.live else 0

    def grant(self, given_back: int) -> None:
        """So much has been given back by now: the replacement may take as much of its credit."""
        self.granted = max(self.granted, min(self.credit, given_back + self.charged))

    @property
    def gap(self) -> Gap:
        return gap_of(self.lines)


def hold_of(authorisation: AuthorisationId, amount: int, capture_before: datetime | None, now: datetime) -> CardHold:
    margin = min(MARGIN, (capture_before - now) / 10) if capture_before else MARGIN
    charge_by = capture_before - margin if capture_before else None
    return CardHold(authorisation_id=authorisation, amount=amount, charge_by=charge_by)


def gap_of(lines: Sequence[ExchangedLine]) -> Gap:
    difference = sum(line.total for line in lines) - sum(line.credit for line in lines)
    return Gap(owed=max(0, difference), back=max(0, -difference))


def price_wanted(*, worth: int, listed: int, price: int, quantity: int) -> int:
    """What `quantity` units of the wanted article cost, in minor units, rounded down.

    `worth`: what the units that come back were paid, `listed` what they were listed at; both for all of them. The
    wanted article's `price` is taken in the same proportion: it has the discount that they had, and the tax where
    prices are listed without it. At the same price it costs what they were paid, to the cent.
    """
    listed_now = price * quantity
    if not listed:
        return listed_now
    return listed_now * worth // listed


def tax_in(total: int, *, worth: int, tax: int) -> int:
    """The tax in `total`, in the proportion of what comes back."""
    return total * tax // worth if worth else 0


def line_of(line_id: LineId, sku: Sku, quantity: int, *, total: int, tax: int, price: int) -> LineTerms:
    """A line of the replacement: its price as listed, and the discount that makes it cost `total`."""
    unit_price = max(price, -(-total // quantity))
    return LineTerms(
        line_id=line_id,
        sku=sku,
        quantity=quantity,
        unit_price=unit_price,
        discount=unit_price * quantity - total,
        tax=tax,
        total=total,
        group=1,
    )


def tenders_for(credit: int, total: int, payment: TenderTerms | None) -> list[TenderTerms]:
    """The return pays what it gives back; the customer the rest: by `payment`, or as soon as one is named."""
    used = min(credit, total)
    tenders = [TenderTerms(tender_id=CREDIT, type=TenderType.EXCHANGE_CREDIT, amount=used)] if used or not total else []
    if total > used:
        rest = payment or TenderTerms(tender_id=CREDIT, type=TenderType.CARD, amount=0)
        number = TenderId(f"t{len(tenders) + 1}")
        tenders.append(rest.model_copy(update={"tender_id": number, "amount": total - used}))
    return tenders


def credit_token(return_id: ReturnId) -> str:
    """What stands for a return's credit where a card has its token."""
    return f"{PREFIX}{return_id}"


def return_of_credit(token: str) -> ReturnId | None:
    return ReturnId(token.removeprefix(PREFIX)) if token.startswith(PREFIX) else None


def is_credit(authorisation: str | None) -> bool:
    return authorisation is not None and authorisation.startswith(PREFIX)


def replacement_number(external_id: str, return_id: ReturnId) -> str:
    """The channel's number of the replacement: the order's, and a few characters of the return's."""
    return f"{external_id[:52]}-X{return_id[:8].upper()}"


def for_approved(exchange: Exchange, approved: Mapping[LineId, int]) -> Exchange:
    """The exchange of those units only that were approved, in proportion and rounded down."""
    lines = [
        line.model_copy(
            update={
                "units": units,
                "quantity": line.quantity * units // line.units,
                "credit": line.credit * units // line.units,
                "total": line.total * (line.quantity * units // line.units) // line.quantity,
            }
        )
        for line in exchange.lines
        if (units := min(line.units, approved.get(line.line_id, 0))) and line.quantity * units // line.units
    ]
    if lines == exchange.lines:
        return exchange
    by_line = {line.line_id: line for line in lines}
    terms = exchange.terms
    ordered = [
        each.model_copy(
            update={
                "quantity": by_line[each.line_id].quantity,
                "total": by_line[each.line_id].total,
                "discount": each.unit_price * by_line[each.line_id].quantity - by_line[each.line_id].total,
                "tax": each.tax * by_line[each.line_id].quantity // each.quantity,
            }
        )
        for each in terms.lines
        if each.line_id in by_line
    ]
    total = sum(line.total for line in lines)
    paying = next((each for each in terms.tenders if each.type is not TenderType.EXCHANGE_CREDIT), None)
    tenders = tenders_for(sum(line.credit for line in lines), total, paying)
    changed = terms.model_copy(update={"lines": ordered, "total": total, "tenders": tenders})
    return exchange.model_copy(update={"lines": lines, "terms": changed})


def left_out(lines: list[ExchangedLine], came: Mapping[LineId, int]) -> dict[LineId, int]:
    """Units of the replacement that are not sent, since what they replace has not come."""
    found = {
        line.line_id: line.quantity - line.quantity * min(line.units, came.get(line.line_id, 0)) // line.units
        for line in lines
    }
    return {line: units for line, units in found.items() if units}


class ExchangeView(Value):
    """An exchange as every role reads it."""

    order_id: OrderId
    """Of the replacement."""
    external_id: str
    state: ExchangeState
    advance: bool = False
    lines: list[ExchangedLine]
    credit: int
    """What of the return's value pays for the replacement, in minor units."""
    owed: int = 0
    """What the customer pays on top of it."""
    back: int = 0
    """What the customer gets of it."""
    due: int = 0
    """What is asked for now."""
    pay_by: datetime | None = None
    secured: int = 0
    """What a card stands for until the goods have come."""
    charged: int = 0
    """What was taken from that card since they did not."""
    reason: str | None = None


def view_of(exchange: Exchange) -> ExchangeView:
    gap = exchange.gap
    return ExchangeView(
        order_id=exchange.order_id,
        external_id=exchange.terms.external_id,
        state=exchange.state,
        advance=exchange.advance,
        lines=exchange.lines,
        credit=exchange.standing if exchange.ended else exchange.credit,
        owed=gap.owed,
        back=gap.back,
        due=exchange.due,
        pay_by=exchange.pay_by,
        secured=exchange.secured,
        charged=exchange.charged,
        reason=exchange.reason,
    )

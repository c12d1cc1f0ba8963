"""Whatever comes back, is given as goodwill, or fails on the way: never more than was taken, and to the cent."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import LineId
from domain.intake import TenderType
from domain.payments import TenderId
from domain.refunds import MoreThanReceived, PaidLine, PaidTender, RefundPolicy, split_over_tenders
from domain.returns.settling import Settled, settle
from domain.tender_use import TenderRule


@dataclass
class Sale:
    """An order that came whole, paid by several tenders; what happens to its money is played on it."""

    lines: list[PaidLine]
    captured: list[int]
    rule: TenderRule
    fee: int
    refunded: dict[str, int] = field(default_factory=dict)
    elsewhere: dict[str, int] = field(default_factory=dict)
    """Of `refunded`, what went to store credit: it counts against the tender that paid."""
    settled: list[Settled] = field(default_factory=list)
    goodwill: int = 0
    credit: int = 0

    @property
    def taken(self) -> int:
        return sum(self.captured)

    @property
    def left(self) -> int:
        return self.taken - self.goodwill - sum(each.refund for each in self.settled)

    def tenders(self) -> list[PaidTender]:
        kinds = (TenderType.CARD, TenderType.GIFT_CARD, TenderType.STORE_CREDIT)
        return [
            PaidTender(tender_id=TenderId(f"t{n}"), type=kinds[n % 3], captured=n_taken, refunded=self.back(f"t{n}"))
            for n, n_taken in enumerate(self.captured)
        ]

    def back(self, tender: str) -> int:
        return self.refunded.get(tender, 0)

    def pay(self, amount: int, *, fails: bool, to_credit: bool) -> int:
        """Over the tenders; what fails goes to store credit, within the same ceilings. Returns what has gone back."""
        shares = split_over_tenders(amount, self.tenders(), self.rule)
        for share in shares:
            self.refunded[share.tender_id] = self.back(share.tender_id) + share.amount
            if fails or to_credit:
                self.elsewhere[share.tender_id] = self.elsewhere.get(share.tender_id, 0) + share.amount
                self.credit += share.amount
        return sum(share.amount for share in shares)

    def returned(self, line: LineId, units: int, *, fault: bool, fails: bool, to_credit: bool) -> None:
        before: dict[LineId, int] = {}
        for each in self.settled:
            for of, n in each.units.items():
                before[of] = before.get(of, 0) + n
        lines = [each.model_copy(update={"returned": before.get(each.line_id, 0)}) for each in self.lines]
        policy = RefundPolicy(tenders=self.rule, fee=0 if fault else self.fee)
        try:
            found = settle(len(self.settled) + 1, lines, {line: units}, {line: policy}, fee_charged_before=False)
        except MoreThanReceived:
            return
        found = found.at_most(self.left)
        self.settled.append(found)
        assert self.pay(found.refund, fails=fails, to_credit=to_credit) == found.refund, "there is room for all of it"

    def appeased(self, amount: int, *, to_credit: bool) -> None:
        if amount <= self.left:
            self.goodwill += amount
            assert self.pay(amount, fails=False, to_credit=to_credit) == amount


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    lines = [
        PaidLine(line_id=LineId(f"l{n}"), units=draw(st.integers(1, 4)), paid=draw(st.integers(1, 9_999)))
        for n in range(draw(st.integers(1, 3)))
    ]
    left, captured = sum(line.paid for line in lines), []
    for _ in range(draw(st.integers(0, 3))):
        captured.append(draw(st.integers(0, left)))
        left -= captured[-1]
    rule = draw(st.sampled_from(TenderRule))
    return Sale(lines=lines, captured=[*captured, left], rule=rule, fee=draw(st.integers(0, 700)))


step = st.one_of(
    st.tuples(st.just("return"), st.integers(0, 2), st.integers(1, 3), st.booleans(), st.booleans(), st.booleans()),
    st.tuples(st.just("goodwill"), st.integers(1, 5_000), st.booleans()),
)


@given(sales(), st.lists(step, max_size=12))
def test_refunds_never_exceed_what_was_taken_nor_what_came_back(sale: Sale, steps: list[Any]) -> None:
    for what, *how in steps:
        if what == "return":
            line = sale.lines[how[0] % len(sale.lines)].line_id
            sale.returned(line, how[1], fault=how[2], fails=how[3], to_credit=how[4])
        else:
            sale.appeased(how[0], to_credit=how[1])
        assert all(sale.back(tender.tender_id) <= tender.captured for tender in sale.tenders()), "a tender"
        back = sum(sale.refunded.values())
        assert back == sale.goodwill + sum(each.refund for each in sale.settled) <= sale.taken, "the order"
        assert sale.credit == sum(sale.elsewhere.values()), "what left the tenders is on the credit"
        for each in sale.lines:
            units = sum(settled.units.get(each.line_id, 0) for settled in sale.settled)
            goods = sum(settled.goods.get(each.line_id, 0) for settled in sale.settled)
            assert units <= each.units
            assert goods == each.paid * units // each.units, "each unit its own share, the odd cent once"


@given(sales(), st.integers(0, 20_000), st.booleans())
def test_when_everything_comes_back_the_parts_are_the_whole(sale: Sale, goodwill: int, to_credit: bool) -> None:
    sale.fee = 0
    sale.appeased(goodwill or 1, to_credit=to_credit)
    for line in sale.lines:
        for _ in range(line.units):
            sale.returned(line.line_id, 1, fault=False, fails=False, to_credit=to_credit)
    assert sum(sale.refunded.values()) == sale.taken
    assert sum(each.goodwill for each in sale.settled) == sale.goodwill

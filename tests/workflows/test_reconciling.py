"""A reconciliation finds every difference that somebody plants, makes each right by its remedy, and finds no other."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from activities.compensating import Mender, NotMended
from adapters.clock import system_clock
from adapters.inventory.port import Consume, Release, Reserve
from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.memory import MemoryPayments
from adapters.payment.port import CapturePurpose, CaptureRequest, RefundRequest
from adapters.payment.simulator import SimulatorPayments
from adapters.reconciling.port import Found
from adapters.reconciling.runs import PostgresReconciler
from domain.ids import LineId, OperationKey, OrderId
from domain.money import Money
from domain.payments import Authorisation, AuthorisationId, Capture, OperationStatus, Refund
from domain.reconciling import ALONE_UP_TO, DifferenceKind, Remedy
from domain.returns.words import ReturnVia
from domain.stock import StockLine
from tests.workflows.carrying_back import WatchedReturn
from tests.workflows.shop import PRICE, Shop
from tests.workflows.watched import WatchedOrder, new_id
from tests.workflows.working import OpenShop
from workers.composition import Parts
from workflows import options
from workflows.reconciling import ReconciliationRun, ReconciliationStart, run_by_hand
from workflows.return_messages import DropOff
from workflows.returns import ReturnWorkflow

pytestmark = pytest.mark.stack


class Boaster(MemoryPayments):
    """A provider that says it has done what it never does."""

    async def refund(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Refund:
        return Refund(id=f"lie-{key}", authorisation_id=authorisation, amount=amount, status=OperationStatus.SUCCEEDED)

    async def capture(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Capture:
        nothing = Money(amount=0, currency=amount.currency)
        return Capture(id=f"lie-{key}", authorisation_id=authorisation, amount=amount, remaining=nothing)


class Books:
    """Everybody's books, and somebody who changes them behind our back."""

    def __init__(self, made: Parts, shop: Shop):
        self.made = made
        self.shop = shop
        self.reconciler = PostgresReconciler(made.engine)
        self.provider = SimulatorPayments(made.settings.payments_url, made.http)
        self.boasting = LedgeredPayments(made.engine, Boaster(system_clock), "simulator")
        self.mender = Mender(self.reconciler, made.payments, made.transactions)
        self.ours: set[str] = {shop.sku}
        self.names: dict[str, str] = {}

    async def run(self) -> dict[str, Found]:
        """What a run finds of ours, by kind and what; others' tests leave differences of their own."""
        name = run_by_hand(secrets.token_hex(8))
        await self.shop.client.execute_workflow(
            ReconciliationRun.run, ReconciliationStart(by="ada"), id=name, task_queue=options.BROKERING
        )
        found = await self.reconciler.found(name, after=0, limit=5000)
        run = await self.reconciler.get(name)
        assert run is not None
        assert (run.state, run.counts.differences) == ("ended", len(found))
        mine = [each for each in found if self._is_ours(each)]
        named = {f"{each.difference.kind}: {each.difference.what} {self._about(each)}": each for each in mine}
        assert len(named) == len(mine)
        return named

    def _is_ours(self, found: Found) -> bool:
        each = found.difference
        return bool({each.order_id, each.subject, each.sku} & self.ours) or self.shop.sku in each.subject

    def _about(self, found: Found) -> str:
        return self.names.get(found.difference.order_id or found.difference.subject, "")

    async def authorisation(self, order: WatchedOrder) -> AuthorisationId:
        statement = await self.made.payments.statement(order.order_id)
        return statement.authorisations[0].id

    async def sql(self, statement: str, **values: Any) -> None:
        async with self.made.engine.begin() as connection:
            assert (await connection.execute(text(statement), values)).rowcount == 1

    def line(self, quantity: int) -> tuple[StockLine, ...]:
        return (StockLine(line_id=LineId("1"), sku=self.shop.sku, location_id=self.shop.store(), quantity=quantity),)


async def collected(shop: Shop, quantity: int = 2) -> WatchedOrder:
    order = await shop.place(quantity)
    await order.make_ready(quantity)
    await order.hand_over()
    await order.ended()
    return order


async def paid_in_advance(shop: Shop, order: WatchedOrder) -> WatchedReturn:
    """A card stands for two units that are on their way back."""
    terms = {"instant_refund_to": 2 * PRICE, "lost_advance": "charge"}
    asked = await WatchedReturn.of(shop, order, ReturnVia.STORE, terms=terms, card="tok_ok")
    await asked.tell(ReturnWorkflow.drop_off, DropOff(**asked.store()))
    await asked.until(lambda view: view.refunded == 2 * PRICE)
    return asked


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


@pytest.mark.timeout(240)
async def test_every_planted_difference_is_found_and_made_right(open_shop: OpenShop, made: Parts) -> None:
    shop = await open_shop(s1=60)
    books = Books(made, shop)
    at = await shop.clock()
    refunded_outside, refund_lost, behind, left, moved, back = [await collected(shop) for _ in range(6)]
    captured_outside, capture_lost = await shop.place(2), await shop.place(2)
    returned = await collected(shop)
    asked = await WatchedReturn.of(shop, returned, ReturnVia.STORE)
    await asked.receive(1)
    await asked.settle()
    await asked.cancel()
    await asked.ended()
    secured, charged = await collected(shop), await collected(shop)
    held, unreturned = await paid_in_advance(shop, secured), await paid_in_advance(shop, charged)
    await unreturned.receive(2, accepted=False)
    await unreturned.ended()
    assert await unreturned.held() == [f"authorise {2 * PRICE}", f"capture {2 * PRICE}"]
    ghost = OrderId(f"ghost-{shop.name}")
    books.names = {
        refunded_outside.order_id: "refunded outside",
        refund_lost.order_id: "refund lost",
        behind.order_id: "behind",
        left.order_id: "left over",
        moved.order_id: "moved",
        back.order_id: "back",
        captured_outside.order_id: "captured outside",
        capture_lost.order_id: "capture lost",
        returned.order_id: "returned",
        secured.order_id: "secured",
        charged.order_id: "charged",
        ghost: "ghost",
    }
    books.ours |= set(books.names)
    assert await books.run() == {}, "nobody has planted anything yet"

    # At the provider, by others.
    await books.provider.refund(await books.authorisation(refunded_outside), eur(1000), key=OperationKey(new_id()))
    await books.provider.capture(await books.authorisation(captured_outside), eur(500), key=OperationKey(new_id()))
    stray: Authorisation = await books.provider.authorise(
        reference=f"nobody-{shop.name}", token="tok_ok", amount=eur(700), key=OperationKey(new_id())
    )
    books.ours.add(stray.id)
    # Also on the cards that stand for goods which have not come, under their returns' ids.
    card = (await made.payments.statement(OrderId(held.return_id))).authorisations[0].id
    await books.provider.capture(card, eur(400), key=OperationKey(new_id()))
    # In our ledger, of what never arrived there.
    common = {"tender_id": "t1", "at": at}
    await books.boasting.refund(
        RefundRequest(
            key=OperationKey(f"{refund_lost.order_id}:refund:t1:lost"),
            order_id=refund_lost.order_id,
            authorisation_id=await books.authorisation(refund_lost),
            amount=eur(ALONE_UP_TO // 10),
            reason="planted",
            **common,
        )
    )
    await books.boasting.capture(
        CaptureRequest(
            key=OperationKey(f"{capture_lost.order_id}:capture:t1:lost"),
            order_id=capture_lost.order_id,
            authorisation_id=await books.authorisation(capture_lost),
            amount=eur(300),
            purpose=CapturePurpose.HAND_OVER,
            **common,
        )
    )
    # In the records and the stock.
    await books.sql(
        "UPDATE orders SET head = jsonb_set(head, '{payment,captured}', '9000') WHERE order_id = :order",
        order=behind.order_id,
    )
    await books.sql("UPDATE returns SET refunded = refunded + 100 WHERE return_id = :id", id=asked.return_id)
    await books.sql(
        "UPDATE returns SET view = jsonb_set(view, '{card,charged}', '9000') WHERE return_id = :id",
        id=unreturned.return_id,
    )
    await books.sql(
        "UPDATE stock_levels SET on_hand = on_hand + 3 WHERE sku = :sku AND location_id = :at",
        sku=shop.sku,
        at=shop.store(),
    )
    async with made.transactions.begin() as transaction:
        stock = transaction.inventory
        for order_id, key in ((left.order_id, "left"), (moved.order_id, "moved"), (ghost, "ghost")):
            wish = Reserve(
                key=OperationKey(f"{key}:{shop.name}"),
                at=at - timedelta(minutes=5),
                order_id=order_id,
                lines=books.line(2),
            )
            await stock.allocate_directly(wish)
        consumed = {"at": at, "lines": books.line(2), "order_id": moved.order_id}
        await stock.consume(Consume(key=OperationKey(f"gone:{shop.name}"), **consumed))
        taken = {"at": at, "lines": books.line(1), "order_id": back.order_id}
        await stock.take_back(Release(key=OperationKey(f"back:{shop.name}"), **taken))

    found = await books.run()
    assert set(found) == {
        "provider: refunded refunded outside",
        "provider: refunded refund lost",
        "record: refunded refund lost",
        "record: captured behind",
        "provider: captured captured outside",
        "provider: captured capture lost",
        "return: refunded returned",
        "provider: captured secured",
        "card: charged charged",
        "left_over: kept left over",
        "left_over: kept ghost",
        "gone: left the stock moved",
        "gone: left the stock back",
        "stock: on_hand ",
        "stray: authorised ",
    }
    amounts = {name: each.difference.amount for name, each in found.items()}
    assert amounts["provider: refunded refunded outside"] == 1000
    assert amounts["gone: left the stock moved"] == 2
    assert amounts["stray: authorised "] == 700
    assert amounts["provider: captured secured"] == 400
    assert (amounts["card: charged charged"], found["card: charged charged"].difference.remedy) == (998, Remedy.REFUND)

    for name, each in found.items():
        assert not each.difference.needs_second_person
        if each.difference.remedy is Remedy.LOOK:
            assert name == "gone: left the stock back", "where the unit is, nobody knows"
            with pytest.raises(NotMended):
                await books.mender.mend(each, at)
        else:
            await books.mender.mend(each, at)
            await books.mender.mend(each, at)  # whoever is unsure does it again
    again = await books.run()
    # A capture that nobody here asked for has no purpose until a person finds it.
    assert set(again) == {
        "gone: left the stock back",
        "rule: captures_have_a_purpose captured outside",
        "rule: captures_have_a_purpose secured",
    }
    assert again["gone: left the stock back"].difference.kind is DifferenceKind.GONE
    state = await made.payments.at_provider(AuthorisationId(stray.id))
    assert (state.voided, state.captured) == (700, 0)
    lost = await made.payments.at_provider(await books.authorisation(refund_lost))
    assert lost.refunded == ALONE_UP_TO // 10
    assert await refund_lost.money() == ["authorise 9998", "capture 9998", f"refund {ALONE_UP_TO // 10}"]
    assert await unreturned.held() == [f"authorise {2 * PRICE}", f"capture {2 * PRICE}", "refund 998"]
    assert await returned.money() == ["authorise 9998", "capture 9998", f"refund {PRICE}", "refund 100"]

"""Making a difference right, by exactly the remedy that was proposed, each under a key that lets it happen once."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from activities.reconciling import Examiner
from adapters.inventory.port import Consume, Release, StockRefused
from adapters.payment.port import PaymentFault, Payments, RefundRequest, VoidRequest
from adapters.reconciling.port import Found, Reconciler
from adapters.transaction.port import Transactions
from domain.ids import OperationKey, OrderId, ReturnId, Sku, StoreId, operation_key, refund_key
from domain.money import Money
from domain.payments import AuthorisationId
from domain.reconciling import Difference, DifferenceKind, Remedy
from domain.returns.settling import BY_HAND
from domain.stock import StockLine

GONE = "it does not differ any more"


class NotMended(Exception):
    """It could not be made right so; the words say why."""


class Mender:
    def __init__(self, reconciler: Reconciler, payments: Payments, transactions: Transactions):
        self.reconciler = reconciler
        self.payments = payments
        self.transactions = transactions
        self.examiner = Examiner(reconciler, payments)

    async def mend(self, found: Found, at: datetime) -> str:
        """What was done, in words. Raises `NotMended`. What is right by itself meanwhile is left alone."""
        difference = found.difference
        if difference.order_id is not None and difference.kind is not DifferenceKind.LEFT_OVER:
            present = await self.examiner.differences(difference.order_id)
            if all(each.name != difference.name for each in present):
                return GONE
        key = OperationKey(f"reconciled:{found.run}:{found.n}")
        doing: dict[Remedy, Callable[[Difference, OperationKey, datetime], Awaitable[str]]] = {
            Remedy.TAKE_OVER: self._take_over,
            Remedy.ASK_PROVIDER: self._do_again,
            Remedy.RECORD_AGAIN: self._show_again,
            Remedy.FREE_MONEY: self._free_money,
            Remedy.REFUND: self._refund,
            Remedy.RELEASE: self._release,
            Remedy.CONSUME: self._consume,
            Remedy.TAKE_BACK: self._take_back,
            Remedy.COUNT: self._explain,
        }
        if difference.remedy not in doing:
            raise NotMended("nothing can be done about it by itself: find out, repair it, dismiss it with the reason")
        try:
            return await doing[difference.remedy](difference, key, at)
        except (PaymentFault, StockRefused) as fault:
            raise NotMended(str(fault)) from fault

    # --- money -------------------------------------------------------------------------------------------------------

    async def _take_over(self, difference: Difference, key: OperationKey, at: datetime) -> str:
        """Our ledger first; an order that is over then shows it too."""
        await self.payments.authorisation(AuthorisationId(difference.subject))
        await self._show(difference)
        return "entered in our ledger"

    async def _do_again(self, difference: Difference, key: OperationKey, at: datetime) -> str:
        moved = await self.payments.do_again(AuthorisationId(difference.subject))
        if not moved:
            raise NotMended("the provider knows every operation that we have booked; compare the two by hand")
        return f"done at the provider: {moved}"

    async def _free_money(self, difference: Difference, key: OperationKey, at: datetime) -> str:
        if difference.kind is DifferenceKind.CARD:
            return f"freed at the provider: {await self._free_card(OrderId(difference.subject), key, at)}"
        freed = await self.payments.free_stray(AuthorisationId(difference.subject), key=key)
        return f"freed at the provider: {freed}"

    async def _free_card(self, held_under: OrderId, key: OperationKey, at: datetime) -> int:
        """Nothing is held under a return's id any more."""
        statement = await self.payments.statement(held_under)
        live = [each for each in statement.authorisations if each.held]
        for each in live:
            request = VoidRequest(
                key=OperationKey(f"{key}:{each.id}"),
                order_id=held_under,
                tender_id=each.tender_id,
                authorisation_id=each.id,
                at=at,
                reason="reconciled",
            )
            await self.payments.void(request)
        return sum(each.held for each in live)

    async def _refund(self, difference: Difference, key: OperationKey, at: datetime) -> str:
        """From whichever payments of the order, or the card of its return, can take it back, the newest first."""
        order_id = _order(difference)
        if difference.kind is DifferenceKind.CARD:
            order_id = OrderId(difference.subject)
        statement = await self.payments.statement(order_id)
        left = difference.amount
        parts = []
        for number, each in enumerate(reversed(statement.authorisations), start=1):
            disputed = sum(one.amount for one in statement.disputes if one.authorisation_id == each.id)
            taken = min(left, max(0, each.captured - each.refunded - each.refunding - disputed))
            if not taken:
                continue
            if difference.kind is DifferenceKind.RETURN:
                name = refund_key(order_id, each.tender_id, ReturnId(difference.subject), BY_HAND + number)
            else:
                name = operation_key(order_id, "reconciled-refund", difference.ours, difference.theirs, number)
            parts.append(
                RefundRequest(
                    key=name,
                    order_id=order_id,
                    tender_id=each.tender_id,
                    authorisation_id=each.id,
                    amount=Money(amount=taken, currency=each.currency),
                    at=at,
                    reason="reconciled",
                )
            )
            left -= taken
        if left:
            raise NotMended(f"{left} of it cannot be refunded to any payment of the order")
        for part in parts:
            await self.payments.refund(part)
        if difference.kind is not DifferenceKind.CARD:
            await self._show(difference)
        return f"refunded {difference.amount}"

    async def _show_again(self, difference: Difference, key: OperationKey, at: datetime) -> str:
        if not await self._show(difference, only=difference.what, total=difference.theirs):
            raise NotMended("the order goes on: its next step records its money anew")
        return f"{difference.what} shown as {difference.theirs}"

    async def _show(self, difference: Difference, only: str | None = None, total: int = 0) -> bool:
        """The order's record from our ledger: one total, or all that follow from a remedy of another difference."""
        order_id = _order(difference)
        if only is not None:
            return await self.reconciler.show_money(order_id, {only: total})
        behind = await self.examiner.differences(order_id)
        shown = {each.what: each.theirs for each in behind if each.kind is DifferenceKind.RECORD}
        return not shown or await self.reconciler.show_money(order_id, shown)

    # --- stock -------------------------------------------------------------------------------------------------------

    async def _release(self, difference: Difference, key: OperationKey, at: datetime) -> str:
        release = Release(key=key, at=at, order_id=_order(difference), lines=(_line(difference),), reason="reconciled")
        async with self.transactions.begin() as books:
            released = await books.inventory.release(release)
        return f"freed {sum(line.quantity for line in released.lines)}"

    async def _consume(self, difference: Difference, key: OperationKey, at: datetime) -> str:
        consume = Consume(key=key, at=at, order_id=_order(difference), lines=(_line(difference),), late=True)
        async with self.transactions.begin() as books:
            await books.inventory.consume(consume)
        return f"{difference.amount} have left the stock"

    async def _take_back(self, difference: Difference, key: OperationKey, at: datetime) -> str:
        release = Release(key=key, at=at, order_id=_order(difference), lines=(_line(difference),), reason="reconciled")
        async with self.transactions.begin() as books:
            taken = await books.inventory.take_back(release)
        return f"{sum(line.quantity for line in taken.lines)} are on hand again"

    async def _explain(self, difference: Difference, key: OperationKey, at: datetime) -> str:
        sku, store_id = _place(difference)
        await self.reconciler.explain_level(sku, store_id, key=key, at=at, reason="reconciled")
        return "the missing movement is entered; count the shelf"


def _order(difference: Difference) -> OrderId:
    if difference.order_id is None:
        raise NotMended("it belongs to no order")
    return difference.order_id


def _place(difference: Difference) -> tuple[Sku, StoreId]:
    if difference.sku is None or difference.store_id is None:
        raise NotMended("it is not known where: find out, repair it, dismiss it with the reason")
    return difference.sku, difference.store_id


def _line(difference: Difference) -> StockLine:
    sku, store_id = _place(difference)
    if difference.line_id is None:
        raise NotMended("it is not known of which line")
    return StockLine(line_id=difference.line_id, sku=sku, location_id=store_id, quantity=difference.amount)

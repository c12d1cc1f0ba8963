"""Which order a return is of: any store may look one up by what the customer has in hand."""

from collections.abc import Sequence

from adapters.access.port import PrincipalKind
from adapters.postgres.transaction import PostgresTransaction
from adapters.records.port import OrderFilter
from domain.ids import OrderId
from domain.views import OrderView
from gateway.principals import Caller
from gateway.problems import Problem, ProblemKind, not_found
from gateway.reading import visible_order
from gateway.returns.bodies import Lookup
from gateway.services import Services

MOST = 50
"""Orders of one customer that are looked through."""


async def order_to_return(services: Services, caller: Caller, order_id: OrderId) -> OrderView:
    """A store may look up any order for a return; everybody else only what is theirs."""
    if caller.principal.kind is not PrincipalKind.STORE:
        return await visible_order(services, caller, order_id)
    async with services.transactions.begin() as books:
        view = await books.records.order(order_id)
    if view is None:
        raise not_found()
    return view


async def look_up(services: Services, caller: Caller, lookup: Lookup) -> OrderView:
    """The one order that fits. Raises 404 for none, 409 with the candidates for several."""
    found = await orders_of(services, caller, lookup)
    if not found:
        raise not_found()
    if len(found) > 1:
        raise Problem(
            ProblemKind.NOT_ALLOWED_NOW,
            f"{len(found)} orders fit. Ask the customer which one it is, and send its order_id.",
            title="Several orders fit",
            current={"orders": [_short(view) for view in found]},
        )
    return found[0]


async def orders_of(services: Services, caller: Caller, lookup: Lookup) -> list[OrderView]:
    """Every order that fits and that the caller may know of, newest first."""
    ids = await _candidates(services, lookup)
    async with services.transactions.begin() as books:
        views = [view for each in ids if (view := await books.records.order(each)) is not None]
    if caller.sees_all_orders or caller.principal.kind is PrincipalKind.STORE:
        return views
    return [view for view in views if await _created_by(services, caller, view)]


async def _candidates(services: Services, lookup: Lookup) -> Sequence[OrderId]:
    if lookup.order_id is not None:
        return [OrderId(lookup.order_id)]
    if lookup.email is not None:
        return [OrderId(each) for each in await services.vault.find_by_email(lookup.email) if "/" not in each]
    if lookup.phone is not None:
        return [OrderId(each) for each in await services.vault.find_by_phone(lookup.phone) if "/" not in each]
    if lookup.card is not None:
        return [OrderId(each) for each in await services.vault.find_by_card(lookup.card)]
    async with services.transactions.begin() as books:
        if lookup.customer is not None:
            return await _found(books, OrderFilter(customer_ref=lookup.customer))
        number = lookup.external_id or lookup.code or ""
        by_number = await _found(books, OrderFilter(external_id=number))
        return by_number or ([OrderId(number)] if lookup.code is not None else [])


async def _found(books: PostgresTransaction, wanted: OrderFilter) -> list[OrderId]:
    return [view.order_id for view in await books.records.find(wanted, after=None, limit=MOST)]


async def _created_by(services: Services, caller: Caller, view: OrderView) -> bool:
    async with services.transactions.begin() as books:
        intake = await books.intake.by_order(view.order_id)
    return intake is not None and intake.created_by == caller.principal.id


def _short(view: OrderView) -> dict[str, object]:
    return {
        "order_id": view.order_id,
        "external_id": view.external_id,
        "placed_at": view.placed_at.isoformat(),
        "total": view.total,
        "currency": view.currency,
        "lines": [{"line_id": line.line_id, "sku": line.sku, "quantity": line.ordered} for line in view.lines],
    }

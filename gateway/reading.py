"""What a caller may see: own channels everything, a store what has work at it, others what they created."""

from adapters.access.port import PrincipalKind
from adapters.places.port import Place
from adapters.postgres.transaction import PostgresTransaction
from adapters.records.port import OrderFilter, StoreGroup
from domain.ids import OrderId, StoreId
from domain.views import OrderView
from gateway.principals import Caller
from gateway.problems import not_found
from gateway.services import Services


async def visible_order(services: Services, caller: Caller, order_id: OrderId) -> OrderView:
    """The order, if the caller may know of it. Raises 404, with an audit row when it is another's."""
    async with services.transactions.begin() as books:
        view = await books.records.order(order_id)
        if view is None:
            raise not_found()
        allowed = await may_see(books, caller, order_id)
    if not allowed:
        raise await caller.hidden("another's order")
    return view


async def visible_group(
    services: Services, caller: Caller, order_id: OrderId, n: int, kind: str | None = None
) -> StoreGroup:
    """One group of a kind, or any, if the caller may know of it. A store: only its own."""
    async with services.transactions.begin() as books:
        found = await books.records.group(order_id, n)
        if found is None or (kind not in (None, found.group.kind) and not found.group.ship_to_store):
            raise not_found()
        if caller.principal.kind is PrincipalKind.STORE:
            allowed = caller.principal.store_id in {found.group.store_id, found.group.from_store} - {None}
        else:
            allowed = await may_see(books, caller, order_id)
    if not allowed:
        raise await caller.hidden(f"another's {found.group.kind}")
    if kind is None:
        return found
    # What is sent to a store has both names, and is answered under the one that was asked for.
    return found.model_copy(update={"group": found.group.model_copy(update={"kind": kind})})


async def place_of(services: Services, store_id: str) -> Place:
    """A store or warehouse that there is. Raises 404."""
    async with services.transactions.begin() as books:
        place = await books.places.place(StoreId(store_id))
    if place is None:
        raise not_found()
    return place


def within_sight(caller: Caller, wanted: OrderFilter) -> OrderFilter | None:
    """The filter narrowed to what the caller may see; nothing when that is empty."""
    if caller.sees_all_orders:
        return wanted
    if caller.principal.kind is PrincipalKind.STORE:
        own = caller.principal.store_id
        if own is None or wanted.store_id not in (None, own):
            return None
        return wanted.model_copy(update={"store_id": own})
    return wanted.model_copy(update={"created_by": caller.principal.id})


async def may_see(books: PostgresTransaction, caller: Caller, order_id: OrderId) -> bool:
    """Whether the caller may know of an order."""
    if caller.sees_all_orders:
        return True
    principal = caller.principal
    if principal.kind is PrincipalKind.STORE:
        return principal.store_id is not None and await books.records.has_work_at(order_id, StoreId(principal.store_id))
    intake = await books.intake.by_order(order_id)
    return intake is not None and intake.created_by == principal.id

"""An empty shelf is empty for every order of the place; each is told once, whatever is repeated."""

from typing import Any

from activities.declining import DecliningSteps, Missing
from adapters.transaction.memory import MemoryTransactions
from domain.ids import OperationKey, OrderId, Sku, StoreId
from tests.adapters.records.sample_records import PLACED, STORE, change, group, line
from workflows.messages import Reject

A, B, C = (OrderId(name) for name in ("oa", "ob", "oc"))


async def test_the_other_orders_of_the_place_are_told_and_no_others() -> None:
    transactions = MemoryTransactions()
    unpicked = {"1": {"allocated": 2}}
    async with transactions.begin() as books:
        for order_id, store in ((A, STORE), (B, STORE), (C, StoreId("S002"))):
            await books.records.write(
                change(order_id, lines=[line()], groups=[group(order_id, units=unpicked, store_id=store)])
            )
    told: list[tuple[OrderId, Reject]] = []

    async def tell(order_id: OrderId, command: dict[str, Any]) -> None:
        told.append((order_id, Reject.model_validate(command)))

    steps = DecliningSteps(transactions, tell)
    missing = Missing(
        key=OperationKey("oa:decline:1:3"), order_id=A, store_id=STORE, skus=[Sku("SKU-1"), Sku("SKU-9")], at=PLACED
    )
    assert await steps.decline_elsewhere(missing) == 1
    assert await steps.decline_elsewhere(missing) == 1
    [first, again] = told
    assert first == again
    assert (first[0], first[1].lines, first[1].stock_effect, first[1].collateral) == (B, {"1": 2}, "none", True)

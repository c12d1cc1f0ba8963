"""Goods that go from one place to another as the same order's, asked of each implementation in the same words."""

import pytest

from adapters.inventory.port import Inventory, KeyConflict, NotHeld, Relocate
from domain.ids import StoreId
from domain.stock import MovementKind, StockLine
from tests.adapters.inventory.test_contract import (
    AT,
    ORDER,
    consume,
    key,
    level,
    line,
    movement,
    release,
    reserve,
    stock,
)


def relocate(name: str, *lines: StockLine, to: str = "S2", aside: bool = False) -> Relocate:
    return Relocate(key=key(name), at=AT, order_id=ORDER, lines=lines, to=StoreId(to), aside=aside)


async def held(inventory: Inventory, location: str) -> tuple[int, int, int, int]:
    found = [each for each in await inventory.holdings(ORDER) if each.location_id == location]
    sums = [sum(getattr(each, name) for each in found) for name in ("taken", "allocated", "set_aside", "consumed")]
    return sums[0], sums[1], sums[2], sums[3]


async def test_what_leaves_here_is_there_and_stays_the_orders(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("r", line(quantity=2), line("2", 1)))
    await inventory.relocate(relocate("go", line(quantity=2), line("2", 1)))
    here, there = await level(inventory), await level(inventory, location="S2")
    assert (here.on_hand, here.allocated, here.available) == (2, 0, 2)
    assert (there.on_hand, there.allocated, there.available) == (3, 3, 0)
    assert (await held(inventory, "S1"), await held(inventory, "S2")) == ((0, 0, 0, 0), (3, 3, 0, 0))
    await inventory.consume(consume("give", line(quantity=2, location="S2"), line("2", 1, location="S2")))
    assert (await level(inventory, location="S2")).on_hand == 0
    assert await held(inventory, "S2") == (3, 0, 0, 3)


async def test_the_ledger_has_both_sides_and_its_sums_are_the_levels(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await inventory.allocate_directly(reserve("r", line(quantity=2)))
    await inventory.relocate(relocate("go", line(quantity=2)))
    movements = await inventory.ledger(order_id=ORDER)
    assert [(each.kind, each.store_id, each.on_hand, each.allocated) for each in movements[-2:]] == [
        (MovementKind.SENT, "S1", -2, -2),
        (MovementKind.RECEIVED, "S2", 2, 2),
    ]
    every = await inventory.ledger()
    for each in await inventory.levels(None, None):
        moves = [move for move in every if move.store_id == each.store_id]
        assert each.on_hand == sum(move.on_hand for move in moves)
        assert each.allocated == sum(move.allocated for move in moves)


async def test_units_set_aside_go_as_such_and_are_put_back_there(inventory: Inventory) -> None:
    await stock(inventory, 2)
    await inventory.allocate_directly(reserve("r", line(quantity=2)))
    await inventory.set_aside(release("stop", line(quantity=2)))
    await inventory.relocate(relocate("go", line(quantity=2), aside=True))
    there = await level(inventory, location="S2")
    assert (there.on_hand, there.set_aside, there.available) == (2, 2, 0)
    await inventory.put_back(release("back", line(quantity=2, location="S2")))
    assert (await level(inventory, location="S2")).available == 2


async def test_a_repetition_moves_nothing_and_another_wish_under_the_key_is_refused(inventory: Inventory) -> None:
    await stock(inventory, 2)
    await inventory.allocate_directly(reserve("r", line(quantity=2)))
    for _ in range(2):
        await inventory.relocate(relocate("go", line(quantity=1)))
    assert (await level(inventory, location="S2")).on_hand == 1
    with pytest.raises(KeyConflict):
        await inventory.relocate(relocate("go", line(quantity=1), to="S3"))


async def test_what_the_order_does_not_hold_is_not_moved(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("r", line(quantity=2)))
    with pytest.raises(NotHeld) as refused:
        await inventory.relocate(relocate("go", line(quantity=3)))
    assert [(each.asked, each.available) for each in refused.value.missing] == [(3, 2)]
    with pytest.raises(NotHeld):
        await inventory.relocate(relocate("aside", line(quantity=1), aside=True))
    assert (await level(inventory)).allocated == 2
    assert sum(each.on_hand for each in await inventory.levels(None, None)) == 5


async def test_a_place_where_nothing_comes_has_no_level(inventory: Inventory) -> None:
    await stock(inventory, 5)
    with pytest.raises(NotHeld):
        await inventory.relocate(relocate("none", line(quantity=1), to="S7"))
    assert [level.store_id for level in await inventory.levels(None, None)] == ["S1"]


async def test_goods_that_a_count_had_missed_are_seen_where_they_come(inventory: Inventory) -> None:
    await stock(inventory, 2)
    await inventory.allocate_directly(reserve("r", line(quantity=1), line("2", 1)))
    await inventory.move(movement("count", MovementKind.COUNT, 1))
    await inventory.relocate(relocate("go", line(quantity=1), line("2", 1)))
    assert ((await level(inventory)).on_hand, (await level(inventory, location="S2")).on_hand) == (0, 2)


async def test_goods_come_together_at_a_place_that_has_some_of_the_order(inventory: Inventory) -> None:
    await stock(inventory, 2)
    await stock(inventory, 3, location="S2")
    await inventory.allocate_directly(reserve("r", line(quantity=1), line(quantity=1, location="S2")))
    await inventory.relocate(relocate("go", line(quantity=1)))
    there = await level(inventory, location="S2")
    assert (there.on_hand, there.allocated, there.available) == (4, 2, 2)
    assert await held(inventory, "S2") == (2, 2, 0, 0)

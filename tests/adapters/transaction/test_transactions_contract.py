"""The books change together or not at all, in memory and in PostgreSQL alike."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from adapters.inventory.port import OutOfStock, Release, Reserve, StockMovement, Variance
from adapters.records.port import OrderFilter
from adapters.transaction.memory import MemoryTransactions
from adapters.transaction.port import Transaction, Transactions
from domain.actors import Channel
from domain.groups import GroupStatus
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.notices import Notice, NoticeFacts, NoticeKind, notice_key
from domain.stock import MovementKind, RejectReason, StockEffect, StockLine
from domain.terms import ChannelRules
from tests.adapters.intake.sample_intake import NOW, intake
from tests.adapters.places.sample_places import item, place
from tests.adapters.records.sample_records import change, entry, group, line

ORDER, SKU, STORE = OrderId("oa"), Sku("SKU-1"), StoreId("S001")


def notice() -> Notice:
    return Notice(
        key=notice_key(ORDER, NoticeKind.ORDER_CONFIRMED.value, 1),
        kind=NoticeKind.ORDER_CONFIRMED,
        order_id=ORDER,
        at=NOW,
        facts=NoticeFacts(order_number="W-1"),
    )


async def stock_up(transactions: Transactions, quantity: int) -> None:
    receipt = StockMovement(
        key=OperationKey("receipt"), at=NOW, kind=MovementKind.RECEIPT, sku=SKU, location_id=STORE, quantity=quantity
    )
    async with transactions.begin() as books:
        await books.inventory.move(receipt)


async def reserve(books: Transaction, quantity: int, order_id: OrderId = ORDER) -> None:
    wanted = StockLine(line_id=LineId("1"), sku=SKU, location_id=STORE, quantity=quantity)
    await books.inventory.reserve(
        Reserve(key=OperationKey(f"{order_id}:reserve"), at=NOW, order_id=order_id, lines=(wanted,))
    )


async def change_everything(books: Transaction) -> None:
    await reserve(books, 2)
    await books.records.write(change(ORDER, 2, lines=[line()], groups=[group(ORDER)], events=[entry()]))
    await books.outbox.add([notice()])
    await books.intake.promise(intake(ORDER), b"start")
    await books.places.put(place(STORE))
    await books.items.put(item(SKU, "Kettle"))
    await books.channels.put(Channel.WEB, ChannelRules(screening=False))


class Undone(Exception):
    """What makes a transaction fail here."""


async def undone(transactions: Transactions, work: Callable[[Transaction], Awaitable[None]]) -> None:
    async with transactions.begin() as books:
        await work(books)
        raise Undone


async def seen(transactions: Transactions) -> list[object]:
    async with transactions.begin() as books:
        return [
            await books.inventory.levels([SKU], [STORE]),
            await books.inventory.holdings(ORDER),
            await books.records.order(ORDER),
            await books.records.timeline(ORDER, after=0, limit=9),
            await books.outbox.list_for_order(ORDER),
            await books.intake.by_order(ORDER),
            await books.places.places(),
            await books.items.items(),
            await books.channels.all(),
        ]


async def test_what_ends_well_is_there_for_the_next_one(transactions: Transactions) -> None:
    await stock_up(transactions, 5)
    before = await seen(transactions)
    async with transactions.begin() as books:
        await change_everything(books)
    after = await seen(transactions)
    assert all(now != then for now, then in zip(after, before, strict=True))


async def test_an_exception_leaves_every_book_as_it_was(transactions: Transactions) -> None:
    await stock_up(transactions, 5)
    before = await seen(transactions)
    with pytest.raises(Undone):
        await undone(transactions, change_everything)
    assert await seen(transactions) == before


async def test_a_change_of_what_was_there_is_taken_back_too(transactions: Transactions) -> None:
    await stock_up(transactions, 5)
    async with transactions.begin() as books:
        await change_everything(books)
    before = await seen(transactions)

    async def change_again(books: Transaction) -> None:
        await books.records.write(change(ORDER, 3, lines=[line(picked=1)], events=[entry()], total=1))
        await books.records.append(ORDER, entry())
        await books.records.forget(ORDER)
        await books.intake.taken(ORDER)
        await books.outbox.withdraw(ORDER, [NoticeKind.ORDER_CONFIRMED], NOW)
        await books.places.put(place(STORE, name="Elsewhere"))
        await books.items.put(item(SKU, "Lamp"))
        await books.channels.put(Channel.WEB, ChannelRules())

    with pytest.raises(Undone):
        await undone(transactions, change_again)
    assert await seen(transactions) == before


async def test_a_refusal_of_the_stock_takes_the_record_back(transactions: Transactions) -> None:
    await stock_up(transactions, 1)

    async def place_it(books: Transaction) -> None:
        await books.records.write(change(ORDER))
        await reserve(books, 2)

    with pytest.raises(OutOfStock):
        await undone(transactions, place_it)
    async with transactions.begin() as books:
        assert await books.records.order(ORDER) is None


async def test_a_cancelled_task_leaves_nothing_and_blocks_nobody(transactions: Transactions) -> None:
    written = asyncio.Event()

    async def hang() -> None:
        async with transactions.begin() as books:
            await books.records.write(change(ORDER))
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(30), transactions.begin() as books:
        assert await books.records.find(OrderFilter(), after=None, limit=5) == []


async def test_what_is_not_committed_is_seen_by_nobody_else(transactions: Transactions) -> None:
    """The other one waits for its turn or sees the old state; either way it never sees what is then rolled back."""
    written = asyncio.Event()

    async def look() -> object:
        await written.wait()
        async with transactions.begin() as books:
            return await books.records.order(ORDER)

    async def write(books: Transaction) -> None:
        await books.records.write(change(ORDER))
        written.set()
        await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    with pytest.raises(Undone):
        await undone(transactions, write)
    assert await looking is None


async def test_of_many_who_want_the_last_units_as_many_get_them_as_there_are(transactions: Transactions) -> None:
    await stock_up(transactions, 3)

    async def buy(order_id: OrderId) -> bool:
        try:
            async with transactions.begin() as books:
                await books.records.write(change(order_id))
                await reserve(books, 1, order_id)
        except OutOfStock:
            return False
        return True

    bought = await asyncio.gather(*(buy(OrderId(f"o{n}")) for n in range(10)))
    assert sum(bought) == 3
    async with transactions.begin() as books:
        orders = await books.records.find(OrderFilter(), after=None, limit=20)
        (level,) = await books.inventory.levels([SKU], [STORE])
    assert (len(orders), level.reserved, level.available) == (3, 3, 0)


async def test_memory_says_so_instead_of_waiting_for_itself() -> None:
    transactions = MemoryTransactions()
    async with transactions.begin():
        with pytest.raises(RuntimeError, match="use that one"):
            async with transactions.begin():
                pass
    async with transactions.begin() as books:
        assert await books.places.places() == []


async def test_a_store_without_stock_still_has_what_it_picked_for_other_orders(transactions: Transactions) -> None:
    await stock_up(transactions, 22)
    wanted = {"staged": 2, "unpicked": 4, "rejected": 1}
    async with transactions.begin() as books:
        for order_id, quantity in wanted.items():
            lines = (StockLine(line_id=LineId("1"), sku=SKU, location_id=STORE, quantity=quantity),)
            taken = Reserve(key=OperationKey(f"{order_id}:take"), at=NOW, order_id=OrderId(order_id), lines=lines)
            await books.inventory.allocate_directly(taken)
        for order_id, units in (("staged", {"picked": 1, "ready": 1}), ("unpicked", {"allocated": 4})):
            at_work = group(order_id, status=GroupStatus.READY, units={"1": units})
            elsewhere = group(order_id, 2, ["2"], store_id="S002", status=GroupStatus.READY, units={"2": {"ready": 1}})
            of_another = group(order_id, 3, ["3"], status=GroupStatus.READY, units={"3": {"ready": 5}})
            lines_of = [line("1", SKU), line("2", SKU), line("3", "OTHER")]
            await books.records.write(change(order_id, lines=lines_of, groups=[at_work, elsewhere, of_another]))
    async with transactions.begin() as books:
        freed = (StockLine(line_id=LineId("1"), sku=SKU, location_id=STORE, quantity=1),)
        rejected = OrderId("rejected")
        await books.inventory.release(
            Release(key=OperationKey("free"), at=NOW, order_id=rejected, lines=freed, reason="rejected")
        )
        await books.inventory.record_variance(
            Variance(
                key=OperationKey("variance"),
                at=NOW,
                order_id=rejected,
                sku=SKU,
                location_id=STORE,
                quantity=1,
                effect=StockEffect.ZERO,
                reason=RejectReason.NOT_IN_STOCK,
            )
        )
        assert await books.records.picked_at(SKU, STORE) == {"staged": 2}
        (level,) = await books.inventory.levels([SKU], [STORE])
    assert (level.on_hand, level.allocated, level.available, level.shortfall) == (2, 6, 0, 4)

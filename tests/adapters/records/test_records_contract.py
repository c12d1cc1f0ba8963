"""What the records promise, in memory and in PostgreSQL alike."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from adapters.intake.port import Intake, IntakeState
from adapters.records.port import AnotherTryStands, OrderChange, OrderFilter, OvertakenTry
from adapters.transaction.port import Transactions
from domain.actors import Channel
from domain.groups import GroupStatus
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.timeline import Event, Fact
from domain.views import ComponentView, OrderStatus
from tests.adapters.records.sample_records import (
    PLACED,
    STORE,
    after,
    change,
    entry,
    group,
    line,
    question,
    stock_wait,
)

A, B, C, D = (OrderId(name) for name in ("oa", "ob", "oc", "od"))


async def write(transactions: Transactions, *changes: OrderChange) -> list[bool]:
    async with transactions.begin() as books:
        return [await books.records.write(each) for each in changes]


async def found(transactions: Transactions, **wanted: Any) -> list[str]:
    async with transactions.begin() as books:
        return [view.order_id for view in await books.records.find(OrderFilter(**wanted), after=None, limit=50)]


async def positions(transactions: Transactions, order_id: OrderId) -> list[int]:
    async with transactions.begin() as books:
        return [event.position for event in await books.records.timeline(order_id, after=0, limit=5000)]


async def test_an_order_is_read_as_it_was_written(transactions: Transactions) -> None:
    wait = stock_wait(1, after(minutes=1))
    ready = group(A, deadline=after(days=3), put_back={LineId("1"): 1})
    first = change(A, lines=[line("2"), line("1", open=1)], groups=[group(A, 2), ready], waiting_for=[wait])
    assert await write(transactions, first) == [True]
    async with transactions.begin() as books:
        view = await books.records.order(A)
    assert view is not None
    expected = {"lines": [line("2"), line("1", open=1)], "groups": [ready, group(A, 2)]}
    assert view == first.head.model_copy(update=expected), "lines as ordered, groups by number"


async def test_lines_that_are_added_come_after_those_that_were_there(transactions: Transactions) -> None:
    await write(transactions, change(A, lines=[line("9"), line("5")], groups=[group(A)]))
    await write(transactions, change(A, 2, lines=[line("3"), line("9", picked=1), line("2")]))
    await write(transactions, change(A, 3, lines=[line("1")]))
    async with transactions.begin() as books:
        view = await books.records.order(A)
    assert view is not None
    assert [each.line_id for each in view.lines] == ["9", "5", "3", "2", "1"]


async def test_a_change_keeps_what_it_leaves_out(transactions: Transactions) -> None:
    await write(transactions, change(A, lines=[line("2"), line("1")], groups=[group(A, 1), group(A, 2)]))
    accepted = group(A, 2, status=GroupStatus.ACCEPTED)
    await write(transactions, change(A, 2, lines=[line("1", picked=1)], groups=[accepted], total=900))
    async with transactions.begin() as books:
        view = await books.records.order(A)
    assert view is not None
    assert (view.version, view.total) == (2, 900)
    assert (view.lines, view.groups) == ([line("2"), line("1", picked=1)], [group(A, 1), accepted])


@pytest.mark.parametrize("sequence", [1, 2])
async def test_a_late_retry_changes_nothing(transactions: Transactions, sequence: int) -> None:
    first, second = change(A), change(A, 2, total=900, events=[entry()])
    await write(transactions, first, second)
    late = (first, second)[sequence - 1].model_copy(update={"groups": [group(A)]})
    assert await write(transactions, late) == [False]
    async with transactions.begin() as books:
        view = await books.records.order(A)
        assert view is not None
        assert (view.total, view.groups) == (900, [])
        assert len(await books.records.timeline(A, after=0, limit=10)) == 1


LATER = after(hours=1)


async def test_what_another_try_wrote_is_told_apart_and_replaced(transactions: Transactions) -> None:
    """The worker died after it had written; the task is done again, and decides something else first."""
    placed = change(A, lines=[line()], groups=[group(A)], events=[entry()])
    accepted = group(A, status=GroupStatus.ACCEPTED)
    died = change(A, 2, groups=[accepted, group(A, 2)], lines=[line("2")], events=[entry(Event.STORE_ACCEPTED)])
    also_died = change(A, 3, events=[entry(Event.PICKED)])
    await write(transactions, placed, died, also_died)
    again = change(A, 2, events=[entry(Event.HOLD_PLACED)], at=LATER)
    with pytest.raises(AnotherTryStands):
        await write(transactions, again)
    assert await positions(transactions, A) == [1000, 2000, 3000], "nothing is changed by the question"
    whole = again.model_copy(update={"instead": True, "lines": [line()], "groups": [group(A)]})
    assert await write(transactions, whole) == [True]
    assert await write(transactions, whole.model_copy(update={"instead": False})) == [False], "and it may be repeated"
    async with transactions.begin() as books:
        view = await books.records.order(A)
        told = [event.entry.event for event in await books.records.timeline(A, after=0, limit=9)]
    assert view is not None
    assert (view.lines, view.groups) == ([line()], [group(A)])
    assert told == [Event.ORDER_PLACED, Event.HOLD_PLACED]
    with pytest.raises(OvertakenTry):
        await write(transactions, died)
    assert await write(transactions, change(A, 3, events=[entry()], at=after(hours=2))) == [True]


async def test_another_try_that_told_the_same_is_no_other(transactions: Transactions) -> None:
    await write(transactions, change(A, events=[entry()]))
    again = entry().model_copy(update={"at": LATER})
    assert await write(transactions, change(A, events=[again], at=LATER)) == [False]
    async with transactions.begin() as books:
        [told] = await books.records.timeline(A, after=0, limit=9)
    assert told.entry.at == PLACED, "it happened when it happened first"


async def test_an_order_that_is_being_placed_is_seen_by_nobody(transactions: Transactions) -> None:
    hidden: dict[str, Any] = {"lines": [line()], "groups": [group(A)], "interventions": [question(A, 1, PLACED)]}
    await write(transactions, change(A, **hidden, status=OrderStatus.NEEDS_ATTENTION, visible=False))
    async with transactions.begin() as books:
        records = books.records
        assert await records.order(A) is None
        assert await records.group(A, 1) is None
        assert await records.find(OrderFilter(), after=None, limit=5) == []
        assert await records.store_groups(STORE, limit=5) == []
        assert await records.interventions(limit=5) == []
        assert (await records.order(A, hidden=True)) is not None
        assert await records.open_orders_of("C-1") == [A], "no customer is erased while they place an order"


async def test_a_forgotten_order_leaves_nothing_and_can_come_again(transactions: Transactions) -> None:
    await write(transactions, change(A, 5, lines=[line()], groups=[group(A)], events=[entry()]))
    async with transactions.begin() as books:
        await books.records.forget(A)
        await books.records.forget(B)
    assert await positions(transactions, A) == []
    assert await write(transactions, change(A)) == [True]
    async with transactions.begin() as books:
        view = await books.records.order(A)
    assert view is not None
    assert (view.lines, view.groups) == ([], [])


async def test_orders_are_found_newest_first_page_by_page(transactions: Transactions) -> None:
    times = {A: PLACED, B: after(seconds=1), C: after(seconds=1), D: after(microseconds=1)}
    await write(transactions, *(change(order_id, placed_at=at) for order_id, at in times.items()))
    seen, position = [], None
    async with transactions.begin() as books:
        while page := await books.records.find(OrderFilter(), after=position, limit=1):
            seen.append(page[0].order_id)
            position = (page[0].placed_at, page[0].order_id)
    assert seen == [C, B, D, A]


async def test_orders_are_found_by_each_of_their_marks(transactions: Transactions) -> None:
    other: dict[str, Any] = {
        "channel": Channel.APP,
        "customer_ref": "C-2",
        "status": OrderStatus.HELD,
        "external_id": "M%1",
    }
    await write(
        transactions,
        change(A, groups=[group(A), group(A, 2, store_id=StoreId("S002"))]),
        change(B, groups=[group(B, store_id=StoreId("S002"))], **other),
        change(C, status=OrderStatus.COMPLETED, customer_ref="C-2"),
    )
    assert await found(transactions, channel="app") == [B]
    assert await found(transactions, external_id="W-oa") == [A]
    assert await found(transactions, customer_ref="C-2") == [C, B]
    assert await found(transactions, status=OrderStatus.HELD) == [B]
    assert await found(transactions, store_id="S002") == [B, A]
    assert await found(transactions, store_id="S002", customer_ref="C-1") == [A]
    assert await found(transactions, text="W-o") == [C, A]
    assert await found(transactions, text="ob") == [B]
    assert await found(transactions, text="M%") == [B]
    assert await found(transactions, text="%") == [], "a wildcard is a letter like any other"
    assert await found(transactions, text="w-o") == []


async def test_a_status_that_changed_is_found_under_the_new_one_only(transactions: Transactions) -> None:
    await write(transactions, change(A), change(A, 2, status=OrderStatus.COMPLETED))
    assert await found(transactions, status=OrderStatus.IN_PROGRESS) == []
    assert await found(transactions, status=OrderStatus.COMPLETED) == [A]


async def test_a_partner_finds_only_what_it_created(transactions: Transactions) -> None:
    await write(transactions, change(A), change(B), change(C))
    async with transactions.begin() as books:
        for order_id, partner in ((A, "market-1"), (B, "market-2")):
            promise = Intake(
                order_id=order_id,
                channel="marketplace",
                external_id=order_id,
                content_hash="0" * 64,
                created_by=partner,
                state=IntakeState.PROMISED,
                promised_at=PLACED,
            )
            await books.intake.promise(promise, b"start")
    assert await found(transactions, created_by="market-1") == [A]
    assert await found(transactions, created_by="nobody") == []


async def test_a_timeline_is_read_in_order_page_by_page(transactions: Transactions) -> None:
    placed, accepted = entry(data=Fact(amount=5)), entry(Event.STORE_ACCEPTED, reason="on time")
    await write(transactions, change(A, events=[placed, entry()]), change(A, 2, events=[accepted]))
    async with transactions.begin() as books:
        first = await books.records.timeline(A, after=0, limit=2)
        rest = await books.records.timeline(A, after=first[-1].position, limit=2)
    assert [event.entry for event in (*first, *rest)] == [placed, entry(), accepted]
    assert [event.position for event in (*first, *rest)] == [1000, 1001, 2000]


async def test_a_milestone_with_thousands_of_events_pushes_none_out(transactions: Transactions) -> None:
    many = [entry(data=Fact(number=number)) for number in range(2500)]
    last = entry(Event.ORDER_COMPLETED)
    await write(transactions, change(A, 1, events=many), change(A, 2, events=[last]), change(A, 9, events=[last]))
    assert await positions(transactions, A) == [*range(1000, 3500), 3500, 9000]
    async with transactions.begin() as books:
        tail = await books.records.timeline(A, after=3498, limit=5)
    assert [event.entry for event in tail] == [many[-1], last, last]


async def test_events_after_the_end_come_last_and_a_later_milestone_after_them(transactions: Transactions) -> None:
    await write(transactions, change(A, 3, events=[entry()]), change(B))
    async with transactions.begin() as books:
        await books.records.append(A, entry(Event.COMMAND_REFUSED))
        await books.records.append(A, entry(Event.COMMAND_REFUSED))
        await books.records.append(B, entry(Event.COMMAND_REFUSED))
    await write(transactions, change(A, 4, events=[entry(Event.ORDER_COMPLETED)]))
    assert await positions(transactions, A) == [3000, 3001, 3002, 4000]
    assert await positions(transactions, B) == [1]


async def test_events_that_are_added_at_the_same_moment_are_all_kept(transactions: Transactions) -> None:
    await write(transactions, change(A, events=[entry()], groups=[group(A)]))

    async def add(number: int) -> None:
        async with transactions.begin() as books:
            if number % 3 == 0:
                await books.records.put_back(A, group(A), entry(Event.PUT_BACK))
            elif number % 3 == 1:
                await books.records.append(A, entry(Event.COMMAND_REFUSED))
            else:
                with suppress(OvertakenTry):  # one with a higher number was quicker
                    await books.records.write(change(A, 1 + number, events=[entry()], groups=[group(A)]))

    await asyncio.gather(*(add(number) for number in range(15)))
    seen = await positions(transactions, A)
    assert seen == sorted(set(seen))
    async with transactions.begin() as books:
        kept = [event.entry.event for event in await books.records.timeline(A, after=0, limit=50)]
    assert (kept.count(Event.PUT_BACK), kept.count(Event.COMMAND_REFUSED)) == (5, 5)


async def test_what_a_store_put_back_leaves_its_list(transactions: Transactions) -> None:
    cancelled = group(A, status=GroupStatus.CANCELLED, put_back={LineId("1"): 1})
    await write(transactions, change(A, groups=[cancelled], status=OrderStatus.CANCELLED))
    done = group(A, status=GroupStatus.CANCELLED)
    async with transactions.begin() as books:
        assert [work.group for work in await books.records.store_groups(STORE, limit=5)] == [cancelled]
        await books.records.put_back(A, done, entry(Event.PUT_BACK))
        assert await books.records.store_groups(STORE, limit=5) == []
        now = await books.records.group(A, 1, locked=True)
    assert now is not None
    assert now.group == done
    assert await positions(transactions, A) == [1]


async def test_a_group_put_back_is_listed_by_the_status_it_then_has(transactions: Transactions) -> None:
    await write(transactions, change(A, groups=[group(A, status=GroupStatus.READY)]))
    async with transactions.begin() as books:
        await books.records.put_back(A, group(A, status=GroupStatus.EXPIRED), entry(Event.PUT_BACK))
        assert await books.records.store_groups(STORE, limit=5) == []


async def test_a_store_sees_its_work_by_promised_time(transactions: Transactions) -> None:
    soon, later = after(hours=1), after(hours=2)
    await write(
        transactions,
        change(A, groups=[group(A, 2, status=GroupStatus.READY), group(A, 1)]),
        change(B, groups=[group(B, promised_ready_at=later, status=GroupStatus.PICKING)], lines=[line()]),
        change(C, groups=[group(C, promised_ready_at=soon), group(C, 2, store_id=StoreId("S002"))]),
        change(D, groups=[group(D, 1, status=GroupStatus.COLLECTED), group(D, 2, status=GroupStatus.WAITING)]),
    )
    async with transactions.begin() as books:
        work = await books.records.store_groups(STORE, limit=10)
        assert await books.records.store_groups(STORE, limit=2) == work[:2]
        assert await books.records.group(B, 1) == work[1]
        assert await books.records.group(B, 2) is None
    assert [(each.order_id, each.group.n) for each in work] == [(C, 1), (B, 1), (A, 1), (A, 2)]
    picking = work[1]
    assert (picking.external_id, picking.version, picking.lines) == ("W-ob", 1, [line()])


async def test_a_store_has_work_in_an_order_that_names_it(transactions: Transactions) -> None:
    await write(transactions, change(A, groups=[group(A, status=GroupStatus.COLLECTED)]))
    async with transactions.begin() as books:
        assert await books.records.has_work_at(A, STORE)
        assert not await books.records.has_work_at(A, StoreId("S002"))
        assert not await books.records.has_work_at(B, STORE)


async def test_who_waits_longest_for_stock_comes_first(transactions: Transactions) -> None:
    def waiting(order_id: OrderId, minutes: float, placed: float) -> OrderChange:
        wait = stock_wait(1, after(minutes=minutes))
        stands = group(order_id, status=GroupStatus.WAITING)
        return change(order_id, lines=[line()], groups=[stands], waiting_for=[wait], placed_at=after(minutes=placed))

    await write(transactions, waiting(A, 3, 0), waiting(B, 1, 1), waiting(C, 2.5, 2))
    async with transactions.begin() as books:
        assert await books.records.waiting_for_stock("SKU-1", STORE) == [(B, 1), (C, 1), (A, 1)]
        assert await books.records.waiting_for_stock("SKU-1", StoreId("S002")) == []
        assert await books.records.waiting_for_stock("SKU-2", STORE) == []


async def test_everybody_who_waits_for_stock_is_found_with_all_that_they_need(transactions: Transactions) -> None:
    stands: dict[str, Any] = {"status": GroupStatus.WAITING}
    lines = [line("1", "SKU-1"), line("2", "SKU-2"), line("3", "SKU-1")]
    units = {"1": {"open": 2, "handed_over": 1}, "2": {"open": 1}, "3": {"open": 3}}
    whole = group(A, lines=["1", "2", "3"], units=units, **stands)
    chooses = group(A, 2, lines=["1"], **stands)
    await write(
        transactions,
        change(A, lines=lines, groups=[whole, chooses], waiting_for=[stock_wait(1, after(minutes=5))]),
        change(B, lines=[line()], groups=[group(B, **stands)], waiting_for=[stock_wait(1, after(minutes=1))]),
        change(C, lines=[line()], groups=[group(C, **stands)], waiting_for=[stock_wait(1, after(minutes=5))]),
        change(D, lines=[line()], groups=[group(D)]),
    )
    async with transactions.begin() as books:
        found = await books.records.stock_waits(after=None, limit=9)
        assert [(each.order_id, each.n, each.since) for each in found] == [
            (B, 1, after(minutes=1)),
            (A, 1, after(minutes=5)),
            (C, 1, after(minutes=5)),
        ]
        assert (found[1].wanted, found[1].store_id, found[1].channel) == ({"SKU-1": 5, "SKU-2": 1}, STORE, "web")
        assert await books.records.stock_waits(after=None, limit=1) == found[:1]
        assert await books.records.stock_waits(after=(found[1].since, A, 1), limit=9) == found[2:]


async def test_only_the_group_that_has_the_sku_waits_for_it(transactions: Transactions) -> None:
    stands: dict[str, Any] = {"status": GroupStatus.WAITING}
    groups = [group(A, 1, lines=["1", "3"], **stands), group(A, 2, lines=["2"], **stands)]
    lines = [line("1", "SKU-1"), line("2", "SKU-2"), line("3", "SKU-1")]
    choosing = change(B, lines=[line()], groups=[group(B, **stands)])
    waits = [stock_wait(1, PLACED), stock_wait(2, PLACED)]
    await write(transactions, change(A, lines=lines, groups=groups, waiting_for=waits), choosing)
    async with transactions.begin() as books:
        assert await books.records.waiting_for_stock("SKU-1", STORE) == [(A, 1)]
        assert await books.records.waiting_for_stock("SKU-2", STORE) == [(A, 2)]


async def test_a_kit_waits_for_and_holds_pieces_of_its_components(transactions: Transactions) -> None:
    parts = [{"sku": "LAMP", "quantity": 1, "share": 60}, {"sku": "BULB", "quantity": 3, "share": 40}]
    kit = line("1", "SET").model_copy(update={"components": [ComponentView.model_validate(part) for part in parts]})
    waits = group(A, lines=["1"], units={"1": {"open": 2}}, status=GroupStatus.WAITING)
    picked = group(B, lines=["1", "2"], units={"1": {"picked": 2}, "2": {"ready": 1}}, status=GroupStatus.PICKING)
    await write(
        transactions,
        change(A, lines=[kit], groups=[waits], waiting_for=[stock_wait(1, PLACED)]),
        change(B, lines=[kit, line("2", "BULB")], groups=[picked]),
    )
    async with transactions.begin() as books:
        [wait] = await books.records.stock_waits(after=None, limit=9)
        assert wait.wanted == {"LAMP": 2, "BULB": 6}
        assert await books.records.waiting_for_stock("BULB", STORE) == [(A, 1)]
        assert await books.records.waiting_for_stock("SET-OF-OTHERS", STORE) == []
        assert await books.records.picked_at(Sku("BULB"), STORE) == {B: 7}
        assert await books.records.picked_at(Sku("LAMP"), STORE) == {B: 2}


async def test_units_that_no_place_can_serve_wait_for_stock_anywhere(transactions: Transactions) -> None:
    queued = group(A, kind="shipment", mode=None, store_id=None, status=GroupStatus.QUEUED)
    wait = stock_wait(1, PLACED).model_copy(update={"id": "sourcing/1"})
    await write(transactions, change(A, lines=[line()], groups=[queued], waiting_for=[wait]))
    async with transactions.begin() as books:
        for store in (STORE, StoreId("S002")):
            assert await books.records.waiting_for_stock("SKU-1", store) == [(A, 1)]
        assert await books.records.waiting_for_stock("SKU-2", STORE) == []
        kept = await books.records.group(A, 1)
        assert kept is not None
        assert (kept.group.store_id, kept.group.kind) == (None, "shipment")


async def test_packed_shipments_are_work_and_shipped_ones_are_not(transactions: Transactions) -> None:
    packed, gone = (
        group(order_id, kind="shipment", mode=None, status=status)
        for order_id, status in ((A, GroupStatus.PACKED), (B, GroupStatus.SHIPPED))
    )
    await write(transactions, change(A, lines=[line()], groups=[packed]), change(B, lines=[line()], groups=[gone]))
    async with transactions.begin() as books:
        assert [each.order_id for each in await books.records.store_groups(STORE, limit=9)] == [A]


async def test_unpicked_units_of_an_article_are_found_in_all_orders_of_a_place(transactions: Transactions) -> None:
    lines = [line("1", "SKU-1"), line("2", "SKU-2"), line("3", "SKU-1")]
    units = {"1": {"allocated": 2, "picked": 1}, "2": {"allocated": 1}, "3": {"picked": 3}}
    await write(
        transactions,
        change(A, lines=lines, groups=[group(A, lines=["1", "2", "3"], units=units)]),
        change(B, lines=[line()], groups=[group(B, units={"1": {"allocated": 1}}, status=GroupStatus.PICKING)]),
        change(C, lines=[line()], groups=[group(C, units={"1": {"allocated": 1}}, store_id=StoreId("S002"))]),
        change(D, lines=[line()], groups=[group(D, units={"1": {"open": 1}}, status=GroupStatus.WAITING)]),
    )
    async with transactions.begin() as books:
        unpicked = await books.records.unpicked_at(Sku("SKU-1"), STORE)
    assert [(each.order_id, each.n, each.line_id, each.quantity) for each in unpicked] == [
        (A, 1, "1", 2),
        (B, 1, "1", 1),
    ]


async def test_the_question_that_waits_longest_for_a_person_comes_first(transactions: Transactions) -> None:
    asked = {
        A: [question(A, 1, after(minutes=1)), question(A, 2, after(minutes=4))],
        B: [question(B, 1, after(minutes=2)), question(B, 2, after(minutes=2) + timedelta(microseconds=5))],
    }
    status = OrderStatus.NEEDS_ATTENTION
    await write(
        transactions, *(change(order_id, interventions=each, status=status) for order_id, each in asked.items())
    )
    async with transactions.begin() as books:
        waiting = await books.records.interventions(limit=10)
        assert [each.intervention_id for each in waiting] == ["oa-1", "ob-1", "ob-2", "oa-2"]
        assert await books.records.interventions(limit=1) == waiting[:1]
        assert await books.records.intervention("ob-1") == waiting[1]
        assert await books.records.intervention("ob-9") is None
        assert await books.records.intervention("nothing") is None


async def test_the_open_orders_of_a_customer_are_those_that_have_not_ended(transactions: Transactions) -> None:
    await write(
        transactions,
        change(B),
        change(A, status=OrderStatus.HELD),
        change(C, status=OrderStatus.CANCELLED),
        change(D, customer_ref="C-2"),
    )
    async with transactions.begin() as books:
        assert await books.records.open_orders_of("C-1") == [A, B]
        assert await books.records.open_orders_of("C-3") == []

"""What every inventory promises, asked of each implementation in the same words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.inventory.port import (
    Allocate,
    BufferRule,
    Consume,
    Extend,
    Inventory,
    KeyConflict,
    NotEnoughOnHand,
    NotHeld,
    OutOfStock,
    Release,
    Reserve,
    StockMovement,
    Variance,
)
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.stock import MovementKind, RejectReason, StockEffect, StockLevel, StockLine

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
ORDER = OrderId("o1")


def key(name: str) -> OperationKey:
    return OperationKey(name)


def line(line_id: str = "1", quantity: int = 1, sku: str = "A", location: str = "S1") -> StockLine:
    return StockLine(line_id=LineId(line_id), sku=Sku(sku), location_id=StoreId(location), quantity=quantity)


def reserve(name: str, *lines: StockLine, **more: Any) -> Reserve:
    return Reserve(**{"key": key(name), "at": AT, "order_id": ORDER, "lines": lines, "expires_at": LATER, **more})


def allocate(name: str, *lines: StockLine) -> Allocate:
    return Allocate(key=key(name), at=AT, order_id=ORDER, lines=lines)


def release(name: str, *lines: StockLine, reason: str = "cancelled") -> Release:
    return Release(key=key(name), at=AT, order_id=ORDER, lines=lines, reason=reason)


def consume(name: str, *lines: StockLine, late: bool = False) -> Consume:
    return Consume(key=key(name), at=AT, order_id=ORDER, lines=lines, late=late)


def movement(name: str, kind: MovementKind, quantity: int, sku: str = "A", location: str = "S1") -> StockMovement:
    return StockMovement.model_validate(
        {"key": name, "at": AT, "kind": kind, "sku": sku, "location_id": location, "quantity": quantity}
    )


def variance(name: str, effect: StockEffect, quantity: int = 1, **more: Any) -> Variance:
    return Variance(
        key=key(name),
        at=AT,
        order_id=ORDER,
        sku=Sku("A"),
        location_id=StoreId("S1"),
        quantity=quantity,
        effect=effect,
        reason=RejectReason.NOT_IN_STOCK,
        **more,
    )


async def stock(inventory: Inventory, quantity: int, sku: str = "A", location: str = "S1") -> None:
    await inventory.move(movement(f"stock-{sku}-{location}", MovementKind.RECEIPT, quantity, sku, location))


async def level(inventory: Inventory, sku: str = "A", location: str = "S1", channel: str | None = None) -> StockLevel:
    (found,) = await inventory.levels([Sku(sku)], [StoreId(location)], channel)
    return found


async def numbers(inventory: Inventory, sku: str = "A", location: str = "S1") -> tuple[int, int, int, int]:
    """On hand, allocated, reserved, set aside."""
    now = await level(inventory, sku, location)
    return (now.on_hand, now.allocated, now.reserved, now.set_aside)


async def test_a_reservation_lowers_what_is_available_and_not_what_is_on_hand(inventory: Inventory) -> None:
    await stock(inventory, 5)
    answer = await inventory.reserve(reserve("r", line(quantity=2)))
    assert answer.lines == (line(quantity=2),)
    assert await numbers(inventory) == (5, 0, 2, 0)
    assert (await level(inventory)).available == 3


async def test_two_lines_of_one_sku_are_checked_as_one_sum(inventory: Inventory) -> None:
    await stock(inventory, 5)
    with pytest.raises(OutOfStock) as refused:
        await inventory.reserve(reserve("r", line("1", 3), line("2", 3)))
    assert refused.value.shortfalls == [("A", "S1", 6, 5)]
    assert await numbers(inventory) == (5, 0, 0, 0)


async def test_an_order_is_reserved_whole_or_not_at_all(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await stock(inventory, 1, sku="B")
    with pytest.raises(OutOfStock) as refused:
        await inventory.reserve(reserve("r", line("1", 2), line("2", 2, sku="B"), line("3", 1, sku="never-stocked")))
    assert refused.value.shortfalls == [("B", "S1", 2, 1), ("never-stocked", "S1", 1, 0)]
    assert await numbers(inventory) == (5, 0, 0, 0)
    assert await inventory.holdings(ORDER) == []


async def test_a_refusal_leaves_the_inventory_usable_and_its_key_free(inventory: Inventory) -> None:
    with pytest.raises(OutOfStock):
        await inventory.reserve(reserve("r", line()))
    await stock(inventory, 1)
    await inventory.reserve(reserve("r", line()))
    assert await numbers(inventory) == (1, 0, 1, 0)


async def test_the_order_of_a_requests_lines_does_not_matter(inventory: Inventory) -> None:
    await stock(inventory, 5)
    first = await inventory.reserve(reserve("r", line("1"), line("2")))
    assert await inventory.reserve(reserve("r", line("2"), line("1"))) == first


@pytest.mark.parametrize("command", ["reserve", "allocate_directly"])
async def test_a_repeated_key_takes_units_once_and_answers_as_before(inventory: Inventory, command: str) -> None:
    await stock(inventory, 2)
    do = getattr(inventory, command)
    first = await do(reserve("r", line(quantity=2)))
    again = await do(reserve("r", line(quantity=2), at=LATER, expires_at=LATER + timedelta(hours=1)))
    assert again == first
    assert (await level(inventory)).available == 0
    assert len(await inventory.ledger(order_id=ORDER)) == 1


async def test_one_key_for_two_wishes_is_a_conflict(inventory: Inventory) -> None:
    await stock(inventory, 9)
    await inventory.reserve(reserve("k", line()))
    for other in (
        inventory.reserve(reserve("k", line(quantity=2))),
        inventory.reserve(reserve("k", line(), order_id="o2")),
        inventory.allocate_directly(reserve("k", line())),
        inventory.allocate(allocate("k", line())),
        inventory.release(release("k", line())),
        inventory.expire(ORDER, key("k"), LATER),
        inventory.move(movement("k", MovementKind.RECEIPT, 1)),
        inventory.record_variance(variance("k", StockEffect.ZERO)),
    ):
        with pytest.raises(KeyConflict):
            await other
    assert await numbers(inventory) == (9, 0, 1, 0)


async def test_allocation_keeps_the_units_and_ends_their_deadline(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await inventory.reserve(reserve("r", line(quantity=2)))
    await inventory.allocate(allocate("a", line(quantity=2)))
    assert await numbers(inventory) == (3, 2, 0, 0)
    assert (await inventory.expire(ORDER, key("e"), LATER)).lines == ()
    assert await numbers(inventory) == (3, 2, 0, 0)


async def test_allocating_what_is_allocated_changes_nothing(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await inventory.reserve(reserve("r", line(quantity=2)))
    await inventory.allocate(allocate("a", line(quantity=2)))
    await inventory.allocate(allocate("a", line(quantity=2)))
    await inventory.allocate(allocate("b", line(quantity=2)))
    assert await numbers(inventory) == (3, 2, 0, 0)


async def test_what_expired_cannot_be_allocated(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await inventory.reserve(reserve("r", line(quantity=2)))
    await inventory.expire(ORDER, key("e"), LATER)
    with pytest.raises(NotHeld) as refused:
        await inventory.allocate(allocate("a", line(quantity=2)))
    assert refused.value.missing == [("A", "S1", 2, 0)]
    assert await numbers(inventory) == (3, 0, 0, 0)


async def test_a_move_to_another_store_allocates_in_one_step(inventory: Inventory) -> None:
    await stock(inventory, 3, location="S2")
    await inventory.allocate_directly(reserve("m", line(quantity=2, location="S2"), expires_at=None))
    assert await numbers(inventory, location="S2") == (3, 2, 0, 0)


async def test_a_reservation_expires_at_its_deadline_and_not_before(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await inventory.reserve(reserve("r", line(quantity=2)))
    assert (await inventory.expire(ORDER, key("e"), LATER - timedelta(seconds=1))).lines == ()
    assert await numbers(inventory) == (3, 0, 2, 0)
    freed = await inventory.expire(ORDER, key("e"), LATER)
    assert freed.lines == (line(quantity=2),)
    assert await inventory.expire(ORDER, key("e"), LATER) == freed
    assert (await inventory.expire(ORDER, key("e2"), LATER)).lines == ()
    assert await numbers(inventory) == (3, 0, 0, 0)


async def test_activity_moves_the_deadline(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await inventory.reserve(reserve("r", line(quantity=2)))
    wish = Extend(key=key("x"), at=AT, order_id=ORDER, expires_at=LATER + timedelta(hours=1))
    extended = await inventory.extend(wish)
    assert (extended.lines, extended.expires_at) == ((line(quantity=2),), LATER + timedelta(hours=1))
    assert await inventory.extend(wish) == extended
    assert (await inventory.expire(ORDER, key("e"), LATER)).lines == ()
    assert (await inventory.expire(ORDER, key("e"), LATER + timedelta(hours=1))).lines == (line(quantity=2),)


async def test_a_reservation_without_a_deadline_never_expires(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await inventory.reserve(reserve("r", line(), expires_at=None))
    assert (await inventory.expire(ORDER, key("e"), datetime(2999, 1, 1, tzinfo=UTC))).lines == ()


async def test_releasing_twice_frees_the_units_once(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await inventory.reserve(reserve("r", line(quantity=2)))
    first = await inventory.release(release("f", line(quantity=2)))
    assert first.lines == (line(quantity=2),)
    assert await inventory.release(release("f", line(quantity=2))) == first
    assert (await inventory.release(release("g", line(quantity=2)))).lines == ()
    assert await numbers(inventory) == (3, 0, 0, 0)


async def test_a_release_frees_reserved_and_allocated_units_alike(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("a", line(quantity=2)))
    await inventory.reserve(reserve("r", line(quantity=2)))
    freed = await inventory.release(release("f", line(quantity=3)))
    assert freed.lines == (line(quantity=3),)
    assert await numbers(inventory) == (5, 1, 0, 0)


async def test_one_order_cannot_free_anothers_units(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.reserve(reserve("r", line(quantity=2), order_id="other"))
    assert (await inventory.release(release("f", line(quantity=2)))).lines == ()
    assert await numbers(inventory) == (5, 0, 2, 0)


async def test_picked_units_of_a_cancelled_order_are_sellable_only_once_put_back(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("a", line(quantity=3)))
    aside = await inventory.set_aside(release("s", line(quantity=3)))
    assert aside.lines == (line(quantity=3),)
    assert await numbers(inventory) == (5, 0, 0, 3)
    assert (await level(inventory)).available == 2
    assert (await inventory.put_back(release("p", line(quantity=2)))).lines == (line(quantity=2),)
    assert await numbers(inventory) == (5, 0, 0, 1)
    assert (await inventory.put_back(release("q", line(quantity=2)))).lines == (line(quantity=1),)
    assert (await level(inventory)).available == 5


async def test_a_hand_over_takes_the_goods_out_of_the_building_once(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("a", line(quantity=3)))
    await inventory.consume(consume("c", line(quantity=2)))
    await inventory.consume(consume("c", line(quantity=2)))
    assert await numbers(inventory) == (3, 1, 0, 0)


async def test_more_than_is_allocated_cannot_be_handed_over(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("a", line("1", 2), line("2", 1)))
    with pytest.raises(NotHeld) as refused:
        await inventory.consume(consume("c", line("1", 1), line("2", 2), line("3", 1)))
    assert refused.value.missing == [("A", "S1", 2, 1), ("A", "S1", 1, 0)]
    assert await numbers(inventory) == (5, 3, 0, 0)


async def test_a_hand_over_known_late_wins_over_the_put_back_that_waits(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("a", line(quantity=3)))
    await inventory.set_aside(release("s", line(quantity=2)))
    with pytest.raises(NotHeld):
        await inventory.consume(consume("c", line(quantity=3)))
    await inventory.consume(consume("c", line(quantity=3), late=True))
    assert await numbers(inventory) == (2, 0, 0, 0)


async def test_handing_over_more_than_was_counted_leaves_zero_on_hand(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("a", line("1", 2), line("2", 2)))
    await inventory.move(movement("count", MovementKind.COUNT, 3))
    assert (await level(inventory)).shortfall == 1
    await inventory.consume(consume("c", line("1", 2), line("2", 2)))
    assert await numbers(inventory) == (0, 0, 0, 0)


async def test_an_undone_hand_over_brings_the_goods_back_at_most_once(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("a", line(quantity=3)))
    await inventory.consume(consume("c", line(quantity=3)))
    assert (await inventory.take_back(release("t", line(quantity=2)))).lines == (line(quantity=2),)
    assert (await inventory.take_back(release("u", line(quantity=2)))).lines == (line(quantity=1),)
    assert (await level(inventory)).available == 5


async def test_a_count_below_what_is_promised_shows_zero_and_the_shortfall(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.allocate_directly(reserve("a", line(quantity=4)))
    counted = await inventory.move(movement("count", MovementKind.COUNT, 1))
    assert (counted.on_hand, counted.available, counted.shortfall) == (1, 0, 3)
    with pytest.raises(OutOfStock) as refused:
        await inventory.reserve(reserve("r", line()))
    assert refused.value.shortfalls == [("A", "S1", 1, 0)]


async def test_movements_answer_the_new_level_and_count_once(inventory: Inventory) -> None:
    assert (await inventory.move(movement("1", MovementKind.RECEIPT, 5))).on_hand == 5
    assert (await inventory.move(movement("2", MovementKind.ADJUSTMENT, -2))).on_hand == 3
    assert (await inventory.move(movement("3", MovementKind.WRITE_OFF, 1))).on_hand == 2
    assert (await inventory.move(movement("4", MovementKind.COUNT, 9))).on_hand == 9
    assert (await inventory.move(movement("1", MovementKind.RECEIPT, 5))).on_hand == 5
    assert await numbers(inventory) == (9, 0, 0, 0)


@pytest.mark.parametrize("kind", [MovementKind.ADJUSTMENT, MovementKind.WRITE_OFF])
async def test_no_movement_takes_more_than_is_on_hand(inventory: Inventory, kind: MovementKind) -> None:
    await stock(inventory, 2)
    with pytest.raises(NotEnoughOnHand):
        await inventory.move(movement("m", kind, 3 if kind is MovementKind.WRITE_OFF else -3))
    assert await numbers(inventory) == (2, 0, 0, 0)


async def test_a_refused_movement_opens_no_level(inventory: Inventory) -> None:
    with pytest.raises(NotEnoughOnHand):
        await inventory.move(movement("m", MovementKind.WRITE_OFF, 1))
    assert await inventory.levels(None, None) == []


@pytest.mark.parametrize(
    ("effect", "touch", "on_hand", "available"),
    [
        (StockEffect.ZERO, True, 0, 0),
        (StockEffect.ZERO, False, 10, 0),
        (StockEffect.MINUS, True, 8, 7),
        (StockEffect.MINUS, False, 10, 7),
        (StockEffect.ATP_ONLY, True, 10, 7),
        (StockEffect.NONE, True, 10, 9),
    ],
)
async def test_a_rejection_has_its_stock_effect_once(
    inventory: Inventory, effect: StockEffect, touch: bool, on_hand: int, available: int
) -> None:
    await stock(inventory, 10)
    await inventory.reserve(reserve("r", line(), order_id="other"))
    for _ in range(2):
        await inventory.record_variance(variance("v", effect, 2, touch_on_hand=touch))
    now = await level(inventory)
    assert (now.on_hand, now.available) == (on_hand, available)


async def test_the_narrowest_buffer_rule_applies_and_sku_counts_before_place_before_channel(
    inventory: Inventory,
) -> None:
    await stock(inventory, 10)
    seen = []
    for rule in (
        BufferRule(quantity=1),
        BufferRule(channel="web", quantity=2),
        BufferRule(location_id=StoreId("S1"), quantity=3),
        BufferRule(sku=Sku("A"), quantity=4),
        BufferRule(sku=Sku("A"), channel="web", quantity=5),
        BufferRule(sku=Sku("A"), location_id=StoreId("S1"), quantity=6),
        BufferRule(sku=Sku("A"), location_id=StoreId("S1"), channel="web", quantity=7),
        BufferRule(sku=Sku("A"), location_id=StoreId("S1"), channel="web", quantity=0),
    ):
        await inventory.set_buffer(rule)
        web, any_channel = await level(inventory, channel="web"), await level(inventory)
        seen.append((web.available, any_channel.available))
    assert seen == [(9, 9), (8, 9), (7, 7), (6, 6), (5, 6), (4, 4), (3, 4), (10, 4)]


async def test_a_buffer_of_one_channel_does_not_bind_another(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await inventory.set_buffer(BufferRule(sku=Sku("A"), channel="marketplace", quantity=2))
    with pytest.raises(OutOfStock) as refused:
        await inventory.reserve(reserve("r", line(quantity=2), channel="marketplace"))
    assert refused.value.shortfalls == [("A", "S1", 2, 1)]
    await inventory.reserve(reserve("r", line(quantity=3), channel="web"))
    assert await numbers(inventory) == (3, 0, 3, 0)


async def test_availability_answers_every_pair_that_was_asked(inventory: Inventory) -> None:
    await stock(inventory, 3)
    await stock(inventory, 2, sku="B", location="S2")
    await inventory.set_buffer(BufferRule(sku=Sku("B"), quantity=5))
    found = await inventory.availability([Sku("B"), Sku("A"), Sku("A")], [StoreId("S1"), StoreId("S2")])
    assert found == [("A", "S1", 3), ("A", "S2", 0), ("B", "S1", 0), ("B", "S2", 0)]


async def test_levels_are_listed_in_pages(inventory: Inventory) -> None:
    for sku in ("C", "A", "B"):
        await stock(inventory, 1, sku=sku)
    await stock(inventory, 1, location="S2")
    first = await inventory.levels(None, [StoreId("S1")], limit=2)
    assert [each.sku for each in first] == ["A", "B"]
    rest = await inventory.levels(None, [StoreId("S1")], after=(first[-1].sku, first[-1].store_id), limit=2)
    assert [each.sku for each in rest] == ["C"]
    assert [each.store_id for each in await inventory.levels([Sku("A")], None)] == ["S1", "S2"]


async def test_the_ledger_tells_the_story_of_the_order_in_pages(inventory: Inventory) -> None:
    await stock(inventory, 5)
    await inventory.reserve(reserve("r", line(quantity=2)))
    await inventory.allocate(allocate("a", line(quantity=2)))
    await inventory.set_aside(release("s", line(), reason="expired"))
    await inventory.consume(consume("c", line()))
    story = await inventory.ledger(order_id=ORDER)
    assert [(m.kind, m.on_hand, m.allocated, m.reserved, m.set_aside) for m in story] == [
        ("reservation", 0, 0, 2, 0),
        ("allocation", 0, 2, -2, 0),
        ("set_aside", 0, -1, 0, 1),
        ("handed_over", -1, -1, 0, 0),
    ]
    assert [(m.key, m.line_id, m.reason, m.at) for m in story[2:3]] == [("s", "1", "expired", AT)]
    assert await inventory.ledger(Sku("A"), StoreId("S1"), after=story[1].id, limit=1) == story[2:3]
    assert await inventory.ledger(Sku("B"), StoreId("S1")) == []


async def test_the_rows_of_one_command_stand_in_the_ledger_by_line(inventory: Inventory) -> None:
    for sku in ("A", "B"):
        await stock(inventory, 5, sku=sku)
    lines = [line("2", sku="A"), line("1", sku="B"), line("3", sku="A")]
    await inventory.allocate_directly(reserve("r", *lines))
    await inventory.consume(consume("c", *lines))
    assert [m.line_id for m in await inventory.ledger(order_id=ORDER)] == ["1", "2", "3"] * 2


async def test_an_orders_holdings_say_where_each_unit_ended(inventory: Inventory) -> None:
    await stock(inventory, 9)
    await inventory.reserve(reserve("r", line(quantity=6)))
    await inventory.allocate(allocate("a", line(quantity=4)))
    await inventory.consume(consume("c", line(quantity=1)))
    await inventory.set_aside(release("s", line(quantity=1)))
    await inventory.expire(ORDER, key("e"), LATER)
    (held,) = await inventory.holdings(ORDER)
    assert (held.taken, held.allocated, held.set_aside, held.consumed, held.expired) == (6, 2, 1, 1, 2)


async def test_a_movement_with_the_wrong_sign_is_refused_before_it_is_sent() -> None:
    for kind, quantity in ((MovementKind.RECEIPT, 0), (MovementKind.WRITE_OFF, -1), (MovementKind.COUNT, -1)):
        with pytest.raises(ValueError, match="positive quantity"):
            movement("m", kind, quantity)

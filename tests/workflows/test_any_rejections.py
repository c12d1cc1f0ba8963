"""Whatever places decline, in whatever order: each unit is shipped, sent to its store, cancelled or in a named queue;
stock and capacity are where they were, save what left; captures add up to the cent."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from domain.carriage import ParcelStatus
from domain.groups import GroupStatus
from domain.ids import LineId
from domain.sourcing.rules import UNFILLABLE
from domain.stock import RejectReason
from domain.views import GroupView, OrderView
from tests.workflows.shop import Shop
from tests.workflows.watched import WatchedOrder
from tests.workflows.working import OpenShop

pytestmark = [pytest.mark.stack, pytest.mark.slow]

G = GroupStatus
UNEVEN = 3331
"""A price that no number of units divides."""
LOOKED_FOR = (G.WAITING, G.QUEUED)
AT_PLACE = (G.OFFERED, G.ACCEPTED, G.PICKING, G.PACKED)
WITHOUT_EFFECT = st.sampled_from((RejectReason.CLOSED, RejectReason.NO_VARIANCE))
"""Reasons that leave the count of the stock as it is."""

declines = st.tuples(st.just("decline"), WITHOUT_EFFECT, st.integers(0, 3))
ships = st.tuples(st.just("ship"), WITHOUT_EFFECT, st.integers(0, 3))
acts = st.lists(st.one_of(declines, declines, ships), max_size=7)


def rests(group: GroupView) -> bool:
    """Nobody is looking for a place for it at this moment."""
    return group.status not in LOOKED_FOR or group.queue == UNFILLABLE


class Played:
    """One order of so many units at an uneven price."""

    def __init__(self, shop: Shop, order: WatchedOrder, quantity: int):
        self.shop, self.order, self.quantity = shop, order, quantity

    @classmethod
    async def placed(cls, shop: Shop, quantity: int, discount: int) -> "Played":
        line = {"line_id": "1", "sku": shop.sku, "quantity": quantity, "unit_price": UNEVEN, "discount": discount}
        total = quantity * UNEVEN - discount
        tenders = [{"type": "card", "amount": total, "token": "tok_ok"}]
        order = await shop.place_to_ship(
            quantity, lines=[line | {"fulfilment": "f1"}], total=total, tenders=tenders, prices_include_tax=True
        )
        return cls(shop, order, quantity)

    async def settled(self) -> OrderView:
        return await self.order.until(lambda view: all(rests(group) for group in view.groups))

    async def until_nothing_moves(self, steps: list[tuple[str, RejectReason, int]]) -> OrderView:
        """Each place that has work does the next thing; when nothing is left to say, it ships."""
        waiting = list(steps)
        while True:
            view = await self.settled()
            group = next((each for each in view.groups if each.status in AT_PLACE), None)
            if group is None:
                return view
            verb, reason, units = waiting.pop(0) if waiting else ("ship", RejectReason.CLOSED, 0)
            await self.act(group, verb, reason, units)

    async def act(self, group: GroupView, verb: str, reason: RejectReason, units: int) -> None:
        """`units` of it, or all when it is 0 or more than there are."""
        owed = sum(line.quantity for line in group.lines)
        part = units if 0 < units < owed else owed
        if verb == "decline" and group.status is not G.PACKED:
            some = {LineId("1"): part} if part < owed else None
            await self.order.reject(reason, n=group.n, lines=some)
            return
        if group.status is not G.PACKED:
            await self.order.make_packed(owed, n=group.n)
        await self.order.ship(part, n=group.n)

    async def ends(self, view: OrderView) -> OrderView:
        """Carriers bring what left; what no place has is cancelled."""
        for group in view.groups:
            for parcel in group.parcels:
                await self.order.carrier_says(parcel, ParcelStatus.DELIVERED)
        if any(group.status is G.QUEUED for group in view.groups):
            await self.order.cancel()
        return await self.order.ended()


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    stock=st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)),
    quantity=st.integers(1, 6),
    discount=st.integers(0, 7),
    steps=acts,
)
async def test_any_sequence_of_rejections_ends_well(
    open_shop: OpenShop,
    stock: tuple[int, int, int],
    quantity: int,
    discount: int,
    steps: list[tuple[str, RejectReason, int]],
) -> None:
    assume(sum(stock) >= quantity)
    shop = await open_shop(s1=stock[0], s2=stock[1], s3=stock[2])
    played = await Played.placed(shop, quantity, discount)
    view = await played.until_nothing_moves(steps)
    for group in view.groups:
        assert group.status in (G.SHIPPED, G.REJECTED, G.QUEUED), group
        assert (group.queue == UNFILLABLE) == (group.status is G.QUEUED), "what waits is in a queue that has a name"
    [line] = view.lines
    assert line.open + line.shipped == quantity
    view = await played.ends(view)
    [line] = view.lines
    assert line.delivered + line.cancelled == quantity
    await left_only_what_was_shipped(shop, stock, view)
    await is_charged_to_the_cent(played, view)


async def left_only_what_was_shipped(shop: Shop, stock: tuple[int, ...], view: OrderView) -> None:
    left, parcels = Counter[str](), Counter[str]()
    for group in view.groups:
        if group.parcels:
            assert group.store_id is not None
            parcels[group.store_id] += 1
            left[group.store_id] += sum(sum(parcel.lines.values()) for parcel in group.parcels)
    there = {number: stock[number - 1] - left[shop.store(number)] for number in range(1, len(stock) + 1)}
    # A store that had nothing has no level of the article.
    assert await shop.on_hand() == {number: units for number, units in there.items() if stock[number - 1]}
    today = datetime.now(ZoneInfo(shop.hours.zone)).date()
    async with shop.transactions.begin() as books:
        used = await books.capacity.used({shop.store(number): today for number in there})
    assert {place: each.open for place, each in used.items()} == dict.fromkeys(used, 0), "capacity is still held"
    assert {place: each.today for place, each in used.items() if each.today} == dict(parcels)


async def is_charged_to_the_cent(played: Played, view: OrderView) -> None:
    [line] = view.lines
    captured = [int(entry.split()[1]) for entry in await played.order.money() if entry.startswith("capture")]
    assert len(captured) == sum(len(group.parcels) for group in view.groups)
    assert sum(captured) == view.payment.captured
    if line.delivered == line.ordered:
        assert sum(captured) == line.total
    else:
        assert abs(sum(captured) - line.total * line.delivered / line.ordered) < 1, "not a cent beyond its share"


@pytest.mark.parametrize("declined", [0, 1, 2])
async def test_what_is_sent_to_a_store_arrives_or_waits_in_a_named_queue(open_shop: OpenShop, declined: int) -> None:
    shop = await open_shop(s1=0, s2=2, s3=2)
    fulfilment = {"id": "f1", "method": "ship_to_store", "store_id": shop.store()}
    order = await shop.place(2, fulfilments=[fulfilment])
    for n in range(1, declined + 1):
        await order.until(lambda view, n=n: view.groups[n - 1].status is G.REQUESTED)  # type: ignore[misc]
        await order.reject(RejectReason.CLOSED, n=n)
    last = declined + 1
    if declined < 2:
        await order.until(lambda view: len(view.groups) == last and view.groups[-1].status is G.REQUESTED)
        await order.make_packed(2, n=last)
        await order.ship(n=last)
        await order.arrive(n=last)
        await order.stage(n=last)
        await order.hand_over(n=last)
        assert (await order.ended()).payment.captured == order.terms.total
        assert sum((await shop.on_hand()).values()) == 2
    else:
        await order.until(lambda view: view.groups[-1].queue == UNFILLABLE)
        await order.cancel()
        assert (await order.ended()).status == "cancelled"
        assert sum((await shop.on_hand()).values()) == 4

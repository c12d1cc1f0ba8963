"""Weeks of goods on their way back, in skipped time: never sent, given away, paid in advance, lost, in a locker."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from domain.carriage import ParcelStatus, TrackingNumber
from domain.lockers import CompartmentId, CompartmentStatus
from domain.returns.words import ReturnVia
from tests.workflows.carrying_back import WatchedReturn, delivered
from tests.workflows.shop import PRICE, Shop
from tests.workflows.skipping import Calendar, PunctualLockers
from workers.composition import Parts
from workflows.messages import InterventionAction

pytestmark = pytest.mark.stack

SEND_WITHIN = timedelta(days=14)


@pytest.fixture
async def shop(shops: Callable[..., Shop]) -> Shop:
    return await shops().open(s1=20, s2=0)


async def voided(made: Parts, number: str | None) -> bool:
    label = await made.shipping.parcel(TrackingNumber(number or ""))
    return label.voided_at is not None


async def has_label(asked: WatchedReturn) -> str:
    view = await asked.until(lambda view: view.parcel is not None and view.parcel.tracking_number is not None)
    assert view.parcel is not None
    return view.parcel.tracking_number or ""


async def test_a_return_that_is_never_sent_closes_and_its_label_is_given_back(
    shop: Shop, calendar: Calendar, made: Parts
) -> None:
    order = await delivered(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.POST)
    number = await has_label(asked)
    assert await asked.told() == ["return_label"], "one mail, with the label"
    await calendar.skip(days=13)
    assert (await asked.record()).status == "approved"
    await calendar.skip(days=2)
    view = await asked.ended()
    assert (view.status, view.lines[0].closed, view.refund) == ("expired", 2, 0)
    assert await voided(made, number)
    assert await asked.told() == ["return_label", "return_expired"]
    assert {"return_label_bought", "return_expired", "label_voided"} <= set(await order.events())
    again = await WatchedReturn.of(shop, order, ReturnVia.STORE)
    assert (await again.record()).lines[0].awaited == 2, "the units are the customer's again"


async def test_the_first_scan_starts_the_clock_and_what_came_is_paid_on_receipt(shop: Shop, calendar: Calendar) -> None:
    order = await delivered(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.POST)
    await has_label(asked)
    await calendar.skip(days=13)
    await asked.carrier_says(ParcelStatus.PICKED_UP)
    sent = await asked.until(lambda view: view.status == "in_transit")
    [wait] = sent.waiting_for
    assert wait.what == "goods arrive"
    assert wait.deadline is not None
    assert wait.deadline > await calendar.now() + SEND_WITHIN - timedelta(hours=1)
    await calendar.skip(days=3)
    await asked.carrier_says(ParcelStatus.IN_TRANSIT, ParcelStatus.DELIVERED)
    there = await asked.until(lambda view: view.waiting_for[0].who == "store")
    assert (there.refund, there.waiting_for[0].what) == (0, "store takes in what came")
    await asked.receive(1)
    settled = await asked.settle()
    assert (settled.refund, settled.lines[0].awaited) == (PRICE, 1)
    await asked.cancel()
    await asked.ended()
    told = ["return_label", "return_dropped_off", "return_received", "return_settled", "refund_done"]
    assert await asked.told() == told
    assert await order.money() == ["authorise 9998", "capture 9998", f"refund {PRICE}"]


async def test_a_small_sum_goes_back_at_the_first_scan_and_not_again_on_receipt(shop: Shop) -> None:
    order = await delivered(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.POST, terms={"instant_refund_to": 2 * PRICE})
    await has_label(asked)
    await asked.carrier_says(ParcelStatus.PICKED_UP, event_id="scan-1")
    await asked.carrier_says(ParcelStatus.PICKED_UP, event_id="scan-1")
    paid = await asked.until(lambda view: view.refunded == 2 * PRICE)
    assert (paid.lines[0].advanced, paid.lines[0].awaited, paid.status) == (2, 2, "in_transit")
    await asked.receive(2)
    view = await asked.ended()
    assert (view.status, view.refund, view.owed, view.lines[0].advanced) == ("settled", 2 * PRICE, 0, 0)
    assert await order.money() == ["authorise 9998", "capture 9998", "refund 9998"]
    assert (await order.events()).count("return_settled") == 1
    assert "return_advanced" in await asked.told()


@pytest.mark.parametrize("rule", ["collect", "write_off"])
async def test_what_was_paid_in_advance_for_goods_that_never_come_is_owed_by_rule(
    shop: Shop, calendar: Calendar, rule: str
) -> None:
    order = await delivered(shop)
    terms: dict[str, Any] = {"instant_refund_to": 2 * PRICE, "lost_advance": rule}
    asked = await WatchedReturn.of(shop, order, ReturnVia.POST, terms=terms)
    await has_label(asked)
    await asked.carrier_says(ParcelStatus.PICKED_UP)
    await asked.until(lambda view: view.refunded == 2 * PRICE)
    await asked.receive(1)
    await calendar.skip(days=15)
    await asked.decides("have not come", InterventionAction.GIVE_UP)
    if rule == "collect":
        await asked.decides(f"collect {PRICE / 100} EUR", InterventionAction.SKIP)
    view = await asked.ended()
    owed = PRICE if rule == "collect" else 0
    assert (view.owed, view.lines[0].accepted, view.lines[0].kept) == (owed, 1, 1)
    expired = [each for each in await order.notices() if each.kind == "return_expired"]
    assert [each.facts.due.amount if each.facts.due else 0 for each in expired] == [owed]
    assert await order.money() == ["authorise 9998", "capture 9998", "refund 9998"], "nothing is charged silently"
    async with shop.transactions.begin() as books:
        assert (await books.returns.claimed(order.order_id))["1"] == 2, "what was paid back is not returned again"


CHARGED = {"instant_refund_to": 2 * PRICE, "lost_advance": "charge"}
"""Who names a card for it is charged for what never comes."""


async def paid_in_advance(shop: Shop, card: str | None) -> WatchedReturn:
    """Two units, scanned by the carrier and paid back."""
    asked = await WatchedReturn.of(shop, await delivered(shop), ReturnVia.POST, terms=CHARGED, card=card)
    await has_label(asked)
    await asked.carrier_says(ParcelStatus.PICKED_UP)
    await asked.until(lambda view: view.refunded == 2 * PRICE)
    return asked


async def test_the_card_that_stands_for_an_advance_is_free_once_the_goods_have_come(
    shop: Shop, calendar: Calendar
) -> None:
    asked = await paid_in_advance(shop, "tok_ok")
    assert await asked.held() == ["authorise 9998"]
    view = await asked.receive(1)
    assert view.card is not None
    assert (view.card.state, view.card.secured) == ("held", 2 * PRICE), "one is still on its way"
    await asked.receive(1)
    view = await asked.ended()
    assert view.card is not None
    assert (view.card.state, view.card.charged, view.owed) == ("freed", 0, 0)
    assert await asked.held() == ["authorise 9998", "void 9998"]
    assert [kind for kind in await asked.told() if kind.startswith("return_s")] == ["return_secured"]


async def test_what_never_comes_is_taken_from_the_card_that_stands_for_it_and_no_more(
    shop: Shop, calendar: Calendar
) -> None:
    """The bank's approval ends before the goods are given up, so it is renewed."""
    asked = await paid_in_advance(shop, "tok_ok")
    await asked.receive(1)
    await calendar.skip(days=15)
    await asked.decides("have not come", InterventionAction.GIVE_UP)
    view = await asked.ended()
    assert view.card is not None
    assert (view.card.state, view.card.charged, view.owed, view.lines[0].kept) == ("charged", PRICE, 0, 1)
    renewals = ["authorise 9998", "authorise 9998", "void 9998", "authorise 9998", "void 9998"]
    assert await asked.held() == [*renewals, f"capture {PRICE}", f"void {PRICE}"]
    assert await asked.order.money() == ["authorise 9998", "capture 9998", "refund 9998"], "the order's own card is not"
    told = await asked.told()
    assert told.index("return_secured") < told.index("return_expired") < told.index("return_charged")
    assert "collect" not in str([entry.facts for entry in await asked.order.notices()])


@pytest.mark.parametrize(
    ("card", "held"),
    [
        ("tok_declined", ["authorise 9998"]),
        ("tok_capture_declined", ["authorise 9998", "capture 9998", "void 9998"]),
        (None, []),
    ],
)
async def test_without_a_card_that_stands_for_it_an_advance_is_owed_and_a_person_collects_it(
    shop: Shop, card: str | None, held: list[str]
) -> None:
    asked = await paid_in_advance(shop, card)
    await asked.carrier_says(ParcelStatus.LOST)
    await asked.decides("have not come", InterventionAction.GIVE_UP)
    await asked.decides(f"collect {2 * PRICE / 100} EUR", InterventionAction.SKIP)
    view = await asked.ended()
    assert view.owed == 2 * PRICE
    assert (view.card.state if view.card else "refused") == "refused"
    assert await asked.held() == held
    assert "return_charged" not in await asked.told()


async def test_a_lost_parcel_is_a_persons_matter_and_may_be_paid_all_the_same(shop: Shop, made: Parts) -> None:
    order = await delivered(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.POST)
    number = await has_label(asked)
    await asked.carrier_says(ParcelStatus.PICKED_UP, ParcelStatus.LOST)
    await asked.decides("have not come", InterventionAction.SKIP)
    settled = await asked.settle()
    assert settled.refund == 2 * PRICE
    await asked.ended()
    assert (await shop.on_hand())[1] == 18, "nothing came that could be sold"
    assert not await voided(made, number), "it was used"


async def test_goods_that_come_after_all_end_the_question_what_becomes_of_them(shop: Shop) -> None:
    order = await delivered(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.POST)
    await has_label(asked)
    await asked.carrier_says(ParcelStatus.PICKED_UP, ParcelStatus.LOST)
    await asked.until(lambda view: bool(view.interventions))
    await asked.receive(2)
    await asked.until(lambda view: not view.interventions)
    await asked.settle()
    assert (await asked.ended()).refund == 2 * PRICE


async def test_a_locker_takes_a_return_and_the_store_fetches_it(shop: Shop) -> None:
    lockers = cast("PunctualLockers", shop.lockers)
    order = await delivered(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.LOCKER)
    view = await asked.until(lambda view: view.locker is not None and view.locker.status == "reserved")
    assert view.locker is not None
    assert await asked.told() == ["return_locker"]
    compartment = CompartmentId(view.locker.compartment_id or "")
    code = await lockers.deposit_code(compartment)
    assert lockers.engine.deposit(shop.locker_id, code.get_secret_value()).status == 201
    await asked.operator_says(lockers)
    await asked.operator_says(lockers)
    there = await asked.until(lambda view: view.status == "in_transit")
    assert [wait.what for wait in there.waiting_for] == [f"store fetches goods from locker {shop.locker_id}"]
    code = await lockers.pickup_code(compartment)
    assert lockers.engine.collect(shop.locker_id, code.get_secret_value()).status == 201
    await asked.operator_says(lockers)
    await asked.until(lambda view: view.waiting_for[0].what == "store takes in what came")
    await asked.receive(2)
    await asked.settle()
    view = await asked.ended()
    assert (view.refund, (await shop.on_hand())[1]) == (2 * PRICE, 20)


async def test_a_locker_that_nobody_uses_is_free_again_and_a_full_one_sends_to_the_store(
    shop: Shop, calendar: Calendar
) -> None:
    lockers = cast("PunctualLockers", shop.lockers)
    order = await delivered(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.LOCKER, quantity=1)
    view = await asked.until(lambda view: view.locker is not None and view.locker.status == "reserved")
    assert view.locker is not None
    shop.locker_id = "L-FULL"
    full = await WatchedReturn.of(shop, order, ReturnVia.LOCKER, quantity=1)
    await full.until(lambda view: view.locker is not None and view.locker.status == "full")
    assert await full.told() == ["return_approved"]
    await asked.cancel()
    await asked.ended()
    now = await lockers.compartment(CompartmentId(view.locker.compartment_id or ""))
    assert now.status is CompartmentStatus.RELEASED
    await calendar.skip(days=15)
    assert (await full.ended()).status == "expired"


async def test_what_no_store_inspects_in_time_is_a_matter_for_ops(shop: Shop, calendar: Calendar) -> None:
    order = await delivered(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.STORE)
    came = await asked.receive(2, inspected=False)
    [wait] = came.waiting_for
    assert (wait.kind, wait.default) == ("inspection", "ops are asked")
    assert wait.deadline is not None
    await calendar.skip_to(wait.deadline + timedelta(minutes=1))
    await asked.decides("inspect what was sent back", InterventionAction.RETRY)
    again = await asked.until(lambda view: view.waiting_for[0].deadline is not None)
    assert (again.lines[0].received, again.interventions) == (2, [])
    await calendar.skip(days=3)
    await asked.decides("inspect what was sent back", InterventionAction.SKIP)
    await asked.settle()
    view = await asked.ended()
    assert (view.refund, (await shop.on_hand())[1]) == (2 * PRICE, 18), "nobody has put it on the shelf"

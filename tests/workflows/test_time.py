"""The standard policy's days, played in skipped time: every deadline in the store's hours, its zone and its calendar.

The shops open Monday to Saturday from 10 to 20 o'clock in Berlin. Expected instants are worked out here, by hand.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.stock import RejectReason
from domain.store_hours import StoreHours
from domain.terms import ChannelRules
from tests.workflows.shop import OPS, PRICE, Shop
from tests.workflows.skipping import BERLIN, Calendar, berlin
from tests.workflows.watched import WatchedOrder
from workflows import messages
from workflows.order import OrderWorkflow

pytestmark = pytest.mark.stack

MONDAY, SATURDAY = 0, 5
HOURS = StoreHours(
    zone="Europe/Berlin",
    weekly=dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), (("10:00", "20:00"),)),
)
WITH_HOLIDAYS = HOURS.model_copy(update={"holidays": "DE-BE"})


@pytest.fixture
async def shop(shops: Callable[..., Shop]) -> Shop:
    return await shops(hours=HOURS).open(s1=20, s2=20)


async def happened(order: WatchedOrder, *events: str) -> list[tuple[str, datetime]]:
    """When each of these events happened, to the minute."""
    timeline = [(entry.event.value, entry.at) for entry in await order.timeline()]
    return [(event, at.replace(second=0, microsecond=0)) for event, at in timeline if event in events]


async def told(order: WatchedOrder, *kinds: str) -> list[tuple[str, datetime]]:
    """When each of these notices was written, to the minute."""
    notices = [(notice.kind.value, notice.at) for notice in await order.notices()]
    return [(kind, at.replace(second=0, microsecond=0)) for kind, at in notices if kind in kinds]


# --- the store -------------------------------------------------------------------------------------------------------


async def test_a_silent_store_is_given_opening_time_and_the_customer_two_days(shop: Shop, calendar: Calendar) -> None:
    saturday = await calendar.skip_to_weekday(SATURDAY, 19, 45)
    monday = berlin(saturday.astimezone(BERLIN).date() + timedelta(days=2), 10, 15)
    order = await shop.place(2)
    [wait] = (await order.record()).waiting_for
    assert (wait.what, wait.default) == ("store accepts", "store is reminded")
    assert about(wait.deadline) == monday

    await calendar.skip_to(monday + timedelta(days=4))
    assert (await order.ended()).status == "cancelled"
    assert await happened(order, "store_reminded", "store_silent", "choice_asked", "choice_defaulted") == [
        ("store_reminded", monday),
        ("store_silent", monday + timedelta(minutes=30)),
        ("choice_asked", monday + timedelta(minutes=30)),
        ("choice_defaulted", monday + timedelta(days=2, minutes=30)),
    ]
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert await shop.on_hand() == {1: 20, 2: 20}


async def test_a_store_that_does_not_get_it_ready_in_time_is_reminded_once(shop: Shop, calendar: Calendar) -> None:
    monday = await calendar.skip_to_weekday(MONDAY, 12)
    order = await shop.place(2)
    accepted = await order.accept()
    assert about(accepted.group.promised_ready_at) == monday + timedelta(hours=2)
    await calendar.skip(hours=5)
    assert await happened(order, "store_reminded") == [("store_reminded", monday + timedelta(hours=2))]
    await order.pick(2)
    await order.stage()
    await order.hand_over()
    assert (await order.ended()).status == "completed"


async def test_a_store_that_accepts_and_then_falls_silent_loses_the_order_and_the_customer_chooses(
    shop: Shop, calendar: Calendar
) -> None:
    monday = await calendar.skip_to_weekday(MONDAY, 17)
    tuesday = berlin(monday.astimezone(BERLIN).date() + timedelta(days=1), 13)
    order = await shop.place(2)
    await order.accept()
    await calendar.skip(hours=2, minutes=10)
    [wait] = (await order.record()).waiting_for
    assert (wait.what, wait.default) == ("store picks", "customer is offered alternatives")
    assert about(wait.deadline) == tuesday, "an hour of Monday's opening time is left, three are Tuesday's"

    await calendar.skip_to(tuesday + timedelta(days=3))
    assert (await order.ended()).status == "cancelled"
    assert await happened(order, "store_reminded", "store_silent", "choice_asked", "choice_defaulted") == [
        ("store_reminded", monday + timedelta(hours=2)),
        ("store_silent", tuesday),
        ("choice_asked", tuesday),
        ("choice_defaulted", tuesday + timedelta(days=2)),
    ]
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert await shop.on_hand() == {1: 20, 2: 20}


async def test_units_that_nobody_delivers_are_waited_for_two_weeks(shop: Shop, calendar: Calendar) -> None:
    monday = await calendar.skip_to_weekday(MONDAY, 12)
    order = await shop.place(2)
    await order.reject(RejectReason.NOT_IN_STOCK)
    await order.choose(messages.ChoiceOption.WAIT)
    [wait] = (await order.record()).waiting_for
    assert (wait.kind, about(wait.deadline)) == ("stock", monday + timedelta(days=14))
    await calendar.skip(days=15)
    assert (await order.ended()).status == "cancelled"
    assert await happened(order, "units_cancelled") == [("units_cancelled", monday + timedelta(days=14))]
    assert (await order.record()).payment.authorised == 0


# --- the pickup window -----------------------------------------------------------------------------------------------


async def test_reminders_come_at_their_days_and_the_window_ends_at_closing_time(shop: Shop, calendar: Calendar) -> None:
    monday = await ordinary_monday(calendar)
    order = await shop.place(2)
    ready = await order.make_ready(2)
    closing = at_closing(monday, days=7)
    assert ready.group.deadline == closing

    await calendar.skip(days=9)
    view = await order.ended()
    assert (view.status, view.groups[0].status, view.groups[0].put_back) == ("cancelled", "expired", {"1": 2})
    assert await told(order, "pickup_reminder", "pickup_expiring", "store_about_to_expire", "pickup_expired") == [
        ("pickup_reminder", monday + timedelta(days=2)),
        ("pickup_reminder", closing - timedelta(days=3)),
        ("pickup_expiring", closing - timedelta(days=1)),
        ("store_about_to_expire", closing - timedelta(days=1)),
        ("pickup_expired", closing),
    ]
    assert await happened(order, "window_expired") == [("window_expired", closing)]


async def test_an_extension_moves_the_end_and_the_reminders(shop: Shop, calendar: Calendar) -> None:
    monday = await ordinary_monday(calendar)
    order = await shop.place(2)
    await order.make_ready(2)
    await calendar.skip(days=1)
    first, longer = at_closing(monday, days=7), at_closing(monday, days=10)
    assert (await order.extend(longer)).group.deadline == longer
    assert await order.refused(order.extend(at_closing(monday, days=15))) == "beyond-limit"
    assert await order.refused(order.extend(first)) == "beyond-limit"

    await calendar.skip_to(first + timedelta(minutes=10))
    assert (await order.record()).groups[0].status == "ready"
    await calendar.skip_to(longer + timedelta(minutes=10))
    assert (await order.ended()).groups[0].status == "expired"
    assert await told(order, "pickup_reminder", "pickup_expiring", "pickup_expired") == [
        ("pickup_reminder", monday + timedelta(days=2)),
        ("pickup_reminder", longer - timedelta(days=3)),
        ("pickup_expiring", longer - timedelta(days=1)),
        ("pickup_expired", longer),
    ]


async def test_a_collected_order_is_reminded_of_nothing(shop: Shop, calendar: Calendar) -> None:
    monday = await ordinary_monday(calendar)
    order = await shop.place(3)
    await order.make_ready(3)
    await calendar.skip(days=1)
    await order.hand_over(1)
    await calendar.skip(days=2)
    await order.hand_over()
    await order.ended()
    await calendar.skip(days=9)
    assert await told(order, "pickup_reminder", "pickup_expiring", "pickup_expired") == [
        ("pickup_reminder", monday + timedelta(days=2))
    ]


async def test_the_window_ends_at_closing_time_also_when_clocks_change_meanwhile(
    shop: Shop, calendar: Calendar
) -> None:
    change = await next_clock_change(calendar)
    monday = berlin(change - timedelta(days=6), 12)
    await calendar.skip_to(monday)
    order = await shop.place(2)
    ready = await order.make_ready(2)
    closing = berlin(change + timedelta(days=1), 20)
    assert abs(closing - berlin(change - timedelta(days=6), 20) - timedelta(days=7)) == timedelta(hours=1)
    assert ready.group.deadline == closing
    await calendar.skip(days=8)
    await order.ended()
    assert await told(order, "pickup_reminder", "pickup_expiring", "pickup_expired") == [
        ("pickup_reminder", monday + timedelta(days=2)),
        ("pickup_reminder", closing - timedelta(days=3)),
        ("pickup_expiring", closing - timedelta(days=1)),
        ("pickup_expired", closing),
    ]


async def test_a_window_that_would_end_on_a_holiday_ends_on_the_next_opening_day(
    shops: Callable[..., Shop], calendar: Calendar
) -> None:
    shop = await shops(hours=WITH_HOLIDAYS).open(s1=20)
    now = await calendar.now()
    year = now.year if now < berlin(date(now.year, 12, 17), 12) else now.year + 1
    await calendar.skip_to(berlin(date(year, 12, 18), 12))
    order = await shop.place(2)
    ready = await order.make_ready(2)
    day = date(year, 12, 27)
    if day.weekday() == 6:
        day += timedelta(days=1)
    closing = berlin(day, 20)
    assert ready.group.deadline == closing
    await calendar.skip_to(closing - timedelta(minutes=10))
    assert (await order.record()).groups[0].status == "ready"
    await calendar.skip(hours=1)
    assert (await order.ended()).groups[0].status == "expired"
    assert await happened(order, "window_expired") == [("window_expired", closing)]


# --- money -----------------------------------------------------------------------------------------------------------


async def test_authorisations_are_renewed_for_as_long_as_the_window_lasts(shop: Shop, calendar: Calendar) -> None:
    monday = await ordinary_monday(calendar)
    order = await shop.place(2)
    ready = await order.make_ready(2)
    assert ready.group.latest_deadline is not None
    await order.extend(ready.group.latest_deadline)
    for day in range(1, 14):
        await calendar.skip_to(monday + timedelta(days=day))
        assert (await order.record()).payment.authorised == 9998
        assert len({entry["authorisation_id"] for entry in await order.ledger(order.order_id) if entry["held"]}) == 1
    await calendar.skip(hours=1)
    await order.hand_over()
    assert (await order.ended()).payment.captured == 9998
    assert await happened(order, "payment_renewed") == [
        ("payment_renewed", monday + timedelta(days=6, hours=12)),
        ("payment_renewed", monday + timedelta(days=13)),
    ]
    until = [datetime.fromisoformat(e.data.model_dump()["until"]) for e in await order.until_event("payment_renewed")]
    assert [about(end) for end in until] == [
        monday + timedelta(days=13, hours=12),
        monday + timedelta(days=20),
    ]
    assert await order.money() == [
        *("authorise 9998", "authorise 9998", "void 9998", "authorise 9998", "void 9998"),
        "capture 9998",
    ]


async def test_an_authorisation_that_cannot_be_renewed_asks_the_customer_and_then_ends_the_order(
    shop: Shop, calendar: Calendar
) -> None:
    monday = await ordinary_monday(calendar)
    order = await shop.place(2, token="tok_expires_3d+tok_extend_declined")
    await order.make_ready(2)
    await calendar.skip_to(monday + timedelta(days=4))
    view = await order.ended()
    assert (view.status, view.groups[0].put_back) == ("cancelled", {"1": 2})
    [(_, failed)] = await happened(order, "payment_declined")
    assert failed == monday + timedelta(days=2, hours=12)
    [(_, hold)] = await told(order, "payment_failed")
    assert await happened(order, "units_cancelled") == [("units_cancelled", hold + timedelta(minutes=30))]
    assert "capture" not in " ".join(await order.money())


async def test_a_customer_has_half_an_hour_to_confirm_with_the_bank(shop: Shop, calendar: Calendar) -> None:
    monday = await calendar.skip_to_weekday(MONDAY, 12)
    order = await shop.place(2, token="tok_3ds")
    view = await order.record()
    assert (view.status, [hold.kind for hold in view.holds]) == ("held", ["payment"])
    assert view.next_action is not None
    assert about(view.next_action.deadline) == monday + timedelta(minutes=30)
    await calendar.skip(minutes=29)
    assert (await order.record()).status == "held"
    await calendar.skip(minutes=2)
    assert (await order.ended()).status == "cancelled"
    assert await happened(order, "hold_resolved") == [("hold_resolved", monday + timedelta(minutes=30))]
    assert await shop.on_hand() == {1: 20, 2: 20}


# --- holds -----------------------------------------------------------------------------------------------------------


async def test_a_review_that_takes_most_of_a_day_stops_the_stores_clock(shop: Shop, calendar: Calendar) -> None:
    monday = await calendar.skip_to_weekday(MONDAY, 12)
    order = await shop.place(2, customer=f"C-REVIEW-{shop.name}")
    await calendar.skip(hours=23)
    view = await order.record()
    assert (view.status, await happened(order, "store_offered")) == ("held", [])
    accepted = messages.FraudDecision(event_id="1", accept=True, actor=OPS)
    await order.handle.signal(OrderWorkflow.fraud_decision, accepted)
    view = await order.until(lambda view: not view.holds)
    assert about(view.waiting_for[0].deadline) == monday + timedelta(hours=23, minutes=30)
    await order.make_ready(2)
    await order.hand_over()
    assert (await order.ended()).status == "completed"


@pytest.mark.parametrize(
    ("kind", "varied"),
    [("fraud", {"customer": "C-REVIEW-SLOW"}), ("approval", {"rules": ChannelRules(approval_above=PRICE)})],
)
async def test_a_hold_that_nobody_resolves_ends_the_order_after_a_day(
    shop: Shop, calendar: Calendar, kind: str, varied: dict[str, Any]
) -> None:
    monday = await calendar.skip_to_weekday(MONDAY, 12)
    order = await shop.place(2, **varied)
    [hold] = (await order.record()).holds
    assert (hold.kind, about(hold.deadline)) == (kind, monday + timedelta(days=1))
    assert (await shop.levels())[1].available == 18
    await calendar.skip(days=2)
    assert (await order.ended()).status == "cancelled"
    assert await happened(order, "hold_resolved") == [("hold_resolved", monday + timedelta(days=1))]
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert await shop.on_hand() == {1: 20, 2: 20}


# --- dates -----------------------------------------------------------------------------------------------------------


def about(at: datetime | None) -> datetime:
    """An instant without its seconds: a test does not place its orders on the stroke of a minute."""
    assert at is not None
    return at.replace(second=0, microsecond=0)


def at_closing(monday: datetime, *, days: int) -> datetime:
    """20 o'clock in Berlin, so many days later."""
    return berlin(monday.astimezone(BERLIN).date() + timedelta(days=days), 20)


async def ordinary_monday(calendar: Calendar) -> datetime:
    """Noon of a Monday after which no clock changes for three weeks."""
    now = await calendar.now()
    first_days = (date(year, month, 1) for year in (now.year, now.year + 1) for month in (2, 6, 9, 11))
    mondays = (berlin(day + timedelta(days=-day.weekday() % 7), 12) for day in first_days)
    monday = min(at for at in mondays if at > now)
    await calendar.skip_to(monday)
    return monday


async def next_clock_change(calendar: Calendar) -> date:
    """The Sunday of the next change that is more than a week away."""
    day = (await calendar.now()).astimezone(BERLIN).date() + timedelta(days=8)
    while berlin(day, 12) - berlin(day - timedelta(days=1), 12) == timedelta(days=1):
        day += timedelta(days=1)
    assert day.weekday() == 6
    return day

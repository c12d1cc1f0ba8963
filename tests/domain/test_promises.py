"""What is promised before it is paid: units, a time in the store's own zone, and a deadline."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.actors import Channel
from domain.ids import Sku, StoreId
from domain.policy_packs import STANDARD
from domain.promises import Misfit, Promise, PromiseId, PromiseState, make_promise, misfit
from domain.store_hours import StoreHours

X, SET = Sku("x"), Sku("set")
BERLIN = ZoneInfo("Europe/Berlin")
HOURS = StoreHours(
    zone="Europe/Berlin",
    weekly=dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), (("10:00", "20:00"),)),
    exceptions={"2026-12-25": ()},
)


def promised(at: datetime, requested: datetime | None = None) -> Promise:
    return make_promise(
        PromiseId("p1"),
        Channel.WEB,
        "web",
        StoreId("S1"),
        {X: 2, SET: 1},
        needs={X: {X: 1}, SET: {Sku("a"): 1, Sku("b"): 3}},
        hours=HOURS,
        policy=STANDARD,
        at=at,
        requested=requested,
    )


def berlin(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "ready"),
    [
        (berlin(11, 23, 11), berlin(11, 23, 13)),
        (berlin(11, 23, 18, 30), berlin(11, 24, 10, 30)),
        (berlin(11, 23, 19, 30), berlin(11, 24, 12)),  # past the cut-off: nothing of the day counts
        (berlin(12, 24, 19, 30), berlin(12, 26, 12)),  # closed on Christmas Day
        (berlin(10, 24, 21), berlin(10, 25, 12)),  # clocks go back in that night: 13 hours on, and UTC+1
        (berlin(3, 28, 21), berlin(3, 29, 12)),
    ],
)
def test_a_promise_counts_opening_hours_the_cut_off_and_the_store_s_clock(at: datetime, ready: datetime) -> None:
    made = promised(at)
    assert (made.ready_at, made.expires_at - made.made_at) == (ready, timedelta(minutes=15))


def test_a_later_time_that_is_asked_for_is_promised() -> None:
    wanted = berlin(11, 26, 17)
    assert promised(berlin(11, 23, 11), wanted).ready_at == wanted


def test_of_a_kit_the_components_are_kept() -> None:
    kept = {(line.line_id, line.sku): line.quantity for line in promised(berlin(11, 23, 11)).stock}
    assert kept == {("x", "x"): 2, ("set", "a"): 1, ("set", "b"): 3}


def test_only_the_order_that_it_was_made_for_has_it_and_in_time() -> None:
    at = berlin(11, 23, 11)
    made, units = promised(at), {SET: 1, X: 2}

    def wrong(**other: object) -> Misfit | None:
        given = {"state": PromiseState.OPEN, "channel": Channel.WEB, "store_id": "S1", "units": units, "at": at} | other
        return misfit(made, **given)  # type: ignore[arg-type]

    assert wrong() is None
    assert wrong(channel=Channel.APP) is Misfit.OTHER_CHANNEL
    assert wrong(store_id="S2") is Misfit.OTHER_STORE
    assert wrong(units={X: 2}) is Misfit.OTHER_UNITS
    assert wrong(at=made.expires_at) is Misfit.OVER
    assert wrong(state=PromiseState.CONVERTED) is Misfit.OVER

"""Exchanges whose customer does nothing. A day takes a second here: 10 s to pay, 14 s to bring it back."""

import pytest

from tests.scenarios.exchanged import agrees, is_collected, over, priced, replacement, wish
from tests.scenarios.playing import story
from tests.scenarios.returned import receive, settled
from tests.scenarios.test_exchanged import fetched
from tests.scenarios.world import World, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LASTING = "tok_expires_7d"


@pytest.fixture(scope="module")
def world(short_world: World) -> World:
    return short_world


@story
async def test_who_does_not_pay_gets_a_plain_return(world: World) -> None:
    order = await fetched(world, price=1000, token=LASTING)
    dearer = await priced(world, 1500, S001=1)
    view = taken(await world.channel("POST", "/v1/returns", wish(order, dearer)))
    assert view["status"] == "awaiting_payment"
    await order.event("exchange_fell_through")
    assert (await world.stock(dearer, "S001"))["available"] == 1
    await receive(world, view, "S001", 1)
    paid = await settled(world, view, "S001")
    assert (paid["refunded"], paid["exchange"]["reason"]) == (1000, "payment_expired")
    await order.money_rests(authorised=1000, captured=1000, refunded=1000)
    await agrees(world, order, replacement(world, order, view))


@story
async def test_what_went_out_in_advance_is_charged_when_nothing_comes_back(world: World) -> None:
    order = await fetched(world, price=1000, token=LASTING)
    other = await priced(world, 1000, S001=1)
    card = [{"type": "card", "token": LASTING, "amount": 1000}]
    view = taken(await world.channel("POST", "/v1/returns", wish(order, other, advance=True, tenders=card)))
    new = replacement(world, order, view)
    await is_collected(new, "S001", codes=2)
    ended = await over(world, view)
    assert (ended["status"], ended["exchange"]["charged"]) == ("expired", 1000)
    ledger = await world.provider_ledger(view["return_id"])
    assert [(each["operation"], each["amount"]) for each in ledger] == [("authorise", 1000), ("capture", 1000)]
    await order.money_rests(authorised=1000, captured=1000)
    await agrees(world, order, new)

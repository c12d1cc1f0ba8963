"""Orders that an approved loan pays: signed first, drawn when goods arrive, and given back to the loan."""

import uuid
from typing import Any

from tests.scenarios.applied import Applied
from tests.scenarios.placed import Json, Placed
from tests.scenarios.playing import story
from tests.scenarios.returned import back_in_store, receive, settled
from tests.scenarios.shipped import Shipped, to_ship
from tests.scenarios.world import World, refused


async def approved(world: World) -> Applied:
    """A loan of 10,000.00, of which 9,900.00 may be drawn."""
    loan = await Applied.begun(world)
    await loan.submitted()
    await loan.stage("offered")
    return loan


def financed(world: World, loan: Applied, **wanted: Any) -> Json:
    body = world.body(tender="financing", **wanted) | {"currency": "USD"}
    body["customer"]["ref"] = loan.ref
    body["tenders"][0]["application_id"] = loan.id
    return body


async def signed(loan: Applied) -> Json:
    await loan.done("POST", "/offer/accept", {})
    await loan.stage("signing")
    await loan.done("POST", "/sign", {})
    return await loan.stage("booked")


async def account(loan: Applied) -> Json:
    view = await loan.shown()
    return await loan.done("GET", f"/v1/accounts/{view['account_id']}/balances")


async def owed(world: World, loan: Applied, principal: int) -> None:
    async def look() -> bool:
        return bool((await account(loan))["principal"] == principal)

    await world.until(f"{principal} is owed on the loan", look)


@story
async def test_an_order_waits_for_the_signature_and_draws_what_is_handed_over(world: World) -> None:
    shelf = await world.shelf(S001=5)
    loan = await approved(world)
    order = await world.placed(financed(world, loan, sku=shelf.sku, quantity=3, price=10_000))
    held = await order.view()
    assert (held["status"], held["next_action"]["url"].rpartition("/")[2]) == ("held", loan.id)
    await signed(loan)
    await order.reaches("in_progress")
    assert (await account(loan))["principal"] == 0
    await order.make_ready()
    code = await order.code()
    await order.is_handed_over(code, lines={"1": 2})
    await owed(world, loan, 20_000)
    assert (await order.view())["payment"]["captured"] == 20_000
    await order.is_handed_over(code)
    await owed(world, loan, 30_000)
    assert await loan.payouts() == [], "the money went to the seller, not to the borrower"
    assert await world.provider_ledger(order.id) == [], "no card was asked"
    back = await back_in_store(world, order, "S001")
    await receive(world, back, "S001", 1)
    await settled(world, back, "S001")
    await owed(world, loan, 20_000)
    view = await loan.shown()
    kinds = [
        each["kind"] for each in (await loan.done("GET", f"/v1/accounts/{view['account_id']}/transactions"))["items"]
    ]
    assert kinds == ["disbursement", "disbursement", "refund"]


@story
async def test_what_is_shipped_is_drawn_when_it_has_arrived(world: World) -> None:
    shelf = await world.shelf(S001=2)
    loan = await approved(world)
    body = financed(world, loan, sku=shelf.sku, price=50_000) | {"fulfilments": [to_ship()]}
    order = await Shipped.placed(world, body)
    await signed(loan)
    await order.is_offered("S001")
    await order.packed()
    parcel = await order.shipped()
    on_its_way = await order.view()
    assert (on_its_way["payment"]["captured"], on_its_way["payment"]["authorised"]) == (0, 50_000)
    assert (await account(loan))["principal"] == 0
    await order.carrier_says(parcel, "delivered")
    await owed(world, loan, 50_000)
    await order.reaches("completed")


@story
async def test_the_amount_follows_the_order_up_to_what_was_approved(world: World) -> None:
    shelf = await world.shelf(S001=60)
    loan = await approved(world)
    order = await world.placed(financed(world, loan, sku=shelf.sku, quantity=4, price=100_000))
    booked = await signed(loan)
    await order.reaches("in_progress")
    changed = await order.ask("changes", {"quantity": {"1": 3}})
    assert changed.status_code == 200, changed.text

    async def look() -> bool:
        return bool((await order.view())["payment"]["authorised"] == 300_000)

    await world.until("less is set aside", look)
    more = financed(world, loan, sku=shelf.sku, quantity=7, price=100_000)
    refused(await world.channel("POST", "/v1/orders", more), 402, "payment-declined")
    fits = await world.placed(financed(world, loan, sku=shelf.sku, quantity=6, price=100_000))
    await fits.reaches("in_progress")
    await fits.cancel()
    await order.cancel()
    await order.reaches("cancelled")
    assert (await account(loan))["available"] == 990_000
    assert booked["outcome"] in (None, "originated")


@story
async def test_a_loan_pays_for_its_own_customer_only_and_once_paid_out_for_no_order(world: World) -> None:
    loan = await approved(world)
    stranger = financed(world, loan)
    stranger["customer"]["ref"] = f"C-{uuid.uuid4().hex[:8]}"
    problem = refused(await world.channel("POST", "/v1/orders", stranger), 422, "validation")
    assert problem["errors"][0]["pointer"] == "/tenders/0/application_id"
    nameless = financed(world, loan)
    del nameless["tenders"][0]["application_id"]
    refused(await world.channel("POST", "/v1/orders", nameless), 422, "validation")
    await loan.agreed()
    assert (await loan.ends())["payouts"][0]["state"] == "paid"
    refused(await world.channel("POST", "/v1/orders", financed(world, loan)), 402, "payment-declined")


@story
async def test_an_order_that_was_cancelled_before_the_signature_leaves_the_loan_to_its_borrower(world: World) -> None:
    loan = await approved(world)
    order: Placed = await world.placed(financed(world, loan))
    assert (await order.cancel()).status_code == 200
    await order.reaches("cancelled")
    await loan.agreed()
    end = await loan.ends()
    assert [each["state"] for each in end["payouts"]] == ["paid"]

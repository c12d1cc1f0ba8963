"""The stories of orders that are changed after they were placed, told as those in `journeys.py` are."""

import asyncio
from datetime import timedelta

from domain.carriage import ParcelStatus
from domain.change_wishes import ChangeWish, NewAddress, NewLine, NewPrices, NewWay, Way
from domain.destinations import Destination
from domain.ids import LineId
from domain.intake import Method, Service
from domain.policy_packs import STANDARD
from domain.refusals import RefusalKind, Refused
from domain.stock import RejectReason
from tests.workflows.journeys import Journey, quick
from tests.workflows.shop import OPS, PRICE, Shop, card
from tests.workflows.watched import WatchedOrder
from workflows import messages
from workflows.messages import ChangeAnswer, ChoiceOption
from workflows.order import OrderWorkflow

ONE = LineId("1")
HOME = NewAddress(destination=Destination(country="DE", latitude=52.5, longitude=13.4), origin=1_000_077)


async def change(order: WatchedOrder, wish: ChangeWish, *tenders: object, **more: object) -> ChangeAnswer:
    command = messages.Change(**order.customer(wish=wish, tenders=list(tenders), **more))
    return await order.tell(OrderWorkflow.change, command)


def sent_home(service: Service = Service.STANDARD) -> ChangeWish:
    return ChangeWish(method=NewWay(lines=[ONE], way=Way(method=Method.SHIP, service=service, address=HOME)))


async def cut_after_authorisation(shop: Shop) -> WatchedOrder:
    order = await shop.place(3)
    answer = await change(order, ChangeWish(quantity={ONE: 1}))
    assert (answer.applied, answer.plan.due, answer.plan.after.total) == (True, 2 * PRICE, PRICE)
    await order.make_ready(1)
    await order.hand_over()
    view = await order.ended()
    assert (view.status, view.total, view.lines[0].cancelled) == ("completed", PRICE, 2)
    assert await order.money() == ["authorise 14997", "void 9998", "capture 4999"]
    assert await shop.on_hand() == {1: 19, 2: 20}
    kinds = [notice.kind.value for notice in await order.notices()]
    assert {"order_changed", "store_order_changed"} <= set(kinds)
    return order


async def raised_and_paid_at_once(shop: Shop) -> WatchedOrder:
    order = await shop.place(1)
    answer = await change(order, ChangeWish(quantity={ONE: 3}), card(2 * PRICE))
    assert (answer.applied, answer.plan.owed) == (True, 2 * PRICE)
    await order.make_ready(3)
    await order.hand_over()
    assert (await order.ended()).total == 3 * PRICE
    assert await order.money() == ["authorise 4999", "authorise 9998", "capture 4999", "capture 9998"]
    assert await shop.on_hand() == {1: 17, 2: 20}
    return order


async def line_added_and_paid_later(shop: Shop) -> WatchedOrder:
    order = await shop.place(1)
    new = NewLine(line_id=LineId("2"), sku=shop.sku, quantity=2, unit_price=1000, discount=100, fulfilment="f1")
    answer = await change(order, ChangeWish(add=[new]))
    assert (answer.applied, answer.plan.owed) == (False, 1900)
    view = await order.record()
    assert view.change is not None
    assert (view.change.owed, view.total, len(view.lines)) == (1900, PRICE, 1)
    assert "customer pays for a change" in await order.waits()
    assert (await shop.levels())[1].reserved == 2, "its stock is held while it waits"
    assert await order.refused(change(order, ChangeWish(quantity={ONE: 2}))) is RefusalKind.NOT_ALLOWED_NOW
    await order.pay(card(1900))
    view = await order.record()
    assert (view.change, view.total, view.lines[1].allocated) == (None, PRICE + 1900, 2)
    await order.accept()
    lines = {ONE: 1, LineId("2"): 2}
    await order.tell(OrderWorkflow.pick, messages.Pick(**order.store(1, lines=lines)))
    await order.stage()
    await order.hand_over()
    assert (await order.ended()).payment.captured == PRICE + 1900
    assert await order.money() == ["authorise 4999", "authorise 1900", "capture 4999", "capture 1900"]
    assert await shop.on_hand() == {1: 17, 2: 20}
    return order


async def raised_and_not_paid(shop: Shop) -> WatchedOrder:
    shop.policy = quick(payment_within=1.5)
    order = await shop.place(1)
    assert not (await change(order, ChangeWish(quantity={ONE: 2}))).applied
    await order.until_event("change_dropped")
    assert (await shop.levels())[1].reserved == 0
    await order.make_ready(1)
    await order.hand_over()
    view = await order.ended()
    assert (view.total, view.changes) == (PRICE, [])
    assert await order.money() == ["authorise 4999", "capture 4999"]
    return order


async def declined_and_then_dropped(shop: Shop) -> WatchedOrder:
    order = await shop.place(1)
    wish = ChangeWish(quantity={ONE: 2})
    assert await order.refused(change(order, wish, card(PRICE, "tok_declined"))) is RefusalKind.PAYMENT_DECLINED
    assert (await order.record()).change is None
    assert not (await change(order, wish)).applied
    await order.tell(OrderWorkflow.drop_change, messages.DropChange(**order.customer()))
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def cancelled_while_a_change_waits(shop: Shop) -> WatchedOrder:
    order = await shop.place(1)
    assert not (await change(order, ChangeWish(quantity={ONE: 2}))).applied
    await order.cancel()
    view = await order.ended()
    assert (view.status, view.change) == ("cancelled", None)
    assert "change_dropped" in await order.events()
    assert await order.money() == ["authorise 4999", "void 4999"]
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def sent_home_instead(shop: Shop) -> WatchedOrder:
    order = await shop.place(2)
    assert (await change(order, sent_home())).applied
    view = await order.until(lambda view: view.groups[-1].status == "offered")
    assert [(group.kind, group.status) for group in view.groups] == [("pickup", "rejected"), ("shipment", "offered")]
    assert view.groups[1].origin == HOME.origin
    await change(
        order,
        ChangeWish(method=NewWay(lines=[ONE], way=Way(method=Method.PICKUP, store_id=shop.store(2)))),
    )
    view = await order.record()
    assert (view.groups[2].kind, view.groups[2].store_id, view.groups[2].status) == (
        "pickup",
        shop.store(2),
        "offered",
    )
    await order.make_ready(2, n=3)
    await order.hand_over(n=3)
    assert (await order.ended()).status == "completed"
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 20, 2: 18}
    return order


async def sent_to_another_country(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(2)
    assert (await order.record()).groups[0].store_id == shop.store(1)
    await order.accept()
    abroad = NewAddress(destination=Destination(country="PL", latitude=53.4, longitude=13.1), origin=1_000_078)
    answer = await change(order, ChangeWish(address=abroad))
    assert (answer.applied, answer.plan.address, answer.plan.owed) == (True, [1], 0)
    view = await order.until(lambda view: view.groups[0].status == "offered")
    assert (view.groups[0].origin, view.groups[0].store_id) == (abroad.origin, shop.store(2)), "the nearer one now"
    assert (await shop.levels())[1].allocated == 0
    assert "store_cancelled_while_picking" in [notice.kind for notice in await order.notices()]
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def sent_faster(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(1)
    await order.accept()
    way = Way(method=Method.SHIP, service=Service.EXPRESS)
    answer = await change(order, ChangeWish(method=NewWay(lines=[ONE], way=way)), card(990))
    assert (answer.applied, answer.plan.owed, answer.plan.hold) == (True, 990, [])
    view = await order.record()
    assert [(group.service, group.status) for group in view.groups] == [("express", "accepted")]
    await order.tell(OrderWorkflow.pick, messages.Pick(**order.store(1, lines={ONE: 1})))
    too_late = ChangeWish(method=NewWay(lines=[ONE], way=Way(method=Method.SHIP, service=Service.ECONOMY)))
    assert await order.refused(change(order, too_late)) is RefusalKind.NOT_ALLOWED_NOW
    await order.cancel()
    await order.answer_stop(stopped=True)
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 4999", "authorise 990", "void 990", "void 4999"]
    return order


async def rejected_and_sent_home(shop: Shop) -> WatchedOrder:
    order = await shop.place(1)
    await order.reject(RejectReason.DAMAGED)
    way = Way(method=Method.SHIP, address=HOME)
    command = messages.Choose(**order.customer(option=ChoiceOption.SHIP, way=way))
    assert (await order.tell(OrderWorkflow.choose, command)).group.kind == "shipment"
    await order.until(lambda view: view.groups[1].status == "offered")
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 4999", "void 4999"]
    return order


async def changed_while_picking(shop: Shop) -> WatchedOrder:
    order = await shop.place(2)
    await order.accept()
    await order.pick(2)
    assert await order.refused(change(order, ChangeWish(quantity={ONE: 1}))) is RefusalKind.NOT_ALLOWED_NOW
    assert await order.refused(change(order, sent_home())) is RefusalKind.NOT_ALLOWED_NOW
    new = NewLine(line_id=LineId("2"), sku=shop.sku, quantity=1, unit_price=1000, fulfilment="f1")
    assert (await change(order, ChangeWish(add=[new]), card(1000))).applied
    view = await order.record()
    assert [(group.n, group.status, group.store_id) for group in view.groups] == [
        (1, "picking", shop.store(1)),
        (2, "offered", shop.store(1)),
    ]
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    return order


async def paid_in_part_and_then_declined(shop: Shop) -> WatchedOrder:
    order = await shop.place(1)
    tenders = (card(2000), card(PRICE - 2000, "tok_declined"))
    refusal = await order.refused(change(order, ChangeWish(quantity={ONE: 2}), *tenders))
    assert refusal is RefusalKind.PAYMENT_DECLINED
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    ledger = ["authorise 4999", "authorise 2000", "authorise 2999 failed", "void 2000", "void 4999"]
    assert await order.money() == ledger
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def changed_twice_at_once(shop: Shop) -> WatchedOrder:
    order = await shop.place(1)
    wishes = [change(order, ChangeWish(quantity={ONE: units})) for units in (2, 3)]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    [opened] = [answer for answer in answers if isinstance(answer, ChangeAnswer)]
    [refused] = [answer for answer in answers if isinstance(answer, Refused)]
    assert refused.refusal.kind is RefusalKind.NOT_ALLOWED_NOW
    assert (await shop.levels())[1].reserved == opened.plan.hold[0].quantity
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def paid_before_it_grows(shop: Shop) -> WatchedOrder:
    order = await shop.place(2, token="tok_3ds")
    asked = (await order.record()).next_action
    assert asked is not None
    assert await order.refused(change(order, ChangeWish(quantity={ONE: 3}))) is RefusalKind.PAYMENT_DUE
    assert (await order.record()).next_action == asked, "the customer can still confirm"
    assert (await change(order, ChangeWish(quantity={ONE: 1}))).applied, "less needs no further payment"
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def the_bank_is_asked_about_a_change(shop: Shop) -> WatchedOrder:
    order = await shop.place(1)
    assert not (await change(order, ChangeWish(quantity={ONE: 2}))).applied
    assert (await order.pay(card(PRICE, "tok_3ds"))).next_action is not None
    view = await order.record()
    assert view.next_action is not None
    assert (view.next_action.kind, view.status) == ("confirm_payment", "in_progress")
    assert view.next_action.url
    await order.pay(card(PRICE))
    view = await order.record()
    assert (view.change, view.next_action, view.total) == (None, None, 2 * PRICE)
    assert "hold_placed" not in await order.events(), "the bank need not be asked any more"
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def its_window_for_changes_ends(shop: Shop) -> WatchedOrder:
    shop.policy = quick(remorse=1.5)
    order = await shop.place(1)
    view = await order.record()
    assert (view.status, view.holds[0].kind) == ("held", "remorse")
    assert view.waiting_for[0].deadline == view.holds[0].deadline
    assert "store_new_order" not in [notice.kind for notice in await order.notices()]
    assert await order.refused(order.accept()) is RefusalKind.HELD
    await order.until(lambda view: view.groups[0].status == "offered")
    await order.make_ready(1)
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    return order


async def changed_before_its_store_sees_it(shop: Shop) -> WatchedOrder:
    pickup = STANDARD.pickup.model_copy(update={"remorse": timedelta(minutes=10)})
    shop.policy = STANDARD.model_copy(update={"pickup": pickup})
    order = await shop.place(2)
    view = await order.record()
    assert (view.status, view.holds[0].kind, view.groups[0].status) == ("held", "remorse", "waiting")
    await change(order, ChangeWish(quantity={ONE: 1}))
    assert (await shop.levels())[1].reserved == 1
    resolve = messages.ResolveHold(**order.customer(hold_id=view.holds[0].hold_id, outcome="release"))
    await order.tell(OrderWorkflow.resolve_hold, resolve)
    await order.make_ready(1)
    await order.hand_over()
    assert await order.money() == ["authorise 9998", "void 4999", "capture 4999"]
    assert (await order.ended()).status == "completed"
    return order


async def out_of_stock_changes_nothing(shop: Shop) -> WatchedOrder:
    order = await shop.place(1)
    assert await order.refused(change(order, ChangeWish(quantity={ONE: 90}))) is RefusalKind.OUT_OF_STOCK
    stale = change(order, ChangeWish(quantity={ONE: 2}), version=(await order.record()).version + 5)
    assert await order.refused(stale) is RefusalKind.STALE_VERSION
    before = await order.record()
    preview = await order.handle.query(OrderWorkflow.change_plan, ChangeWish(quantity={ONE: 2}))
    assert preview.plan is not None
    assert (preview.plan.owed, await order.record()) == (PRICE, before)
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def reviewed_again_for_a_change(shop: Shop) -> WatchedOrder:
    order = await shop.place(1, customer=f"C-REVIEW-{shop.name}")
    await says_of_it(order, accept=True)
    assert (await change(order, ChangeWish(quantity={ONE: 2}), card(PRICE))).applied
    view = await order.record()
    assert (view.status, view.total, view.holds[0].kind) == ("held", 2 * PRICE, "fraud")
    assert await order.refused(order.accept()) is RefusalKind.HELD
    assert (await change(order, ChangeWish(quantity={ONE: 1}))).applied, "less is no other risk"
    await says_of_it(order, accept=True)
    assert (await order.events()).count("hold_placed") == 2
    assert (await change(order, sent_home())).applied
    view = await order.record()
    assert (view.status, view.groups[1].kind, view.groups[1].status) == ("held", "shipment", "queued")
    await says_of_it(order, accept=False)
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def says_of_it(order: WatchedOrder, *, accept: bool) -> None:
    """The answer of fraud screening to its review."""
    decision = messages.FraudDecision(event_id="1", accept=accept, actor=OPS)
    await order.handle.signal(OrderWorkflow.fraud_decision, decision)
    await order.until(lambda view: not view.holds)


async def declined_again_for_a_change(shop: Shop) -> WatchedOrder:
    order = await shop.place(1, customer=f"C-ONCE-{shop.name}")
    before = await order.record()
    for wish in (ChangeWish(quantity={ONE: 2}), sent_home()):
        assert await order.refused(change(order, wish, card(PRICE))) is RefusalKind.NOT_ALLOWED_NOW
    assert await order.record() == before
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 4999", "void 4999"]
    return order


async def shipped_from_where_its_stock_was_held(shop: Shop) -> WatchedOrder:
    order = await shop.place(2)
    wish = sent_home(Service.EXPRESS)
    for _ in range(2):
        assert not (await change(order, wish)).applied
        held = await shop.levels()
        assert (held[1].allocated, sum(level.reserved for level in held.values())) == (2, 2)
        place = next(shop.store(number) for number, level in held.items() if level.reserved)
        await order.tell(OrderWorkflow.drop_change, messages.DropChange(**order.customer()))
        assert [level.reserved for level in (await shop.levels()).values()] == [0, 0]
    assert not (await change(order, wish)).applied
    await order.pay(card(990))
    view = await order.record()
    assert [(group.store_id, group.status) for group in view.groups] == [
        (shop.store(1), "rejected"),
        (place, "offered"),
    ]
    await order.accept(2)
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def readdressed_at_another_price(shop: Shop) -> WatchedOrder:
    """What is dearer is paid first; what is cheaper is freed; exactly the last price is captured."""
    order = await shop.place_to_ship(2)
    there = NewAddress(destination=Destination(country="DE", latitude=52.2, longitude=13.1), origin=1_000_079)
    wish = ChangeWish(address=there, prices=NewPrices(shipping=250))
    assert not (await change(order, wish)).applied, "it waits for its payment"
    assert (await order.record()).groups[0].origin == 1
    await order.pay(card(250))
    assert (await order.record()).groups[0].origin == there.origin
    cheaper = ChangeWish(address=there.model_copy(update={"origin": 1_000_080}), prices=NewPrices(shipping=100))
    answer = await change(order, cheaper)
    assert (answer.applied, answer.plan.due, answer.plan.after.shipping) == (True, 150, 100)
    await order.make_packed(2)
    await order.carrier_says(await order.ship(), ParcelStatus.DELIVERED)
    assert (await order.ended()).payment.captured == 9998 + 100
    return order


CHANGING_JOURNEYS: dict[str, Journey] = {
    story.__name__: story
    for story in (
        cut_after_authorisation,
        raised_and_paid_at_once,
        line_added_and_paid_later,
        raised_and_not_paid,
        declined_and_then_dropped,
        cancelled_while_a_change_waits,
        sent_home_instead,
        sent_to_another_country,
        sent_faster,
        rejected_and_sent_home,
        declined_again_for_a_change,
        changed_while_picking,
        paid_in_part_and_then_declined,
        changed_twice_at_once,
        paid_before_it_grows,
        the_bank_is_asked_about_a_change,
        its_window_for_changes_ends,
        changed_before_its_store_sees_it,
        out_of_stock_changes_nothing,
        reviewed_again_for_a_change,
        shipped_from_where_its_stock_was_held,
        readdressed_at_another_price,
    )
}

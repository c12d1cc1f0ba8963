"""What the counter records when the world changes between a look and a step, or is told late."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from activities.milestones import StockOperation
from domain.actors import ENGINE
from domain.alternatives import StoreOffer
from domain.groups import GroupStatus, WaitsFor
from domain.hand_over_codes import MOST_SERIALS
from domain.holds import HoldOutcome
from domain.ids import CommandId, StoreId
from domain.notices import NoticeKind
from domain.pickups import PickupGroup, ProofKind
from domain.refusals import Refused
from domain.store_hours import always_open
from domain.timeline import Event
from domain.units import UnitState
from tests.domain.sample_orders import PLACED, A, B, C, after, line, terms
from tests.workflows.alone import Alone, set_up
from workflows.choosing import Choosing
from workflows.collecting import Collecting
from workflows.counter import Counter
from workflows.desk import Desk
from workflows.holds import Holds
from workflows.messages import (
    CancelReason,
    ChoiceOption,
    Choose,
    GiveOut,
    Intervene,
    InterventionAction,
    ReportShortage,
    ResendCode,
    ShortageResolution,
)
from workflows.payment_calls import TILL
from workflows.pickup import PickupProcess


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


def ready() -> tuple[Desk, PickupGroup]:
    """Three units are staged until tomorrow, and their code is the first."""
    desk = Desk(terms(line(A, 3, 300)))
    desk.book.visible = True
    group = desk.order.group(1)
    for target, source in (("allocated", "open"), ("picked", "allocated"), ("ready", "picked")):
        group.move(A, UnitState(target), 3, UnitState(source))
    group.waits_for, group.offered_at, group.ready_at, group.code_serial = None, PLACED, PLACED, 1
    group.deadline = after(days=1)
    return desk, group


def command(**about: Any) -> dict[str, Any]:
    return {"command_id": CommandId("c1"), "actor": ENGINE, "n": 1} | about


async def test_a_shortage_is_on_record_also_when_the_other_store_has_just_sold_out(alone: Alone) -> None:
    desk, _ = ready()
    alone.offers = [
        StoreOffer(store_id=StoreId(name), latitude=52.0, longitude=13.0, available={"sku-A": 1})
        for name in ("S2", "S3")
    ]
    alone.lacking = 1
    missing = ReportShortage(**command(lines={A: 1}, resolution=ShortageResolution.OTHER_STORE))
    await Counter(desk).shortage(missing)
    assert alone.moved() == [(StockOperation.RELEASE, 1), (StockOperation.VARIANCE, 1), (StockOperation.TAKE, 1)]
    assert alone.events().count("shortage_at_counter") == 1
    assert desk.order.group(2).store_id == "S3"


async def test_a_late_report_about_the_rest_of_a_pickup_is_no_repetition_of_the_first_part(alone: Alone) -> None:
    desk, group = ready()
    counter = Counter(desk)
    [tender] = desk.order.tenders
    tender.captured = tender.amount  # all is paid, so that no provider is asked
    first = GiveOut(**command(code_serials=[1], lines={A: 1}, at=after(hours=1)))
    await counter.hand_over(first)
    alone.now = after(days=1)
    await PickupProcess(desk, group).window_is_over()
    assert group.put_back == {A: 2}
    again = await counter.hand_over(first.model_copy(update={"command_id": CommandId("c2")}))
    assert again.already
    offline = {"command_id": CommandId("c3"), "lines": None, "at": after(hours=2)}
    late = await counter.hand_over(first.model_copy(update=offline))
    assert (late.already, group.put_back, group.count(UnitState.HANDED_OVER)) == (False, {}, 3)
    assert alone.moved()[-1] == (StockOperation.CONSUME_LATE, 2)
    assert (await counter.hand_over(first.model_copy(update=offline | {"at": after(hours=3)}))).already


async def test_a_report_of_what_was_put_back_meanwhile_hands_nothing_over(alone: Alone) -> None:
    desk, group = ready()
    alone.now = after(days=1) + timedelta(minutes=1)
    await PickupProcess(desk, group).window_is_over()
    group.put_back = {}
    with pytest.raises(Refused):
        await Counter(desk).hand_over(GiveOut(**command(code_serials=[1], at=after(hours=2))))
    assert group.hand_overs == []


async def test_no_code_is_sent_that_the_counter_would_not_know(alone: Alone) -> None:
    desk, group = ready()
    group.code_serial = MOST_SERIALS - 1
    again = ResendCode(**command())
    await Collecting(desk).resend_code(again)
    with pytest.raises(Refused):
        await Collecting(desk).resend_code(again)
    assert (group.code_serial, alone.notices()) == (MOST_SERIALS, ["code_resent"])


async def test_who_waits_for_stock_cannot_move_the_end_of_the_wait_by_choosing_it_again(alone: Alone) -> None:
    desk, group = ready()
    group.move(A, UnitState.OPEN, 3, UnitState.READY)
    desk.ask_for_choice(group, "not_in_stock")
    wait = Choose(**command(option=ChoiceOption.WAIT))
    assert not (await Choosing(desk).choose(wait)).already
    end = group.choose_by
    alone.now = after(days=5)
    assert (await Choosing(desk).choose(wait)).already
    assert (group.choose_by, alone.notices().count("choice_applied")) == (end, 1)
    desk.ask_for_choice(group, "not_in_stock")  # it came, and was not there after all
    assert not (await Choosing(desk).choose(wait)).already


async def test_who_waited_for_stock_is_told_that_it_came_and_not_that_another_store_was_chosen(alone: Alone) -> None:
    desk, group = ready()
    group.move(A, UnitState.OPEN, 3, UnitState.READY)
    group.waits_for = WaitsFor.STOCK
    await Choosing(desk).stock_arrived(group)
    notices = [notice for milestone in alone.milestones for notice in milestone.notices]
    assert [each.facts.choice for each in notices if each.kind is NoticeKind.CHOICE_APPLIED] == ["in_stock"]


@pytest.mark.parametrize("counts", [True, False])
async def test_a_late_report_of_what_was_cancelled_meanwhile_is_a_persons_matter(alone: Alone, counts: bool) -> None:
    desk, group = ready()
    desk.order.tenders[0].captured = 300
    await desk.cancel_everything(CancelReason.CUSTOMER)
    await desk.book.record()
    report = GiveOut(**command(code_serials=[1], at=after(hours=1)))
    for _ in range(2):
        with pytest.raises(Refused, match="kept for operations"):
            await Counter(desk).hand_over(report)
    await asyncio.wait_for(alone.come_true(lambda: bool(desk.order.interventions)), 2)
    [question] = desk.order.interventions
    decision = InterventionAction.RETRY if counts else InterventionAction.SKIP
    given: dict[str, Any] = {"command_id": CommandId("c2"), "actor": ENGINE, "reason": "asked the customer"}
    await desk.people.answer(Intervene(**given, intervention_id=question.intervention_id, action=decision))
    await asyncio.wait_for(alone.come_true(lambda: not desk.crew.runs(f"late report 1 {report.at}")), 2)
    assert group.status is (GroupStatus.COLLECTED if counts else GroupStatus.CANCELLED)
    assert group.put_back == ({} if counts else {A: 3})
    assert ((StockOperation.CONSUME_LATE, 3) in alone.moved()) is counts


async def test_what_the_counter_reports_is_on_record(alone: Alone) -> None:
    desk = Desk(terms(line(A, 1, 100), line(B, 2, 200), line(C, 1, 100)))
    desk.book.visible = True
    group = desk.order.group(1)
    for each, units in {A: 1, B: 2, C: 1}.items():
        for target, source in (("allocated", "open"), ("picked", "allocated"), ("ready", "picked")):
            group.move(each, UnitState(target), units, UnitState(source))
    group.waits_for, group.offered_at, group.ready_at, group.code_serial = None, PLACED, PLACED, 1
    group.deadline = after(days=1)
    [paid] = desk.order.tenders
    paid.captured, paid.captures = 400, {TILL: 400}
    refused = {"refused": {A: 1, B: 2}, "refusal_reasons": {A: "Too small"}}
    proof = {"proof": ProofKind.SIGNATURE, "proof_ref": "SIG-1"}
    await Counter(desk).hand_over(GiveOut(**command(code_serials=[1]) | refused | proof))
    events = [entry for milestone in alone.milestones for entry in milestone.change.events]
    told = [(entry.reason, entry.data.lines) for entry in events if entry.event is Event.REFUSED_AT_COUNTER]
    assert told == [("Too small", {A: 1}), ("refused at the counter", {B: 2})]
    [handed_over] = [entry.data for entry in events if entry.event is Event.HANDED_OVER]
    assert (handed_over.proof, handed_over.proof_ref) == ("signature", "SIG-1")
    [kept] = group.hand_overs
    assert (kept.proof_ref, kept.refusal_reasons) == ("SIG-1", {A: "Too small"})


def reason_told(alone: Alone) -> list[tuple[str, str | None]]:
    return [
        (notice.kind.value, notice.facts.reason)
        for milestone in alone.milestones
        for notice in milestone.notices
        if notice.kind in (NoticeKind.ORDER_CANCELLED, NoticeKind.LINES_CANCELLED)
    ]


async def test_who_refuses_everything_is_told_that_the_order_has_ended(alone: Alone) -> None:
    desk, _ = ready()
    await Counter(desk).hand_over(GiveOut(**command(code_serials=[1], refused={A: 3})))
    assert reason_told(alone) == [("order_cancelled", "refused")]


async def test_who_makes_no_choice_is_not_told_of_a_window_that_never_began(alone: Alone) -> None:
    desk, group = ready()
    desk.give_back(group, {A: 3})
    desk.ask_for_choice(group, "store_silent")
    alone.now = after(days=30)
    await PickupProcess(desk, group).customer_chooses()
    assert reason_told(alone) == [("order_cancelled", "no_choice")]


async def test_who_waits_for_stock_reads_for_what_and_until_when(alone: Alone) -> None:
    desk, group = ready()
    desk.give_back(group, {A: 3})
    Choosing(desk).wait_for_stock(group)
    await desk.book.record()
    [notice] = [each for each in alone.milestones[0].notices if each.kind is NoticeKind.CHOICE_APPLIED]
    assert [line.quantity for line in notice.facts.lines] == [3]


async def test_who_never_confirmed_a_payment_is_not_told_of_a_decline(alone: Alone) -> None:
    desk, _ = ready()
    holds = Holds(desk)
    holds.ask_customer_to_pay(confirm=True)
    [hold] = desk.order.holds
    await holds.resolve(hold, HoldOutcome.CANCEL, ENGINE, "deadline")
    assert reason_told(alone) == [("order_cancelled", "payment_expired")]
    desk.crew.stop()


async def test_a_notice_about_the_whole_order_has_the_zone_of_its_only_store(alone: Alone) -> None:
    desk, group = ready()
    desk.book.hours[group.store_id] = always_open("Europe/Berlin")
    Holds(desk).ask_customer_to_pay(confirm=False)
    await desk.book.record()
    assert [notice.facts.zone for notice in alone.milestones[0].notices] == ["Europe/Berlin"]
    desk.crew.stop()

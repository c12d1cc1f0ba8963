"""`/v1/returns`: what customers bring back, in whatever channel they bought it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from adapters.access.port import PrincipalKind, Role
from adapters.returns.port import ReturnFilter
from domain.ids import LineId, OrderId, ReturnId, Sku, StoreId, derived_id
from domain.refunds import split_over_tenders
from domain.refusals import Refused
from domain.returns.decision import Outcome, ReturnDecision
from domain.returns.exchanging import EXCHANGED, ExchangedLine, ExchangeState, gap_of
from domain.returns.policy import AdvanceRule
from domain.returns.returned import Return, ReturnView
from domain.returns.settling import paid_lines, settle
from domain.returns.words import ReturnKind, ReturnStatus, ReturnVia
from domain.views import OrderView
from gateway.answering import PENDING, pending, problem_of
from gateway.commands import StillWorking
from gateway.happened import check_happened
from gateway.idempotency import CommandRoute, CurrentCommandId, repeatable
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller
from gateway.problems import Problem, ProblemKind, invalid
from gateway.reading import place_of
from gateway.returns import asking, bodies, exchanging
from gateway.returns.carrying import at_machine
from gateway.returns.finding import look_up, order_to_return
from gateway.returns.sending import carry_out, visible_return
from gateway.returns.starting import start
from gateway.returns.turning_up import take_in_late
from gateway.returns.without_order import BlindReturnSeen, BlindReturnShown, blind_return, take_back_blind
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
from gateway.stores.bodies import quantities
from workflows import return_messages as messages
from workflows import summaries
from workflows.returns import ReturnWorkflow

router = APIRouter(prefix="/v1/returns", route_class=CommandRoute, tags=["returns"])

DESK = (PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS)
STAFF = (PrincipalKind.STORE, PrincipalKind.OPS)
OVERRIDING = (Role.MANAGER, Role.OPS, Role.OPS_MANAGER)
"""Who may approve what the policy refuses."""
Filter = Annotated[str | None, Query(max_length=64)]


class RefundPreview(BaseModel):
    """What a return would bring, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refund: int
    """What would be paid back, after what is wanted instead is paid."""
    owed: int
    """What the customer would pay on top for it."""
    exchanged: list[ExchangedLine] = []
    by_line: list[dict[str, Any]]
    by_tender: list[dict[str, Any]]
    fees: int
    advance: int = 0
    """What of it is paid back as soon as it is given away, before it has come."""
    if_lost: AdvanceRule | None = None
    """What becomes of that, should the goods never come. `charge`: the card in `tenders` is charged."""
    reasons: list[ReturnDecision]


@router.post(
    "",
    status_code=201,
    summary="Ask for a return; the answer is the policy's decision for each line",
    response_model=ReturnView | BlindReturnShown,
    responses=PENDING,
)
async def ask(
    caller: CurrentCaller, services: CurrentServices, command_id: CurrentCommandId, body: bodies.ReturnBody
) -> Any:
    await must_act_as(caller, *DESK)
    if body.blind is not None:
        return await take_back_blind(services, caller, command_id, body, body.blind)
    body = await at_machine(services, body)
    order = await _order(services, caller, body)
    state = await _asked(services, caller, order, body, ReturnId(derived_id("return", command_id)))
    at_counter = caller.principal.kind is PrincipalKind.STORE and body.via is ReturnVia.STORE
    try:
        begins = messages.ReturnStart(asked=state, at_counter=at_counter)
        run, request = ReturnWorkflow.run, ReturnWorkflow.request
        return await start(services, order, begins, run, request, summaries.returned(state), body.sender)
    except StillWorking:
        return pending(f"/v1/returns/{state.return_id}")
    except Refused as refused:

        async def nothing() -> None:
            return None

        raise await problem_of(refused, nothing) from None


@router.post("/preview", summary="What a return would bring, and why; nothing is changed")
@repeatable
async def preview(caller: CurrentCaller, services: CurrentServices, body: bodies.ReturnBody) -> RefundPreview:
    await must_act_as(caller, *DESK)
    body = await at_machine(services, body)
    order = await _order(services, caller, body)
    facts = await asking.facts_of(services, order)
    decided = asking.decide(order, body, facts, services.now())
    allowed = [each for each in decided if each.decision.outcome is not Outcome.REFUSED]
    state = asking.state_of(order, body, decided, facts, caller, ReturnId("preview"), "en", services.now())
    return await _preview(
        services,
        order,
        {each.line.line_id: each.wanted.quantity for each in allowed},
        state,
        [each.decision for each in decided],
        exchanged=(await exchanging.wanted_of(services, order, body, decided, facts)).lines,
    )


@router.post("/{return_id}/preview", summary="What a return would bring as it stands; nothing is changed")
@repeatable
async def preview_of(return_id: str, caller: CurrentCaller, services: CurrentServices) -> RefundPreview:
    await must_act_as(caller, *DESK)
    view = await visible_return(services, caller, return_id)
    order = await order_to_return(services, caller, view.order_id)
    open_units = {
        line.line_id: line.undecided + line.awaited + line.received + line.accepted - line.settled
        for line in view.lines
    }
    body = bodies.ReturnBody(
        order_id=order.order_id,
        kind=view.kind,
        via=view.via,
        locker_id=view.locker.locker_id if view.locker is not None else None,
        refund_to=view.refund_to,
        tenders=[],
        lines=[
            bodies.WantedReturn(
                line_id=line.line_id, quantity=line.quantity, reason=line.reason, evidence=line.evidence
            )
            for line in view.lines
        ],
    )
    facts = await asking.facts_of(services, order)
    decided = asking.decide(order, body, facts, view.requested_at)
    state = asking.state_of(order, body, decided, facts, caller, view.return_id, "en", services.now())
    return await _preview(
        services,
        order,
        {line: n for line, n in open_units.items() if n},
        state,
        [line.decision for line in view.lines],
        fee_charged_before=view.fees > 0,
        given_away=view.status not in (ReturnStatus.REQUESTED, ReturnStatus.APPROVED),
        exchanged=view.exchange.lines
        if view.exchange and view.exchange.state is not ExchangeState.FELL_THROUGH
        else (),
    )


@router.get("", summary="Find returns, newest first")
async def find(
    caller: CurrentCaller,
    services: CurrentServices,
    page: CurrentPage,
    order_id: Filter = None,
    customer: Filter = None,
    status: ReturnStatus | None = None,
    store: Filter = None,
) -> Page[ReturnView]:
    if not caller.sees_all_orders:
        if caller.principal.kind is PrincipalKind.STORE and order_id is None:
            store = caller.principal.store_id
        elif order_id is None:
            raise invalid("/query/order_id", "Name the order whose returns you want")
        if order_id is not None:
            await order_to_return(services, caller, OrderId(order_id))
    wanted = ReturnFilter(
        order_id=OrderId(order_id) if order_id else None,
        customer_ref=customer,
        status=status,
        store_id=StoreId(store) if store else None,
    )
    after = None
    if page.after is not None:
        at, last_id = page.after
        after = datetime.fromisoformat(str(at)), str(last_id)
    async with services.transactions.begin() as books:
        found = await books.returns.find(wanted, after=after, limit=page.limit + 1)
    views = found[: page.limit]
    last = views[-1] if len(found) > page.limit else None
    return page.page(views, (last.requested_at.isoformat(), last.return_id) if last else None)


@router.get("/{return_id}", summary="One return", response_model=ReturnView | BlindReturnSeen)
async def read(return_id: str, caller: CurrentCaller, services: CurrentServices) -> Any:
    if (blind := await blind_return(services, caller, return_id)) is not None:
        return blind
    return await visible_return(services, caller, return_id)


@router.post(
    "/{return_id}/approve",
    summary="Approve what waits for a person; a manager also what the policy refuses",
    response_model=ReturnView,
    responses=PENDING,
)
async def approve(
    return_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ApproveReturnBody,
) -> Any:
    await must_act_as(caller, *STAFF)
    view = await visible_return(services, caller, return_id)
    lines = quantities(body.lines) if body.lines is not None else None
    refused = {line.line_id: line.refused for line in view.lines if line.refused}
    overrides = bool(refused) and (
        (lines is None and not any(line.undecided or line.awaited for line in view.lines))
        or (
            lines is not None
            and any(lines.get(line.line_id, 0) > line.undecided + line.awaited for line in view.lines if line.refused)
        )
    )
    if overrides:
        if not caller.has(*OVERRIDING):
            raise await caller.refused("needs the role manager or ops: the policy refuses this return")
        if body.reason is None:
            raise invalid("/reason", "Say why the policy is overridden")
    command = messages.ApproveReturn(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        lines=lines,
        reason=body.reason,
        override=overrides,
    )
    return await carry_out(services, view, ReturnWorkflow.approve, command)


@router.post("/{return_id}/reject", summary="Refuse units", response_model=ReturnView, responses=PENDING)
async def reject(
    return_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.RejectReturnBody,
) -> Any:
    await must_act_as(caller, *STAFF)
    view = await visible_return(services, caller, return_id)
    command = messages.RejectReturn(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        lines=quantities(body.lines) if body.lines is not None else None,
        reason=body.reason,
    )
    return await carry_out(services, view, ReturnWorkflow.reject, command)


@router.post(
    "/{return_id}/drop-off",
    summary="The goods are with a carrier or a partner",
    response_model=ReturnView,
    responses=PENDING,
)
async def drop_off(
    return_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.DropOffBody,
) -> Any:
    await must_act_as(caller, *DESK)
    view = await visible_return(services, caller, return_id)
    asked = f"the return was asked for, at {view.requested_at:%FT%TZ}"
    check_happened(body.at, "/at", services.now(), since=view.requested_at, before=asked)
    command = messages.DropOff(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        at=body.at,
        carrier=body.carrier,
        tracking_number=body.tracking_number,
    )
    return await carry_out(services, view, ReturnWorkflow.drop_off, command)


@router.post("/{return_id}/receive", summary="What really came", response_model=ReturnView, responses=PENDING)
async def receive(
    return_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ReceiveReturnBody,
) -> Any:
    await must_act_as(caller, *STAFF)
    await caller.must_act_at(body.store_id)
    await place_of(services, body.store_id)
    view = await visible_return(services, caller, return_id)
    command = messages.ReceiveReturn(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        store_id=StoreId(body.store_id),
        lines=[
            messages.ReceivedUnits(
                line_id=LineId(line.line_id) if line.line_id else None,
                sku=Sku(line.sku) if line.sku else None,
                quantity=line.quantity,
                condition=line.condition,
                disposition=line.disposition,
            )
            for line in body.lines
        ],
    )
    return await carry_out(
        services, view, ReturnWorkflow.receive, command, lambda over: take_in_late(services, over, command)
    )


@router.post(
    "/{return_id}/inspect", summary="Accept what came, or not, and say where it goes", response_model=ReturnView,
    responses=PENDING,
)  # fmt: skip
async def inspect(
    return_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.InspectReturnBody,
) -> Any:
    await must_act_as(caller, *STAFF)
    view = await visible_return(services, caller, return_id)
    store = body.store_id or view.store_id
    if store is not None:
        await caller.must_act_at(store)
        elsewhere = bool(view.received_in) and store not in view.received_in
        if caller.principal.kind is PrincipalKind.STORE and elsewhere:
            raise await caller.hidden("goods that are in another store")
    command = messages.InspectReturn(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        store_id=StoreId(store) if store else None,
        lines=[units for line in body.lines for units in _inspected(line)],
    )
    return await carry_out(services, view, ReturnWorkflow.inspect, command)


@router.post("/{return_id}/settle", summary="Pay back what was accepted", response_model=ReturnView, responses=PENDING)
async def settle_return(
    return_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.SettleReturnBody,
) -> Any:
    await must_act_as(caller, *STAFF)
    view = await visible_return(services, caller, return_id)
    command = messages.SettleReturn(
        command_id=command_id, actor=caller.actor, version=body.version, refund_to=body.refund_to
    )

    async def settled(over: ReturnView) -> ReturnView:
        if over.paid_back:
            return over
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, f"This return is {over.status} and over.", current=over)

    return await carry_out(services, view, ReturnWorkflow.settle, command, settled)


@router.post("/{return_id}/cancel", summary="Call off what has not come", response_model=ReturnView, responses=PENDING)
async def cancel(
    return_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.CancelReturnBody,
) -> Any:
    await must_act_as(caller, *DESK)
    view = await visible_return(services, caller, return_id)
    command = messages.CancelReturn(command_id=command_id, actor=caller.actor, version=body.version, reason=body.reason)
    return await carry_out(services, view, ReturnWorkflow.cancel, command)


# --- what they share --------------------------------------------------------------------------------------------------


async def _order(services: Services, caller: Caller, body: bodies.ReturnBody) -> OrderView:
    """The order that a request is about. Raises 404, 422."""
    if body.kind is ReturnKind.APPEASEMENT:
        raise invalid("/kind", "Goodwill is given under /v1/orders/{id}/appeasements")
    if body.store_id is not None:
        async with services.transactions.begin() as books:
            if await books.places.place(StoreId(body.store_id)) is None:
                raise invalid("/store_id", "Unknown store or warehouse")
    if body.order_id is not None:
        return await order_to_return(services, caller, OrderId(body.order_id))
    if body.lookup is None:
        raise invalid("/blind", "What comes back without its order has no preview")
    return await look_up(services, caller, body.lookup)


async def _asked(
    services: Services, caller: Caller, order: OrderView, body: bodies.ReturnBody, return_id: ReturnId
) -> Return:
    facts = await asking.facts_of(services, order)
    now = services.now()
    decided = asking.decide(order, body, facts, now)
    locale = await asking.locale_of(services, order.order_id)
    asked = exchanging.Asked(return_id, caller, now, locale)
    exchange = await exchanging.exchange_of(services, order, body, decided, facts, asked)
    return asking.state_of(order, body, decided, facts, caller, return_id, locale, now, exchange)


async def _preview(
    services: Services,
    order: OrderView,
    units: dict[LineId, int],
    state: Return,
    decisions: list[ReturnDecision],
    *,
    fee_charged_before: bool = False,
    given_away: bool = False,
    exchanged: Sequence[ExchangedLine] = (),
) -> RefundPreview:
    facts = await asking.facts_of(services, order)
    replaced = {line.line_id for line in exchanged}
    policies = {line.line_id: EXCHANGED if line.line_id in replaced else line.policy for line in state.lines}
    settled = settle(1, paid_lines(order, facts.settled), units, policies, fee_charged_before=fee_charged_before)
    tenders = await asking.tenders(services, order)
    gap = gap_of(exchanged)
    back = settled.refund - sum(line.credit for line in exchanged) + gap.back
    shares = split_over_tenders(back, tenders.tenders, state.lines[0].terms.tenders)
    sent = state.via is not ReturnVia.STORE and not given_away and not exchanged
    in_advance = state.pays_in_advance() if sent else {}
    advance = sum(line.unit_worth * in_advance.get(line.line_id, 0) for line in state.lines)
    return RefundPreview(
        refund=back,
        owed=gap.owed,
        exchanged=list(exchanged),
        by_line=[
            {
                "line_id": line_id,
                "quantity": quantity,
                "amount": settled.goods[line_id],
                "shipping": settled.shipping.get(line_id, 0),
            }
            for line_id, quantity in settled.units.items()
        ],
        by_tender=[{"tender_id": share.tender_id, "type": share.type, "amount": share.amount} for share in shares],
        fees=settled.fees,
        advance=min(back, advance),
        if_lost=state.lines[0].terms.lost_advance if advance else None,
        reasons=decisions,
    )


def _inspected(line: bodies.InspectedLine) -> list[messages.InspectedUnits]:
    """`accepted` says yes, no, or how many of the units."""
    accepted = line.quantity * line.accepted if isinstance(line.accepted, bool) else line.accepted
    if accepted > line.quantity:
        raise invalid("/lines", "No more units are accepted than were inspected")
    return [
        messages.InspectedUnits(
            line_id=LineId(line.line_id),
            quantity=quantity,
            accepted=is_accepted,
            condition=line.condition,
            disposition=line.disposition,
        )
        for quantity, is_accepted in ((accepted, True), (line.quantity - accepted, False))
        if quantity
    ]

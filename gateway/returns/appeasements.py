"""`/v1/orders/{order_id}/appeasements`: goodwill within the role's limit; above it a second person approves it."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from adapters.access.port import PrincipalKind
from domain.balances import BalanceId
from domain.ids import OrderId, ReturnId, derived_id
from domain.money import Currency
from domain.refunds import RefundTarget
from domain.refusals import Refused
from domain.returns.goodwill import Goodwill, limit_of
from domain.returns.policy import ReturnPolicy
from domain.returns.returned import Return, ReturnView
from domain.returns.settling import goodwill_of
from domain.returns.words import ReturnKind, ReturnStatus, ReturnVia
from domain.views import OrderView
from domain.waits import Wait
from gateway.answering import PENDING, pending, problem_of
from gateway.commands import StillWorking
from gateway.fields import Body, LongText, PositiveAmount
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import Caller, CurrentCaller
from gateway.problems import Problem, ProblemKind, invalid
from gateway.returns import asking
from gateway.returns.finding import order_to_return
from gateway.returns.starting import start
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
from workflows import summaries
from workflows.appeasing import AppeasementWorkflow
from workflows.return_messages import ReturnStart

router = APIRouter(prefix="/v1/orders/{order_id}/appeasements", route_class=CommandRoute, tags=["returns"])

DECIDE_WITHIN = 7
"""Days, as long as the pack plays them; then it is refused."""
Order = Annotated[str, Path(max_length=64)]


class AppeasementBody(Body):
    amount: PositiveAmount
    reason: Annotated[LongText, Field(max_length=500)]
    to: RefundTarget = RefundTarget.ORIGINAL


class AppeasementShown(BaseModel):
    """What is given, whether somebody has to approve it, and what has gone back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    appeasement_id: ReturnId
    order_id: OrderId
    amount: int
    currency: Currency
    reason: str
    to: RefundTarget
    status: str
    """`awaiting_approval`, `refused`, `paying`, `paid`, `needs_attention`."""
    requested_by: str | None = None
    decided_by: str | None = None
    refunded: int = 0
    by_tender: dict[str, int] = {}
    by_target: dict[RefundTarget, int] = {}
    balance_id: BalanceId | None = None
    waiting_for: Sequence[Wait] = ()


def shown(view: ReturnView) -> AppeasementShown:
    goodwill = view.goodwill
    assert goodwill is not None, "it is an appeasement"
    statuses = {
        ReturnStatus.REQUESTED: "awaiting_approval",
        ReturnStatus.REJECTED: "refused",
        ReturnStatus.NEEDS_ATTENTION: "needs_attention",
    }
    paid = "paid" if view.refunded >= goodwill.amount or view.finished else "paying"
    settled = view.paid_back[0] if view.paid_back else None
    return AppeasementShown(
        appeasement_id=view.return_id,
        order_id=view.order_id,
        amount=goodwill.amount,
        currency=view.currency,
        reason=goodwill.reason,
        to=goodwill.to,
        status=statuses.get(view.status, paid),
        requested_by=goodwill.asked_by,
        decided_by=goodwill.decided_by,
        refunded=view.refunded,
        by_tender=settled.by_tender if settled else {},
        by_target=settled.by_target if settled else {},
        balance_id=settled.balance_id if settled else None,
        waiting_for=view.waiting_for,
    )


@router.post(
    "",
    status_code=201,
    summary="Give goodwill: money, and nothing has to come back",
    response_model=AppeasementShown,
    responses=PENDING,
)
async def appease(
    order_id: Order,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    response: Response,
    body: AppeasementBody,
) -> Any:
    """Within the limit of the caller's role, all goodwill of the order together, it is paid at once. Above it the
    answer is `awaiting_approval`, and somebody with a higher limit decides under `/v1/approvals`.
    """
    await must_act_as(caller, PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS)
    if body.to is RefundTarget.GIFT_CARD:
        raise invalid("/to", "Should be original or store_credit")
    order = await order_to_return(services, caller, OrderId(order_id))
    policy = (await asking.facts_of(services, order)).policy
    await _check_room(services, order, body.amount)
    state = await _state(services, caller, order, policy, body, ReturnId(derived_id("appeasement", command_id)))
    response.headers["Location"] = f"/v1/orders/{order.order_id}/appeasements"
    try:
        begins = ReturnStart(asked=state)
        run, request = AppeasementWorkflow.run, AppeasementWorkflow.request
        return shown(await start(services, order, begins, run, request, summaries.appeasement(state)))
    except StillWorking:
        return pending(f"/v1/orders/{order.order_id}/appeasements")
    except Refused as refused:

        async def nothing() -> None:
            return None

        raise await problem_of(refused, nothing) from None


@router.get("", summary="The goodwill that was given, or asked for, for an order")
async def of_order(order_id: Order, caller: CurrentCaller, services: CurrentServices) -> dict[str, Any]:
    await must_act_as(caller, PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS)
    order = await order_to_return(services, caller, OrderId(order_id))
    async with services.transactions.begin() as books:
        views = await books.returns.of_order(order.order_id)
    return {"items": [shown(view) for view in views if view.goodwill is not None], "next_cursor": None}


async def _check_room(services: Services, order: OrderView, amount: int) -> None:
    tenders = await asking.tenders(services, order)
    room = sum(tender.available for tender in tenders.tenders)
    if amount > room:
        detail = f"{room} of what was taken for this order can still go back, not {amount}."
        raise Problem(ProblemKind.BEYOND_LIMIT, detail)


async def _state(
    services: Services,
    caller: Caller,
    order: OrderView,
    policy: ReturnPolicy,
    body: AppeasementBody,
    return_id: ReturnId,
) -> Return:
    now = services.now()
    async with services.transactions.begin() as books:
        before = goodwill_of(
            each for each in await books.returns.of_order(order.order_id) if each.return_id != return_id
        )
    goodwill = Goodwill(
        amount=body.amount,
        reason=body.reason,
        to=body.to,
        tenders=policy.terms.tenders,
        limit=limit_of((role.value for role in caller.principal.roles), policy.appeasement_limits),
        asked_by=caller.principal.id,
    )
    goodwill.awaits = not goodwill.within(before)
    return Return(
        return_id=return_id,
        order_id=order.order_id,
        external_id=order.external_id,
        channel=caller.principal.channel,
        customer_ref=order.customer_ref,
        locale=await asking.locale_of(services, order.order_id),
        currency=order.currency,
        kind=ReturnKind.APPEASEMENT,
        via=ReturnVia.STORE,
        requested_at=now,
        requested_by=caller.actor,
        policy_name=policy.name,
        policy_version=policy.version,
        refund_to=body.to,
        lines=[],
        goodwill=goodwill,
        decide_by=now + DECIDE_WITHIN * services.policy.day if goodwill.awaits else None,
    )

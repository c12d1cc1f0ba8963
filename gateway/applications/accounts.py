"""`/v1/accounts`: the same balances, schedule and payoff in every channel, and repayments through any of them."""

import contextlib
from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from temporalio.service import RPCError

from adapters.access.port import PrincipalKind
from adapters.banking.port import Account, KeyReused, NothingOwed, UnknownAccount
from domain.ids import application_workflow_id, derived_id
from domain.lending.accounts import (
    AccountKind,
    Balances,
    Payoff,
    Posting,
    Transaction,
    TransactionKind,
    TransactionState,
    balances,
    payoff,
)
from domain.lending.schedule import Instalment
from domain.views import View
from gateway.applications import bodies
from gateway.applications.listing import whole_unless_asked
from gateway.applications.sending import visible_application
from gateway.commands import PATIENCE
from gateway.fields import Instant
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller
from gateway.problems import Problem, ProblemKind, invalid, not_found
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
from workflows.application import ApplicationWorkflow

router = APIRouter(prefix="/v1/accounts/{account_id}", route_class=CommandRoute, tags=["accounts"])


class BalancesShown(Balances):
    account_id: str
    kind: AccountKind


class TransactionShown(View):
    """`amount`: the sum of what was posted to debit, minor units."""

    key: str
    kind: TransactionKind
    state: TransactionState
    at: datetime
    value_date: date
    postings: tuple[Posting, ...]
    channel: str | None
    amount: int


async def _account(services: Services, caller: Caller, account_id: str) -> tuple[Account, str]:
    """The account, if the caller may know of its application; and the zone of its days."""
    try:
        account = await services.lending.banking.account(account_id)
    except UnknownAccount:
        raise not_found() from None
    stored = await visible_application(services, caller, account.terms.application_id)
    product = await services.lending.products.version(stored.view.product, stored.view.product_version)
    return account, product.zone if product else "UTC"


def _day(at: datetime, zone: str) -> date:
    """Raises 422 for a moment that is on no day there."""
    try:
        return at.astimezone(ZoneInfo(zone)).date()
    except OverflowError:
        raise invalid("/query/as_of", f"Should be a time that exists in {zone}") from None


@router.get("/balances", summary="Balances by type, as of a time")
async def read_balances(
    account_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    as_of: Annotated[Instant | None, Query()] = None,
) -> BalancesShown:
    account, zone = await _account(services, caller, account_id)
    at = as_of or services.now()
    found = balances(account.terms, account.transactions, at, _day(at, zone))
    return BalancesShown(account_id=account_id, kind=account.terms.kind, **found.model_dump())


@router.get("/transactions", summary="What was posted, booked and pending")
async def read_transactions(
    account_id: str, caller: CurrentCaller, services: CurrentServices, page: CurrentPage
) -> Page[TransactionShown]:
    account, _ = await _account(services, caller, account_id)
    return whole_unless_asked(page, [_shown(each, each.amount) for each in account.transactions])


@router.get("/schedule", summary="The instalments as they were agreed")
async def read_schedule(
    account_id: str, caller: CurrentCaller, services: CurrentServices, page: CurrentPage
) -> Page[Instalment]:
    account, _ = await _account(services, caller, account_id)
    return whole_unless_asked(page, account.instalments)


@router.get("/payoff", summary="What would settle it on a day")
async def read_payoff(
    account_id: str, caller: CurrentCaller, services: CurrentServices, on: Annotated[date | None, Query()] = None
) -> Payoff:
    account, zone = await _account(services, caller, account_id)
    day = on or _day(services.now(), zone)
    if day < account.terms.opened_on:
        raise invalid("/query/on", f"Should not be before {account.terms.opened_on}")
    return payoff(account.terms, account.transactions, day)


@router.post("/repayments", status_code=201, summary="Repay, once")
async def repay(
    account_id: str,
    body: bodies.RepaymentBody,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> TransactionShown:
    await must_act_as(caller, PrincipalKind.CHANNEL, PrincipalKind.OPS)
    account, zone = await _account(services, caller, account_id)
    if body.currency is not None and body.currency != account.terms.currency:
        raise invalid("/currency", f"Should be {account.terms.currency}")
    now = services.now().astimezone(UTC)
    key = derived_id("repayment", account_id, command_id)
    try:
        posted = await services.lending.banking.repay(
            account_id, body.amount, key, now, _day(now, zone), caller.actor.channel.value
        )
    except NothingOwed as refused:
        raise Problem(ProblemKind.BEYOND_LIMIT, f"{refused}.") from None
    except KeyReused:
        raise Problem(ProblemKind.IDEMPOTENCY_KEY_REUSED, "Send a new Idempotency-Key.") from None
    await _tell(services, account.terms.application_id)
    return _shown(posted, body.amount)


async def _tell(services: Services, application_id: str) -> None:
    """A loan that is repaid after a withdrawal waits for it; who does not hear of it looks every day."""
    stored = await services.lending.applications.application(application_id)
    if stored is None or stored.view.outcome is not None or stored.view.repayment is None:
        return
    handle = services.temporal.get_workflow_handle(application_workflow_id(application_id))
    with contextlib.suppress(RPCError):
        await handle.signal(ApplicationWorkflow.account_changed, rpc_timeout=PATIENCE)


def _shown(transaction: Transaction, amount: int) -> TransactionShown:
    return TransactionShown(**transaction.model_dump(), amount=amount)

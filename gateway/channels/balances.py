"""`/v1/balances`: gift cards and store credit, the same in every channel."""

import os
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field, StringConstraints

from adapters.access.port import PrincipalKind
from adapters.audit.port import AuditOutcome
from domain.balances import Balance, BalanceEntry, BalanceId, BalanceKind, Issue, number_hash, number_of
from domain.ids import CommandId, OperationKey, sortable_id
from domain.intake import Key
from domain.money import CURRENCY
from gateway.audit import trail_of
from gateway.fields import Body, ShortText
from gateway.idempotency import CommandRoute, CurrentCommandId, repeatable
from gateway.paging import CurrentPage
from gateway.principals import Caller, CurrentCaller
from gateway.problems import invalid, not_found
from gateway.rights import must_run_operations
from gateway.services import CurrentServices, Services

router = APIRouter(prefix="/v1/balances", route_class=CommandRoute, tags=["balances"])

Amount = Annotated[int, Field(strict=True, ge=1, le=10**9)]
CurrencyCode = Annotated[str, StringConstraints(pattern=CURRENCY)]


class BalanceShown(Balance):
    """What is on it, what orders hold of it, and a page of its history, the oldest movement first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: Sequence[BalanceEntry]
    next_cursor: str | None


class LookUpBody(Body):
    number: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(repr=False)


class IssueBody(Body):
    amount: Amount
    currency: CurrencyCode
    reason: ShortText
    customer_ref: Key | None = None
    """Whose store credit it is; a gift card belongs to whoever has its number."""


class IssuedShown(Balance):
    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str = Field(repr=False)
    """What pays: shown to who issued it, and to nobody else."""


@router.get("/{kind}/{balance_id}", summary="A gift card or store credit, with its history")
async def read(
    kind: BalanceKind,
    balance_id: Annotated[str, Path(max_length=64)],
    caller: CurrentCaller,
    services: CurrentServices,
    page: CurrentPage,
    currency: Annotated[str | None, Query(pattern=CURRENCY)] = None,
) -> BalanceShown:
    """Of store credit `balance_id` may also be the customer's `ref`; who has
    several currencies says which.
    """
    await _sees_money(caller)
    balance = await services.balances.balance(BalanceId(balance_id))
    if balance is None and kind is BalanceKind.CREDIT:
        of_customer = await services.balances.of_customer(balance_id)
        balance = next((each for each in of_customer if currency in (None, each.currency)), None)
    if balance is None or balance.kind is not kind:
        raise not_found()
    after = int(page.after[0] or 0) if page.after is not None else 0
    found = await services.balances.history(balance.id, after=after, limit=page.limit + 1)
    shown = found[: page.limit]
    more = len(found) > page.limit
    entries = page.page([entry for _, entry in shown], (shown[-1][0],) if more else None)
    return BalanceShown(**dict(balance), history=entries.items, next_cursor=entries.next_cursor)


@router.post("/{kind}/look-up", summary="Find a balance by its number")
@repeatable
async def look_up(kind: BalanceKind, caller: CurrentCaller, services: CurrentServices, body: LookUpBody) -> Balance:
    await _sees_money(caller)
    found = await services.balances.by_number(number_hash(services.code_key, body.number))
    if found is None or found.kind is not kind:
        raise not_found()
    return found


@router.post("/{kind}", status_code=201, summary="Issue a gift card, or store credit to a customer")
async def issue(
    kind: BalanceKind, caller: CurrentCaller, services: CurrentServices, command_id: CurrentCommandId, body: IssueBody
) -> IssuedShown:
    """Only operations give value away so. A customer who has store credit in that currency gets it on top."""
    await must_run_operations(caller)
    if kind is BalanceKind.CREDIT and body.customer_ref is None:
        raise invalid("/customer_ref", "Store credit belongs to a customer")
    shown = await issue_balance(services, kind, command_id, body)
    await trail_of(caller.request).write(caller.actor, f"issue {kind}", shown.id, AuditOutcome.DONE)
    return shown


async def issue_balance(services: Services, kind: BalanceKind, command_id: CommandId, body: IssueBody) -> IssuedShown:
    now = services.now()
    issued = await services.balances.issue(
        Issue(
            key=OperationKey(f"issue:{command_id}"),
            id=BalanceId(sortable_id(now, os.urandom(10))),
            kind=kind,
            amount=body.amount,
            currency=body.currency,
            at=now,
            reason=body.reason,
            customer_ref=body.customer_ref,
        )
    )
    balance = await services.balances.balance(issued.balance_id)
    assert balance is not None, "it was issued"
    return IssuedShown(**dict(balance), number=number_of(services.code_key, balance.id))


async def _sees_money(caller: Caller) -> Any:
    """The seller's own channels, its stores and ops; other sellers' keys learn nothing of the house."""
    await caller.must_be(PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS)
    if caller.principal.kind is PrincipalKind.CHANNEL and not caller.sees_all_orders:
        raise not_found()

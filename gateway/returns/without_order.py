"""A return that no order is found for: taken in, priced and credited in one transaction, at the counter."""

import os
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from adapters.access.port import PrincipalKind
from adapters.audit.port import AuditOutcome
from adapters.inventory.port import StockMovement
from adapters.keys.port import CustomerRef
from adapters.records.port import OrderFilter
from adapters.vault.port import Subject
from domain.balances import BalanceId, BalanceKind, Issue, last_four, number_hash, number_of
from domain.ids import CommandId, OperationKey, OrderId, ReturnId, Sku, StoreId, derived_id, sortable_id
from domain.money import Money
from domain.notices import Notice, NoticeFacts, NoticeKind, NoticeLine, notice_key
from domain.personal import PersonalData
from domain.returns.blind import BlindDecision, BlindLine, BlindReturn, WhyNot, decide_blind
from domain.returns.packs import built_in
from domain.returns.words import ReturnDisposition, ReturnStatus
from domain.stock import MovementKind
from gateway.audit import trail_of
from gateway.principals import Caller
from gateway.problems import Problem, ProblemKind, invalid
from gateway.reading import place_of
from gateway.returns.bodies import BlindBody, ReturnBody
from gateway.returns.exchanging import person_of
from gateway.services import Services


class BlindReturnShown(BaseModel):
    """Settled as it is taken: the number of the credit is for the receipt, and shown to nobody else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: ReturnStatus = ReturnStatus.SETTLED
    blind: BlindReturn
    return_id: ReturnId
    refund: int
    balance_id: BalanceId
    number: str = Field(repr=False)


class BlindReturnSeen(BaseModel):
    """The same, whenever it is looked at again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: ReturnStatus = ReturnStatus.SETTLED
    blind: BlindReturn
    return_id: ReturnId
    refund: int
    balance_id: BalanceId
    last_four: str
    """Of the number of the credit."""


async def blind_return(services: Services, caller: Caller, return_id: str) -> BlindReturnSeen | None:
    """For the store that took it back, and for ops; to everybody else there is none."""
    async with services.transactions.begin() as books:
        taken = await books.blind_returns.get(ReturnId(return_id))
    office = caller.principal.kind is PrincipalKind.OPS
    if taken is None or not (office or caller.principal.store_id == taken.store_id):
        return None
    return BlindReturnSeen(
        blind=taken,
        return_id=taken.return_id,
        refund=taken.refund,
        balance_id=taken.balance_id,
        last_four=last_four(number_of(services.code_key, taken.balance_id)),
    )


async def take_back_blind(
    services: Services, caller: Caller, command_id: CommandId, body: ReturnBody, blind: BlindBody
) -> BlindReturnShown:
    """Raises 422 `/beyond-limit` with what is left, `/not-supported` where the policy offers none of it."""
    await caller.must_be(PrincipalKind.STORE, PrincipalKind.OPS)
    store = StoreId(body.store_id or caller.principal.store_id or "")
    if not store:
        raise invalid("/store_id", "Name the store that takes it back")
    await caller.must_act_at(store)
    await place_of(services, store)
    return_id = ReturnId(derived_id("blind return", command_id))
    identity = number_hash(services.code_key, f"identity {blind.identity}")
    person = await _person(services, blind)
    taken = await _taken(services, caller, blind, store, return_id, identity, person)
    await trail_of(caller.request).write(caller.actor, "take back without an order", return_id, AuditOutcome.DONE)
    return BlindReturnShown(
        blind=taken,
        return_id=return_id,
        refund=taken.refund,
        balance_id=taken.balance_id,
        number=number_of(services.code_key, taken.balance_id),
    )


async def _taken(
    services: Services,
    caller: Caller,
    blind: BlindBody,
    store: StoreId,
    return_id: ReturnId,
    identity: str,
    person: PersonalData | None,
) -> BlindReturn:
    now = services.now()
    async with services.transactions.begin() as books:
        await books.blind_returns.lock_person(identity)
        if known := await books.blind_returns.get(return_id):
            return known
        policy = await books.return_policies.newest() or built_in(services.policy)
        lines = [
            BlindLine(sku=Sku(each.sku), quantity=each.quantity, condition=each.condition, disposition=each.disposition)
            for each in blind.lines
        ]
        skus = {line.sku for line in lines}
        since = now - policy.blind.lowest_price_of
        prices = await books.blind_returns.lowest_prices(skus, blind.currency, since)
        before = await books.blind_returns.brought(identity, now - policy.blind.within)
        decision = decide_blind(lines, prices, before, policy.blind)
        if decision.refused is not None:
            raise _refused(decision)
        await _shelve(books, lines, store, return_id, now)
        issued = await services.balances.within(books.connection).issue(
            Issue(
                key=OperationKey(f"blind:{return_id}"),
                id=BalanceId(sortable_id(now, os.urandom(10))),
                kind=BalanceKind.CREDIT,
                amount=decision.refund,
                currency=blind.currency,
                at=now,
                reason="returned without an order",
                customer_ref=blind.customer,
                reference=return_id,
            )
        )
        taken = BlindReturn(
            return_id=return_id,
            store_id=store,
            currency=blind.currency,
            lines=decision.lines,
            refund=decision.refund,
            balance_id=issued.balance_id,
            customer_ref=blind.customer,
            policy_version=policy.version,
            at=now,
        )
        await books.blind_returns.add(taken, identity, caller.principal.id)
        if person is not None:
            owner = CustomerRef(blind.customer or return_id)
            key = await services.keys.key_for_customer(owner, now, books.connection)
            await services.vault.put(Subject(return_id), key.id, person, now, books.connection)
            await books.outbox.add(_notices(taken, blind.locale, issued.last_four))
    return taken


async def _person(services: Services, blind: BlindBody) -> PersonalData | None:
    """Who is told of it; nobody, where nobody is known."""
    if blind.email is not None:
        return PersonalData(email=blind.email)
    if blind.customer is None:
        return None
    async with services.transactions.begin() as books:
        newest = await books.records.find(OrderFilter(customer_ref=blind.customer), after=None, limit=1)
    return await person_of(services, newest[0]) if newest else None


def _notices(taken: BlindReturn, locale: str, ending: str) -> list[Notice]:
    """One mail for what was taken in, and one for what it brought. They go by the return's own number."""
    about = OrderId(taken.return_id)
    facts = {
        NoticeKind.BLIND_RECEIVED: NoticeFacts(
            order_number=taken.return_id,
            lines=tuple(NoticeLine(sku=line.sku, quantity=line.quantity) for line in taken.lines),
        ),
        NoticeKind.BLIND_CREDITED: NoticeFacts(
            order_number=taken.return_id,
            refund=Money(amount=taken.refund, currency=taken.currency),
            last_four=ending,
        ),
    }
    return [
        Notice(
            key=notice_key(about, kind.value),
            kind=kind,
            order_id=about,
            store_id=taken.store_id,
            locale=locale,
            at=taken.at,
            facts=told,
        )
        for kind, told in facts.items()
    ]


async def _shelve(books: Any, lines: list[BlindLine], store: StoreId, return_id: ReturnId, at: datetime) -> None:
    """Only what is restocked can be sold again."""
    for number, line in enumerate(lines, start=1):
        if line.disposition is ReturnDisposition.RESTOCK:
            await books.inventory.move(
                StockMovement(
                    key=OperationKey(f"blind:{return_id}:{number}"),
                    at=at,
                    kind=MovementKind.RETURNED,
                    sku=line.sku,
                    location_id=store,
                    quantity=line.quantity,
                    reason="returned without an order",
                )
            )


def _refused(decision: BlindDecision) -> Problem:
    match decision.refused:
        case WhyNot.BEYOND_LIMIT:
            return Problem(
                ProblemKind.BEYOND_LIMIT,
                f"It is worth {decision.refund}, and {decision.left} are left for this person. Look for the order.",
            )
        case WhyNot.NO_PRICE:
            return invalid("/blind/lines", "Something of it was not sold lately: nobody knows what it is worth")
    return Problem(ProblemKind.NOT_SUPPORTED, "Nothing is taken back without its order.")

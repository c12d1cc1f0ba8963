"""`POST /v1/ops/erasures`: a person is erased by deleting the key that everything of theirs is sealed with."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from adapters.audit.port import AuditOutcome
from adapters.keys.port import CustomerRef
from adapters.retention.port import Retained
from domain.intake import Key
from gateway.audit import trail_of
from gateway.fields import Body, LongText
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import CurrentCaller
from gateway.problems import Problem, ProblemKind
from gateway.rights import must_run_operations
from gateway.services import CurrentServices

router = APIRouter(prefix="/v1/ops/erasures", route_class=CommandRoute, tags=["ops"])


class ErasureBody(Body):
    customer_ref: Key
    reason: LongText


class Erased(BaseModel):
    """Repeating an erasure finds nothing more: both numbers are zero then.

    `retained`: files of applications that the law wants kept; each is purged by itself when its time is over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer_ref: str
    keys: int
    records: int
    retained: list[Retained] = []


@router.post("", status_code=201, summary="Erase a customer; totals stay")
async def erase(
    body: ErasureBody, caller: CurrentCaller, services: CurrentServices, command_id: CurrentCommandId
) -> Erased:
    await must_run_operations(caller)
    now = services.now()
    kept = list(await services.lending.retention.retained_of(body.customer_ref))
    running = [each.application_id for each in kept if each.keep_until is None]
    if running:
        raise Problem(
            ProblemKind.NOT_ALLOWED_NOW,
            "This customer has applications that run. Withdraw them or wait for their end.",
            current={"open_applications": running},
        )
    async with services.transactions.begin() as books:
        # The key first: an order that is being placed holds it, and is seen as open once it lets go.
        keys = await services.keys.erase(CustomerRef(body.customer_ref), now, books.connection)
        open_orders = await books.records.open_orders_of(body.customer_ref)
        if open_orders:
            raise Problem(
                ProblemKind.NOT_ALLOWED_NOW,
                "This customer has open orders. Complete or cancel them first.",
                current={"open_orders": list(open_orders)},
            )
        open_returns = await books.returns.open_of(body.customer_ref)
        if open_returns:
            raise Problem(
                ProblemKind.NOT_ALLOWED_NOW,
                "This customer has open returns. Settle or cancel them first.",
                current={"open_returns": list(open_returns)},
            )
        records = await services.vault.forget(keys, books.connection)
    await trail_of(caller.request).write(caller.actor, "erase customer", body.customer_ref, AuditOutcome.DONE)
    return Erased(customer_ref=body.customer_ref, keys=len(keys), records=records, retained=kept)

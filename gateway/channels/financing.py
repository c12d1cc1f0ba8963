"""A loan pays for an order of its own customer only."""

from collections.abc import Sequence

from domain.intake import Tender, TenderType
from gateway.principals import Caller
from gateway.problems import FieldError, Problem, ProblemKind
from gateway.services import Services


async def check_financing(services: Services, caller: Caller, tenders: Sequence[Tender], customer_ref: str) -> None:
    """Raises 422 for an application that is not there, or is somebody else's; which of the two is not said."""
    errors = []
    for n, tender in enumerate(tenders):
        if tender.type is not TenderType.FINANCING:
            continue
        pointer = f"/tenders/{n}/application_id"
        if tender.application_id is None:
            errors.append(FieldError(pointer=pointer, reason="A financing tender needs its application"))
            continue
        found = await services.lending.applications.application(tender.application_id)
        known = found is not None and (caller.sees_all_orders or found.created_by == caller.principal.id)
        if found is None or not known or found.customer_ref != customer_ref:
            errors.append(FieldError(pointer=pointer, reason="This customer has no such application"))
    if errors:
        raise Problem(ProblemKind.VALIDATION, "See errors.", errors=errors)

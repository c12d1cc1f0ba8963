"""Promises that a new order takes over: one for each of its pickups that names one."""

from collections import Counter
from collections.abc import Mapping

from domain.ids import Sku, StoreId
from domain.intake import Fulfilment, Method, OrderBody
from domain.promises import Misfit, Promise, misfit
from gateway.channels.promises import promise_of, standing_of
from gateway.principals import Caller
from gateway.problems import FieldError, Problem, ProblemKind
from gateway.services import Services

_WORDS = {
    Misfit.OTHER_CHANNEL: "Was made to another channel",
    Misfit.OTHER_STORE: "Is for another store",
    Misfit.OTHER_UNITS: "Is for other units than this fulfilment's lines",
}


async def promises_of(services: Services, body: OrderBody) -> dict[str, Promise]:
    """The promises that an order names, by fulfilment; unknown ones are left out."""
    named = {each.id: each.promise for each in body.fulfilments if each.promise is not None}
    found = {fulfilment: await promise_of(services, promise) for fulfilment, promise in named.items()}
    return {fulfilment: promise for fulfilment, promise in found.items() if promise is not None}


async def check_promises(services: Services, caller: Caller, body: OrderBody, promises: Mapping[str, Promise]) -> None:
    """Raises 422 for promises that do not fit the order, 409 for those that are over."""
    errors, over = [], False
    for n, fulfilment in enumerate(body.fulfilments):
        if fulfilment.promise is None:
            continue
        reason, is_over = await _wrong(services, caller, body, fulfilment, promises.get(fulfilment.id))
        over = over or is_over
        if reason:
            errors.append(FieldError(pointer=f"/fulfilments/{n}/promise", reason=reason))
    named = [each.promise for each in body.fulfilments if each.promise is not None]
    if len(set(named)) < len(named):
        errors.append(FieldError(pointer="/fulfilments", reason="A promise is named twice"))
    if errors:
        raise Problem(ProblemKind.VALIDATION, "See errors.", errors=errors)
    if over:
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, "This promise is over. Ask for a new one, or order without it.")


async def _wrong(
    services: Services, caller: Caller, body: OrderBody, fulfilment: Fulfilment, promise: Promise | None
) -> tuple[str | None, bool]:
    if fulfilment.method is not Method.PICKUP:
        return "Only what is collected at the store is promised", False
    if promise is None or (promise.created_by != caller.principal.id and not caller.sees_all_orders):
        return "Unknown promise", False
    units: Counter[Sku] = Counter()
    for line in body.lines:
        if line.fulfilment == fulfilment.id:
            units[Sku(line.sku)] += line.quantity
    now = await standing_of(services, promise)
    found = misfit(promise, now.state, body.channel, StoreId(fulfilment.store_id or ""), units, services.now())
    return (None, True) if found is Misfit.OVER else (_WORDS[found] if found else None, False)

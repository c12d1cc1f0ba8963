"""Which roles of the office may act, and which only look."""

from typing import Annotated

from fastapi import Depends

from adapters.access.port import PrincipalKind, Role
from gateway.principals import Caller, CurrentCaller

ACTING = (Role.OPS, Role.OPS_MANAGER, Role.CUSTOMER_SERVICE)
RUNNING = (Role.OPS, Role.OPS_MANAGER)
READING = (Role.OPS, Role.OPS_MANAGER, Role.AUDITOR)


async def must_act_as(caller: Caller, *kinds: PrincipalKind) -> None:
    """A caller of one of the kinds who may change something: an auditor looks on."""
    await caller.must_be(*kinds)
    if caller.principal.kind is PrincipalKind.OPS:
        await caller.must_have(*ACTING)


async def must_run_operations(caller: Caller) -> None:
    """Repair, data and erasure: operations themselves."""
    await caller.must_be(PrincipalKind.OPS)
    await caller.must_have(*RUNNING)


async def must_read_operations(caller: Caller) -> None:
    await caller.must_be(PrincipalKind.OPS)
    await caller.must_have(*READING)


async def _readers(caller: CurrentCaller) -> Caller:
    await must_read_operations(caller)
    return caller


async def _runners(caller: CurrentCaller) -> Caller:
    await must_run_operations(caller)
    return caller


Readers = Annotated[Caller, Depends(_readers)]
"""A caller who may read operations."""
Runners = Annotated[Caller, Depends(_runners)]
"""A caller who may run them."""

"""Alive (`/healthz`) and ready (`/readyz`): ready means that every system a request needs answers in time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from gateway.problems import Problem, ProblemKind

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[object]]
"""Returns when the system is well, raises when it is not."""

SECONDS_A_CHECK = 2.0


def health_router(checks: Mapping[str, Check], seconds: float = SECONDS_A_CHECK) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Alive")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", summary="Ready", responses={503: {"description": "A system is away"}})
    async def readyz() -> JSONResponse:
        results = await asyncio.gather(*(_passes(name, check, seconds) for name, check in checks.items()))
        found = {name: "ok" if passed else "away" for name, passed in zip(checks, results, strict=True)}
        if all(results):
            return JSONResponse({"status": "ready", "checks": found})
        away = ", ".join(name for name, state in found.items() if state == "away")
        problem = Problem(
            ProblemKind.UNAVAILABLE, f"Away: {away}.", headers={"Retry-After": "2"}, extra={"checks": found}
        )
        return problem.response()

    return router


async def _passes(name: str, check: Check, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await check()
    except Exception as error:
        log.warning("not_ready", check=name, error=type(error).__name__)
        return False
    return True

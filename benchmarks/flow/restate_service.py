"""The order as a Restate virtual object: one exclusive handler a command. Served by Hypercorn, as its docs advise."""

import asyncio
import os
import sys
from typing import Any

import restate
from hypercorn.asyncio import serve
from hypercorn.config import Config

from benchmarks.flow.steps import Command, Steps, steps
from domain.payments import AuthorisationId
from domain.terms import OrderTerms

order = restate.VirtualObject("Order")
ONCE: restate.RunOptions[Any] = restate.RunOptions()
_made: list[Steps] = []


@order.handler()
async def place(ctx: restate.ObjectContext, terms: dict[str, Any]) -> None:
    (made,), parsed = _made, OrderTerms.model_validate(terms)
    await ctx.run_typed("reserve", made.reserve, ONCE, parsed)
    authorisation = await ctx.run_typed("authorise", made.authorise, ONCE, parsed)
    await ctx.run_typed("record_placed", made.record_placed, ONCE, parsed)
    ctx.set("authorisation", authorisation)


@order.handler()
async def tell(ctx: restate.ObjectContext, told: dict[str, Any]) -> None:
    (made,), parsed = _made, OrderTerms.model_validate(told["terms"])
    await ctx.run_typed("record_command", made.record_command, ONCE, parsed, Command(told["command"]))


@order.handler()
async def collect(ctx: restate.ObjectContext, terms: dict[str, Any]) -> None:
    (made,), parsed = _made, OrderTerms.model_validate(terms)
    authorisation = AuthorisationId(await ctx.get("authorisation") or "")
    await ctx.run_typed("capture", made.capture, ONCE, parsed, authorisation)
    await ctx.run_typed("consume", made.consume, ONCE, parsed)
    await ctx.run_typed("record_collected", made.record_collected, ONCE, parsed)


async def run(port: str, database_url: str, payments_url: str) -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    # As the SDK's page on serving advises for production.
    config.h2_max_concurrent_streams = 2147483647
    config.keep_alive_max_requests = 2147483647
    config.keep_alive_timeout = 2147483647
    async with steps(database_url, payments_url) as made:
        _made.append(made)
        await serve(restate.app([order]), config)


if __name__ == "__main__":
    if sys.argv[4:] == ["uvloop"]:
        import uvloop

        uvloop.run(run(*sys.argv[1:4]))
    else:
        asyncio.run(run(*sys.argv[1:4]))
    os._exit(0)

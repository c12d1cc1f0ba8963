"""The demo from its first order to its last proof, on a stack that runs with the short policy."""

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

import httpx
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from adapters.http import http_client
from workers.composition import parts
from workers.demo import closing, lending
from workers.demo.board import Board, Row, route
from workers.demo.callers import Callers, Unexpected
from workers.demo.proofs import Played, judge_ending, money_proofs, stock_proofs
from workers.demo.scene import Scene
from workers.demo.stories import STORIES
from workers.demo.story import Fate, Story
from workers.stack.errors import StackError

if TYPE_CHECKING:
    from workers.stack.stack import Stack

AT_ONCE = 8
"""Orders that are played side by side."""
AT_ONCE_WHEN_BUSY = 3
BUSY = 2.0
"""Programs that want a processor, for each there is. Stores have seconds to answer, so a busy machine plays fewer."""
LOOK_EVERY = 0.4
ANSWER_WITHIN = 30.0
MAILS_WITHIN = 10.0


class DemoDiffers(StackError):
    """Something ended otherwise than it should have."""


async def play(stack: "Stack", console: Console | None = None) -> None:
    """Play every story over HTTP, show how it goes, and prove the end from outside.

    Raises `DemoDiffers` when anything is not as it should be.
    """
    console = console or Console()
    record = stack.record()
    async with http_client(timeout=ANSWER_WITHIN) as http:
        callers = Callers(http, record)
        console.print(
            f"\n[bold]{len(STORIES)} orders[/] from {len({story.channel for story in STORIES})} channels, collected at "
            f"{len({story.store_id for story in STORIES} - {''})} stores, taken from a locker or shipped. "
            "A day takes a second.\n",
            highlight=False,
        )
        all_played = await _play_all(callers, console)
        differing = await lending.play(callers, console)
        async with parts(stack.settings(), "throughline-demo") as made:
            proofs = await money_proofs(all_played, callers, made) + await stock_proofs(all_played, made)
        closing.show_orders(console, all_played)
        closing.show_proofs(console, proofs)
        await closing.show_why(console, callers, all_played)
        closing.show_mails(console, await _all_mails(callers))
        await closing.show_where_to_look(console, callers, record)
    _judge(all_played, [case for proof in proofs for case in proof.against] + differing)


async def _play_all(callers: Callers, console: Console) -> list[Played]:
    board = Board(STORIES)
    turns = asyncio.Semaphore(_at_once())
    rows = sorted(board.rows, key=lambda row: -row.story.patience)
    live: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
    if console.is_terminal:
        live = Live(board, console=console, refresh_per_second=8, transient=True)
    watch = asyncio.create_task(_watch(board, callers))
    with live:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    row.story.external_id: group.create_task(_play_one(row, callers, turns, console)) for row in rows
                }
            await asyncio.sleep(LOOK_EVERY)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    return [tasks[story.external_id].result() for story in STORIES]


def _at_once() -> int:
    return AT_ONCE if os.getloadavg()[0] < BUSY * (os.cpu_count() or 1) else AT_ONCE_WHEN_BUSY


async def _play_one(row: Row, callers: Callers, turns: asyncio.Semaphore, console: Console) -> Played:
    """Play one story to its end. What goes wrong in it is kept with it, so that the others go on."""
    story, played = row.story, Played(row.story)

    def note(words: str) -> None:
        row.note = words

    async with turns:
        scene = Scene(
            callers,
            story.channel,
            story.external_id,
            story.store_id,
            story.basket,
            note,
            address=story.address,
        )
        try:
            await story.play(scene)
            if story.ending.fate is not Fate.REFUSED:
                await scene.until_over()
        except Unexpected as unexpected:
            played.differs.append(str(unexpected))
        except httpx.HTTPError as fault:
            played.differs.append(f"no answer came: {type(fault).__name__}")
        with contextlib.suppress(httpx.HTTPError, Unexpected):
            played.order = await _found(callers, story)
    if not played.differs:
        judge_ending(played)
    _finish(row, played, console)
    return played


def _finish(row: Row, played: Played, console: Console) -> None:
    if played.order is not None:
        row.take(played.order)
    else:
        row.status = Fate.REFUSED.value
    row.over = True
    row.note = played.story.words
    if played.differs:
        row.status = "differs"
        row.note = played.differs[0]
    if not console.is_terminal:
        mark = "[red]✗[/]" if played.differs else "[green]✓[/]"
        where = f"{row.story.external_id:<7} {route(row.story.channel, row.story.goes_to):<23}"
        console.print(f" {mark} {where} {row.status}: {escape(row.note)}", highlight=False, soft_wrap=True)


async def _found(callers: Callers, story: Story) -> dict[str, Any] | None:
    """The order by its channel's own number, as another channel of the seller finds it."""
    page = await callers.channel("web").get("/v1/orders", channel=story.channel, external_id=story.external_id)
    items: list[dict[str, Any]] = page["items"]
    return items[0] if items else None


async def _watch(board: Board, callers: Callers) -> None:
    """Keep the table up to date: one look at all orders now and then, as a wall screen would."""
    while True:
        with contextlib.suppress(httpx.HTTPError, Unexpected):
            page = await callers.channel("web").get("/v1/orders", limit=100)
            board.take(page["items"])
        await asyncio.sleep(LOOK_EVERY)


async def _all_mails(callers: Callers) -> list[dict[str, Any]]:
    """All mails, once no new one has come for a moment."""
    mails = await callers.mails()
    for _ in range(int(MAILS_WITHIN)):
        await asyncio.sleep(1.0)
        newer = await callers.mails()
        if len(newer) == len(mails):
            return newer
        mails = newer
    return mails


def _judge(all_played: list[Played], against: list[str]) -> None:
    differing = [f"{played.story.external_id}: {case}" for played in all_played for case in played.differs] + against
    if differing:
        more = f" (and {len(differing) - 1} more)" if len(differing) > 1 else ""
        raise DemoDiffers(
            f"The demo differs from what it should be. {differing[0]}{more}.",
            "Play it on `make up POLICY=short` and read the order's timeline, or report it with these lines.",
            detail="\n".join(differing),
        )

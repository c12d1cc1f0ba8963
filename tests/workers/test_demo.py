import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from rich.console import Console

from adapters.http import http_client
from workers import cli
from workers.demo import lending, playing
from workers.demo.board import Board
from workers.demo.callers import Callers
from workers.demo.closing import show_orders
from workers.demo.playing import DemoDiffers, play
from workers.demo.proofs import Played, judge_ending
from workers.demo.stories import STORIES
from workers.demo.story import Ending, Fate
from workers.stack.stack import Stack

WHOLE = STORIES[0]


def on_paper(width: int = 100) -> Console:
    return Console(file=io.StringIO(), width=width)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def line(**units: int) -> dict[str, int]:
    return {"handed_over": 0, "delivered": 0, "lost": 0} | units


def an_order(**differently: Any) -> dict[str, Any]:
    """The order of `WHOLE` as it should be in the end."""
    return {
        "external_id": WHOLE.external_id,
        "channel": WHOLE.channel,
        "status": "completed",
        "lines": [line(handed_over=2)],
        "groups": [{"n": 1, "status": "collected", "store_id": "S001"}],
        "payment": {"authorised": 0, "captured": 9998, "refunded": 0, "voided": 0, "due": 0},
        "waiting_for": [],
    } | differently


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("demo") / "data", policy="short", fsync=False, usual_ports=False)
    try:
        async with stack:
            yield stack
    finally:
        stack.data.discard()


@pytest.mark.stack
@pytest.mark.slow
async def test_every_order_ends_as_its_story_says_and_everything_adds_up(stack: Stack) -> None:
    console = on_paper()
    await play(stack, console)
    said = written(console)
    assert "✗" not in said
    for story in STORIES:
        assert said.count(story.external_id) >= 2, f"{story.external_id} is in the progress and in the table"
        assert story.words in said
    assert "Money: " in said
    assert "Stock: " in said
    assert "throughline ops why" in said
    assert "declined these lines before, or let them lie" in said, "why each place did not ship it"
    assert "make up POLICY=short" in said
    assert "Im Schließfach: Ihre Bestellung W-1006" in said, "the mail with the locker's code"
    assert "workflow list" not in said, "there is nothing to search once it is over"


@pytest.mark.stack
@pytest.mark.slow
async def test_one_application_of_each_product_comes_to_its_end(stack: Stack) -> None:
    console = on_paper()
    async with http_client(timeout=30.0) as http:
        assert await lending.play(Callers(http, stack.record()), console) == []
    said = written(console)
    for product, _, _, words in lending.STORIES:
        assert product in said
        assert words in said


@pytest.mark.stack
@pytest.mark.slow
async def test_an_order_that_ends_otherwise_is_named_and_the_demo_fails(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(WHOLE, external_id="W-9001", ending=Ending(Fate.COMPLETED, 2, 1, ("collected",)))
    monkeypatch.setattr(playing, "STORIES", (wrong,))
    console = on_paper()
    with pytest.raises(DemoDiffers) as differs:
        await play(stack, console)
    assert "W-9001: money kept: 9998, expected 1" in str(differs.value)
    assert "W-9001: taken_within_goods_and_fees" in differs.value.detail
    assert "✗" in written(console)


@pytest.mark.parametrize(
    ("differently", "words"),
    [
        ({"status": "cancelled"}, "status: cancelled, expected completed"),
        ({"lines": [line(handed_over=1)]}, "units with the customer: 1, expected 2"),
        ({"lines": [line(handed_over=2, lost=1)]}, "units lost: 1, expected 0"),
        ({"groups": [{"status": "ready"}]}, "parts: ready, expected collected"),
        (
            {"payment": {"authorised": 5, "captured": 9998, "refunded": 0, "due": 0}},
            "money still authorised: 5, expected 0",
        ),
        ({"waiting_for": [{}]}, "waits: 1, expected 0"),
    ],
)
def test_what_an_order_came_to_is_compared_with_its_story(differently: dict[str, Any], words: str) -> None:
    good, bad = Played(WHOLE, an_order()), Played(WHOLE, an_order(**differently))
    judge_ending(good)
    judge_ending(bad)
    assert good.differs == []
    assert bad.differs == [words]


def test_a_refused_order_that_is_found_all_the_same_differs() -> None:
    story = next(story for story in STORIES if story.ending.fate is Fate.REFUSED)
    nothing, something = Played(story), Played(story, an_order())
    judge_ending(nothing)
    judge_ending(something)
    assert nothing.differs == []
    assert len(something.differs) == 1


@pytest.mark.parametrize(("voided", "renewed"), [(4999, False), (9998, True)])
def test_money_freed_by_a_change_is_not_taken_for_a_renewed_promise(voided: int, renewed: bool) -> None:
    cut = [line(handed_over=1, cancelled=1, ordered=2, unit_price=4999)]
    money = {"captured": 4999, "voided": voided, "refunded": 0}
    group = {"store_id": "S001", "from_store": None}
    order = an_order(currency="EUR", total=4999, lines=cut, payment=money, groups=[group])
    console = on_paper()
    show_orders(console, [Played(WHOLE, order)])
    assert ("promise was renewed" in written(console)) is renewed


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_board_fits_the_terminal_and_counts_down(width: int) -> None:
    console = on_paper(width)
    board = Board(STORIES)
    deadline = datetime.now(UTC) + timedelta(seconds=6.4)
    wait = {"what": "customer collects", "deadline": deadline.isoformat()}
    ready = [{"n": 1, "status": "ready"}]
    board.take([an_order(status="in_progress", groups=ready, waiting_for=[wait])])
    console.print(board)
    said = written(console)
    assert max(len(line) for line in said.splitlines()) <= width
    assert "6 s customer collects" in said
    assert "ready" in said


def test_a_hold_is_shown_without_saying_hold_twice() -> None:
    board = Board(STORIES)
    wait = {"what": "payment hold: the customer confirms with the bank", "deadline": None}
    board.take([an_order(status="held", waiting_for=[wait])])
    assert board.rows[0].status == "held"
    assert board.rows[0].waits_for == "customer confirms with the bank"


def test_the_command_ends_non_zero_with_a_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Nowhere:
        def __init__(self, data: Path, **_: Any) -> None:
            pass

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

    async def differing(_: object) -> None:
        raise DemoDiffers("W-1001: status: cancelled, expected completed.", "Read its timeline.")

    monkeypatch.delenv("THROUGHLINE_DEBUG", raising=False)
    monkeypatch.setattr("workers.stack.stack.Stack", Nowhere)
    monkeypatch.setattr("workers.demo.play", differing)
    monkeypatch.setattr("sys.argv", ["throughline", "demo"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "W-1001: status: cancelled, expected completed." in capsys.readouterr().err

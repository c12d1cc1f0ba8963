"""An order's parts outside any workflow: time stands still, and a milestone is kept here instead of in PostgreSQL."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.alternatives import AlternativesFound, AlternativeSteps
from activities.faults import AWAY, NEEDS_A_PERSON, OUT_OF_STOCK
from activities.milestones import Milestone, Milestones, StockOperation, Stores
from activities.payment import PaymentSteps
from domain.alternatives import StoreOffer
from domain.store_hours import always_open
from tests.domain.sample_orders import PLACED

PAYMENTS = (PaymentSteps.authorise, PaymentSteps.capture, PaymentSteps.void, PaymentSteps.refund)
MANY_TURNS = 100_000
"""Of the event loop; nothing that comes at all takes as many."""


@dataclass
class Alone:
    """What the parts recorded. `lacking`: how many times more a store turns out to have nothing."""

    now: datetime = PLACED
    milestones: list[Milestone] = field(default_factory=list)
    lacking: int = 0
    refused: set[StockOperation] = field(default_factory=set)
    """What inventory refuses to do, since it has counted otherwise."""
    offers: list[StoreOffer] = field(default_factory=list)

    def moved(self) -> list[tuple[StockOperation, int]]:
        """Every stock move on record, with its units."""
        return [
            (step.operation, sum(line.quantity for line in step.lines))
            for milestone in self.milestones
            for step in milestone.stock
        ]

    def events(self) -> list[str]:
        return [entry.event.value for milestone in self.milestones for entry in milestone.change.events]

    def notices(self) -> list[str]:
        return [notice.kind.value for milestone in self.milestones for notice in milestone.notices]

    async def come_true(self, condition: Callable[[], bool], **waiting: Any) -> None:
        """Stands in for `workflow.wait_condition`: a timer fires when a test moves `now`."""
        timeout = waiting.get("timeout")
        span = timeout if isinstance(timeout, timedelta) else timedelta(seconds=timeout or 0)
        end = None if timeout is None else self.now + span
        while not condition():
            if end is not None and self.now >= end:
                raise TimeoutError
            await others_go_on()

    async def carry_out(self, step: Any, given: Any, **_: Any) -> Any:
        for _turn in range(5):
            await others_go_on()
        if step is AlternativeSteps.find_stores:
            return AlternativesFound(
                offers=self.offers, hours={each.store_id: always_open("UTC") for each in self.offers}
            )
        if step in PAYMENTS:
            raise ApplicationError("ask the queue", type=AWAY)
        if step is not Milestones.record_milestone:
            raise NotImplementedError(step)
        if self.lacking and any(move.operation is StockOperation.TAKE for move in given.stock):
            self.lacking -= 1
            raise ApplicationError("out of stock", [], type=OUT_OF_STOCK, non_retryable=True)
        if any(move.operation in self.refused for move in given.stock):
            raise ApplicationError("the order does not hold these units", type=NEEDS_A_PERSON, non_retryable=True)
        self.milestones.append(given)
        return Stores()


async def others_go_on() -> None:
    await asyncio.sleep(0)


def set_up(monkeypatch: pytest.MonkeyPatch) -> Alone:
    alone = Alone()
    for name, stand_in in {
        "now": lambda: alone.now,
        "wait_condition": alone.come_true,
        "execute_local_activity_method": alone.carry_out,
        "info": lambda: SimpleNamespace(is_continue_as_new_suggested=lambda: False),
        "set_current_details": lambda _: None,
        "upsert_search_attributes": lambda _: None,
    }.items():
        monkeypatch.setattr(f"temporalio.workflow.{name}", stand_in)
    return alone

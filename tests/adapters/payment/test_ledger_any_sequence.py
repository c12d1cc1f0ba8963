"""Whatever is done, lost, repeated, crashed or told out of order: our ledger equals the provider's in the end."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.port import OutcomeUnknown, PaymentFault, Unavailable
from adapters.simulators.payment.faults import FaultKind
from domain.ids import OperationKey
from domain.ledger import Rule
from domain.payments import AuthorisationId
from tests.adapters.payment.tripping import Crash, Shop, TrippingProvider, eur

TOKENS = [
    "tok_ok",
    "tok_single_capture",
    "tok_3ds",
    "tok_expires_60s",
    "tok_declined",
    "tok_capture_declined",
    "tok_refund_pending",
    "tok_refund_fails",
    "tok_timeout_after",
    "tok_capture_timeout_after+tok_void_timeout_after+tok_refund_timeout_after",
]
index = st.integers(0, 3)
amount = st.integers(1, 120)
verb = st.sampled_from(["authorise", "capture", "void", "refund", "find", "any"])

step = st.one_of(
    st.tuples(st.just("authorise"), st.sampled_from(TOKENS), st.sampled_from(["t1", "t2"])),
    st.tuples(st.just("capture"), index, amount),
    st.tuples(st.just("void"), index, st.none() | amount),
    st.tuples(st.just("refund"), index, amount),
    st.tuples(st.just("again"), st.integers(0, 20)),
    st.tuples(st.just("crash"), verb, st.booleans()),
    st.tuples(st.just("fault"), verb, st.sampled_from([FaultKind.BEFORE, FaultKind.AFTER, FaultKind.STATUS])),
    st.tuples(st.just("wait"), st.sampled_from([2, 90, 4_000])),
    st.tuples(st.just("customer"), index, st.booleans()),
    st.tuples(st.just("hear"), st.integers(0, 20), st.booleans()),
    st.tuples(st.just("look"), index),
    st.tuples(st.just("stranger"), index, amount),
    st.tuples(st.just("together"), st.integers(0, 20), st.integers(0, 20), index, amount),
)


class Day:
    """Plays the steps on one order."""

    def __init__(self, engine: AsyncEngine) -> None:
        provider = TrippingProvider()
        payments = LedgeredPayments(engine, provider, f"memory-{secrets.token_hex(6)}", clock=provider.clock)
        self.shop = Shop(payments, provider, order_id=f"o{secrets.token_hex(8)}")
        self.done: list[Callable[[], Awaitable[object]]] = []
        self.strange = 0

    def authorisation(self, number: int) -> tuple[AuthorisationId, str] | None:
        known = list(self.shop.provider.engine.books.authorisations)
        if not known:
            return None
        chosen = known[number % len(known)]
        return AuthorisationId(chosen), self.tenders.get(chosen, "t1")

    @property
    def tenders(self) -> dict[str, str]:
        """A token names its tender here, so that a lost answer does not lose it."""
        books = self.shop.provider.engine.books
        opened = (each for each in books.operations.values() if each.operation == "authorise")
        return {each.authorisation_id or "": each.key.rsplit("-", 1)[1] for each in opened}

    async def attempt(self, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except (PaymentFault, Crash):
            return

    async def play(self, what: str, *how: Any) -> None:
        match what:
            case "authorise":
                token, tender = how
                key = f"{self.shop.order_id}:{len(self.done)}-{tender}"
                await self.begin(lambda: self.shop.authorise(100, token, key=key, tender=tender))
            case "capture" | "void" | "refund" if one := self.authorisation(how[0]):
                key = f"{self.shop.order_id}:{len(self.done)}"
                act = getattr(self.shop, what)
                await self.begin(lambda: act(one[0], how[1], key=key, tender=one[1]))
            case "again" if self.done:
                await self.attempt(self.done[how[0] % len(self.done)])
            case "crash":
                setattr(self.shop.provider, "crash_after" if how[1] else "crash_before", how[0])
            case "fault":
                more = {"status": 503} if how[1] is FaultKind.STATUS else {}
                self.shop.provider.trip(how[0], how[1], **more)
            case "wait":
                self.shop.provider.wait(seconds=how[0])
            case "customer" if one := self.authorisation(how[0]):
                self.shop.provider.engine.act(one[0], approve=how[1])
            case "hear" if events := self.shop.provider.events():
                event = events[how[0] % len(events)]
                event = event if how[1] else event.model_copy(update={"key": None})
                await self.attempt(lambda: self.shop.payments.record_external(event))
            case "look" if one := self.authorisation(how[0]):
                await self.attempt(lambda: self.shop.payments.authorisation(one[0]))
            case "stranger" if one := self.authorisation(how[0]):
                self.strange += 1
                key = OperationKey(f"stranger-{self.strange}")
                await self.attempt(lambda: self.shop.provider.capture(one[0], eur(how[1]), key=key))
            case "together" if self.done and (one := self.authorisation(how[2])):
                acts = [self.done[number % len(self.done)] for number in how[:2]]
                events = self.shop.provider.events()[-2:]
                key = f"{self.shop.order_id}:{len(self.done)}"
                begun: list[Callable[[], Awaitable[object]]] = [
                    lambda: self.shop.void(one[0], key=f"{key}-void", tender=one[1]),
                    lambda: self.shop.capture(one[0], how[3], key=f"{key}-capture", tender=one[1]),
                ]
                self.done += begun
                await asyncio.gather(
                    *(self.attempt(act) for act in acts),
                    *(self.attempt(lambda event=event: self.shop.payments.record_external(event)) for event in events),
                    *(self.attempt(act) for act in begun),
                )

    async def begin(self, act: Callable[[], Awaitable[object]]) -> None:
        self.done.append(act)
        await self.attempt(act)

    async def evening(self) -> None:
        """The faults are over: what was begun is asked for again, and every event has come."""
        provider = self.shop.provider
        provider.crash_before = provider.crash_after = None
        provider.engine.faults.clear()
        provider.wait(seconds=2)
        for act in self.done:
            await self.settled(act)
        assert all(await self.shop.hear(times=2))

    async def settled(self, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except (Unavailable, OutcomeUnknown):
            raise
        except PaymentFault:
            return


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=3, max_size=25))
# A capture that was begun and never left, beside one that somebody else made: until it is asked for again, nobody can
# tell the two apart.
@example(
    steps=[("authorise", "tok_ok", "t1"), ("stranger", 0, 1), ("crash", "capture", False), ("together", 0, 0, 0, 1)]
)
async def test_our_ledger_equals_the_providers_after_any_sequence(ledger_engine: AsyncEngine, steps: list[Any]) -> None:
    day = Day(ledger_engine)
    for each in steps:
        await day.play(*each)
        rules = {violation.rule for violation in (await day.shop.statement()).violations}
        assert rules <= {Rule.CAPTURE_HAS_PURPOSE}
    await day.evening()
    assert await day.shop.in_our_books() == day.shop.at_the_provider()
    statement = await day.shop.statement()
    assert {violation.rule for violation in statement.violations} <= {Rule.CAPTURE_HAS_PURPOSE}
    assert not statement.violations or day.strange

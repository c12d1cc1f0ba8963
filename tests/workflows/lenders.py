"""The systems round a lender, each doing for an application what its test says: silent, wrong, late, or refusing."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any

from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities import faults
from adapters.banking.port import Account, BookingRefused, CoreBanking
from adapters.checks.port import CheckAnswer, CheckAway, CheckQuestion
from adapters.checks.simulator import SimulatedChecks
from adapters.letters.port import Dispatched, Letter, LetterRejected, Letters, Written
from adapters.payout.port import PaidOut, PayoutAway, PayoutDeclined, PayoutUnknown
from domain.ids import OperationKey
from domain.lending.accounts import AccountTerms, Transaction
from domain.lending.products import CheckKind, Provider
from domain.lending.schedule import Instalment
from domain.money import Money
from workers.composition import Parts
from workers.worker import make_workers
from workflows import options

AWAY, SLOW = "away", "slow"


class SaidChecks:
    """Answers like the simulators, unless a test said something about a provider for this application."""

    def __init__(self) -> None:
        self._simulated = SimulatedChecks()
        self.says: dict[tuple[str, Provider], str] = {}
        """A state to answer with, or `AWAY`."""
        self.entries: dict[str, str] = {}
        """Which entry of a list a hit is, by application."""
        self.asked: list[CheckQuestion] = []
        self._reached: defaultdict[tuple[str, Provider], asyncio.Event] = defaultdict(asyncio.Event)
        self._released: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def told(self, application_id: str, *providers: Provider, answer: str) -> None:
        self.says |= {(application_id, each): answer for each in providers}

    def silent_no_more(self, application_id: str) -> None:
        self.says = {key: answer for key, answer in self.says.items() if key[0] != application_id}

    def of(self, application_id: str) -> list[CheckQuestion]:
        return [each for each in self.asked if each.application_id == application_id]

    def count(self, application_id: str, kind: CheckKind) -> int:
        return sum(each.kind is kind for each in self.of(application_id))

    async def is_asked(self, application_id: str, provider: Provider) -> None:
        await self._reached[application_id, provider].wait()

    def goes_on(self, application_id: str) -> None:
        """Who was slow is away after all."""
        self._released[application_id].set()

    async def ask(self, question: CheckQuestion) -> CheckAnswer:
        self.asked.append(question)
        said = self.says.get((question.application_id, question.provider))
        self._reached[question.application_id, question.provider].set()
        if said == SLOW:
            await self._released[question.application_id].wait()
        if said in (AWAY, SLOW):
            raise CheckAway(f"{question.provider} does not answer")
        answer = await self._simulated.ask(question)
        entry = self.entries.get(question.application_id)
        return answer.model_copy(update={"state": said, "entry": entry}) if said else answer


class SaidPayouts:
    """A provider that executes a key once, however often and however badly it answers."""

    def __init__(self) -> None:
        self.moods: dict[str, list[str]] = {}
        """What becomes of the next tries for an application: `lost`, `away`, `declined`; then they are paid."""
        self.calls: list[tuple[str, OperationKey]] = []
        self.paid: dict[OperationKey, PaidOut] = {}
        self.for_application: Counter[str] = Counter()

    async def pay_out(self, *, reference: str, token: str, amount: Money, key: OperationKey) -> PaidOut:
        self.calls.append(("pay_out", key))
        assert key not in self.paid, "sent again without being looked up"
        moods = self.moods.get(reference, [])
        mood = moods.pop(0) if moods else "paid"
        if mood == AWAY:
            raise PayoutAway("not now")
        if mood == "declined":
            raise PayoutDeclined("account_closed")
        self.paid[key] = PaidOut(reference=f"out_{len(self.paid)}", amount=amount)
        self.for_application[reference] += 1
        if mood == "lost":
            raise PayoutUnknown("nobody answered")
        return self.paid[key]

    async def find(self, key: OperationKey) -> PaidOut | None:
        self.calls.append(("find", key))
        return self.paid.get(key)


class SaidBanking:
    """Our own accounts, behind a core system that may refuse a booking."""

    def __init__(self, banking: CoreBanking) -> None:
        self._banking = banking
        self.refuses: set[str] = set()

    async def open(
        self, terms: AccountTerms, instalments: Sequence[Instalment], first: Transaction | None, at: datetime
    ) -> None:
        if terms.application_id in self.refuses:
            raise BookingRefused("the general ledger is closed")
        await self._banking.open(terms, instalments, first, at)

    async def replan(
        self, account_id: str, instalments: Sequence[Instalment], draw: Transaction | None, *, agreed: int
    ) -> None:
        await self._banking.replan(account_id, instalments, draw, agreed=agreed)

    async def settle(self, key: str, *, booked: bool) -> None:
        await self._banking.settle(key, booked=booked)

    async def account(self, account_id: str) -> Account:
        return await self._banking.account(account_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._banking, name)

    async def repay(self, account_id: str, amount: int, key: str, at: datetime, on: date, channel: str) -> Transaction:
        return await self._banking.repay(account_id, amount, key, at, on, channel)


class SaidLetters:
    """The mail, which may be away for an application's letters, or refuse them."""

    def __init__(self, letters: Letters) -> None:
        self._letters = letters
        self.away: set[str] = set()
        self.rejects: set[tuple[str, str]] = set()
        self.sent: list[tuple[str, str, str]] = []
        """(application, kind, party) of each letter that went out."""

    async def send(self, letter: Letter) -> Dispatched:
        if letter.application_id in self.away:
            # A month of tries, one a minute, would take a test as long as a month of them takes a server.
            away = "the mail server does not answer"
            raise ApplicationError(away, type=faults.AWAY, next_retry_delay=timedelta(days=3))
        if (letter.application_id, letter.kind) in self.rejects:
            raise LetterRejected("mailbox_unknown")
        dispatched = await self._letters.send(letter)
        self.sent.append((letter.application_id, letter.kind, letter.party))
        return dispatched

    async def write(self, letter: Letter) -> Written:
        return await self._letters.write(letter)


@dataclass
class Outside:
    made: Parts
    checks: SaidChecks = field(default_factory=SaidChecks)
    payouts: SaidPayouts = field(default_factory=SaidPayouts)

    def __post_init__(self) -> None:
        self.banking = SaidBanking(self.made.banking)
        self.letters = SaidLetters(self.made.letters)

    @asynccontextmanager
    async def working(self, client: Client) -> AsyncIterator[None]:
        """The application workers as they are, with these systems behind them."""
        told = _Told(**{each.name: getattr(self.made, each.name) for each in fields(self.made)})
        told.outside = self
        async with AsyncExitStack() as running:
            for worker in make_workers(client, told, (options.APPLICATIONS, options.LENDING)):
                await running.enter_async_context(worker)
            yield


class _Told(Parts):
    """Our own parts, but for what is outside."""

    outside: Outside

    checks = property(lambda self: self.outside.checks)  # type: ignore[assignment]
    payouts = property(lambda self: self.outside.payouts)  # type: ignore[assignment]
    banking = property(lambda self: self.outside.banking)  # type: ignore[assignment]
    letters = property(lambda self: self.outside.letters)  # type: ignore[assignment]

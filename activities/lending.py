"""The steps of an application that touch the world: one port call each, one key, one mapping of faults."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.faults import AWAY, DECLINED, NEEDS_A_PERSON
from adapters.applications.port import ApplicationChange, Applications
from adapters.banking.port import BookingRefused, CoreBanking
from adapters.checks.port import CheckAnswer, CheckAway, CheckQuestion, Checks
from adapters.letters.port import Dispatched, Letter, LetterAway, LetterRejected, Letters
from adapters.payout.port import PaidOut, PayoutAway, PayoutDeclined, Payouts, PayoutUnknown
from domain.ids import OperationKey
from domain.lending.accounts import AccountTerms, Payoff, Transaction, interest_a_day, payoff
from domain.lending.schedule import Instalment
from domain.money import Money


class PayoutRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    application_id: str
    token: str
    amount: Money
    key: OperationKey


class OpenAccount(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: AccountTerms
    instalments: Sequence[Instalment]
    first: Transaction | None
    at: datetime


class ReplanAccount(BaseModel):
    """Another advance of a loan in parts, or the end of its drawing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: str
    instalments: Sequence[Instalment]
    draw: Transaction | None
    agreed: int


class SettleTransaction(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    booked: bool


class LookAtAccount(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: str
    on: date


class AccountOwes(BaseModel):
    """What would settle an account on a day, and what the day brings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    payoff: Payoff
    daily_interest: int


class ApplicationRecords:
    """Short steps in our own database."""

    def __init__(self, applications: Applications):
        self.applications = applications

    @activity.defn
    async def record_application(self, change: ApplicationChange) -> None:
        await self.applications.record(change)


class LendingSteps:
    """Steps that speak to other systems, on the lending queue."""

    def __init__(self, checks: Checks, letters: Letters, banking: CoreBanking, payouts: Payouts):
        self.checks = checks
        self.letters = letters
        self.banking = banking
        self.payouts = payouts

    @activity.defn
    async def ask_about_party(self, question: CheckQuestion) -> CheckAnswer:
        try:
            return await self.checks.ask(question)
        except CheckAway as fault:
            raise _away(fault) from fault

    @activity.defn
    async def send_letter(self, letter: Letter) -> Dispatched:
        try:
            return await self.letters.send(letter)
        except LetterAway as fault:
            raise _away(fault) from fault
        except LetterRejected as fault:
            raise _for_a_person(fault) from fault

    @activity.defn
    async def open_account(self, request: OpenAccount) -> None:
        try:
            await self.banking.open(request.terms, request.instalments, request.first, request.at)
        except BookingRefused as fault:
            raise _for_a_person(fault) from fault

    @activity.defn
    async def replan_account(self, request: ReplanAccount) -> None:
        try:
            await self.banking.replan(request.account_id, request.instalments, request.draw, agreed=request.agreed)
        except BookingRefused as fault:
            raise _for_a_person(fault) from fault

    @activity.defn
    async def settle_transaction(self, request: SettleTransaction) -> None:
        try:
            await self.banking.settle(request.key, booked=request.booked)
        except BookingRefused as fault:
            raise _for_a_person(fault) from fault

    @activity.defn
    async def look_at_account(self, request: LookAtAccount) -> AccountOwes:
        account = await self.banking.account(request.account_id)
        owed = payoff(account.terms, account.transactions, request.on)
        return AccountOwes(payoff=owed, daily_interest=interest_a_day(account.terms, owed.principal, request.on))

    @activity.defn
    async def pay_out(self, request: PayoutRequest) -> PaidOut:
        """Looked up first on every try: what was sent before is never sent again."""
        try:
            found = await self.payouts.find(request.key)
            if found is not None:
                return found
            return await self.payouts.pay_out(
                reference=request.application_id, token=request.token, amount=request.amount, key=request.key
            )
        except PayoutDeclined as fault:
            benign = ApplicationErrorCategory.BENIGN
            raise ApplicationError(
                str(fault), fault.reason, type=DECLINED, non_retryable=True, category=benign
            ) from fault
        except (PayoutAway, PayoutUnknown) as fault:
            raise _away(fault) from fault


def _for_a_person(fault: Exception) -> ApplicationError:
    return ApplicationError(str(fault), type=NEEDS_A_PERSON, non_retryable=True)


def _away(fault: Exception) -> ApplicationError:
    return ApplicationError(str(fault), type=AWAY)

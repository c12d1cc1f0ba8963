"""An account's balances, payoff and repayments, worked out from its postings as of any time."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.lending.rates import exact, minor
from domain.lending.schedule import DayCount, year_fraction
from domain.money import Currency


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountKind(StrEnum):
    LOAN = "loan"
    CARD = "card"
    DEPOSIT = "deposit"


class LedgerAccount(StrEnum):
    """Where a posting stands. Debits are positive; the postings of a transaction sum to zero."""

    PRINCIPAL = "principal"
    """Owed to us."""
    INTEREST = "interest"
    FEES = "fees"
    CASH = "cash"
    """Our money."""
    CLEARING = "clearing"
    """Paid out, not yet confirmed."""
    INCOME = "income"
    DEPOSITS = "deposits"
    """What we owe to a depositor."""


class TransactionKind(StrEnum):
    DISBURSEMENT = "disbursement"
    ORIGINATION_FEE = "origination_fee"
    INTEREST = "interest"
    FEE = "fee"
    REPAYMENT = "repayment"
    DEPOSIT = "deposit"
    REFUND = "refund"
    """Of an order that the loan pays: it goes back to the loan."""


class TransactionState(StrEnum):
    PENDING = "pending"
    BOOKED = "booked"
    REVERSED = "reversed"


class Posting(_Value):
    ledger: LedgerAccount
    amount: int


class Transaction(_Value):
    """Written once under its key; only its state moves on."""

    key: str
    kind: TransactionKind
    state: TransactionState
    at: AwareDatetime
    value_date: date
    postings: tuple[Posting, ...]
    channel: str | None = None

    @property
    def amount(self) -> int:
        return sum(posting.amount for posting in self.postings if posting.amount > 0)


class AccountTerms(_Value):
    """What an account runs under."""

    account_id: str
    application_id: str
    kind: AccountKind
    currency: Currency
    annual_rate: Decimal
    day_count: DayCount
    opened_on: date
    limit: int = 0
    """Of a card."""
    agreed: int = 0
    """What may be drawn in all, of a loan that is paid out in parts."""


class Balances(_Value):
    """By type; `accrued` is interest that has grown since the last posting of interest."""

    as_of: AwareDatetime
    currency: Currency
    principal: int = 0
    interest: int = 0
    accrued: int = 0
    fees: int = 0
    booked: int = 0
    """All that is owed, or held for a depositor, by booked transactions."""
    pending: int = 0
    """The net of what is under way."""
    available: int = 0
    drawn: int = 0
    """What was ever paid out of a loan, charges that were kept back among it."""
    undrawn: int = 0
    """What is agreed, and neither drawn nor on its way."""


class Allocation(_Value):
    """How a repayment is used: fees, then interest, then principal; what is over stays to be paid back."""

    fees: int
    interest: int
    principal: int
    over: int


class Payoff(_Value):
    on: date
    currency: Currency
    principal: int
    interest: int
    fees: int
    total: int


def balances(terms: AccountTerms, transactions: Sequence[Transaction], as_of: AwareDatetime, today: date) -> Balances:
    """As they were at `as_of`, whose day for the account is `today`."""
    known = [each for each in transactions if each.at <= as_of and each.state is not TransactionState.REVERSED]
    booked = [each for each in known if each.state is TransactionState.BOOKED]
    pending = [each for each in known if each.state is TransactionState.PENDING]
    principal = _sum(booked, LedgerAccount.PRINCIPAL)
    interest, fees = _sum(booked, LedgerAccount.INTEREST), _sum(booked, LedgerAccount.FEES)
    held = -_sum(booked, LedgerAccount.DEPOSITS)
    accrued = accrued_interest(terms, booked, today)
    owed = principal + interest + fees
    waiting = _sum(pending, LedgerAccount.PRINCIPAL) - _sum(pending, LedgerAccount.DEPOSITS)
    drawn, leaving = (_sum(_paid_out(each), LedgerAccount.PRINCIPAL) for each in (booked, pending))
    available = {
        # Of a loan that pays orders; another one has no limit.
        AccountKind.LOAN: max(0, terms.limit - owed - max(0, waiting)),
        AccountKind.CARD: max(0, terms.limit - owed - max(0, waiting)),
        AccountKind.DEPOSIT: held,
    }[terms.kind]
    return Balances(
        as_of=as_of,
        currency=terms.currency,
        principal=principal,
        interest=interest,
        accrued=accrued,
        fees=fees,
        booked=held if terms.kind is AccountKind.DEPOSIT else owed,
        pending=waiting,
        available=available,
        drawn=drawn,
        undrawn=max(0, terms.agreed - drawn - leaving),
    )


def accrued_interest(terms: AccountTerms, booked: Sequence[Transaction], on: date) -> int:
    """Interest on what was owed each day since interest was last posted, rounded once."""
    if terms.kind is AccountKind.DEPOSIT:
        return 0
    posted = [each.value_date for each in booked if _brings_interest(each)]
    since = max(posted, default=terms.opened_on)
    moves = sorted({each.value_date for each in booked if since < each.value_date < on})
    with exact():
        grown = Decimal(0)
        marks = [since, *moves, on]
        for start, end in pairwise(marks):
            if end > start:
                owed = _sum([each for each in booked if each.value_date <= start], LedgerAccount.PRINCIPAL)
                part = year_fraction(start, end, terms.day_count)
                grown += max(0, owed) * terms.annual_rate * part.numerator / (100 * part.denominator)
        return minor(grown)


def payoff(terms: AccountTerms, transactions: Sequence[Transaction], on: date) -> Payoff:
    """What would settle the loan on a day."""
    booked = [each for each in transactions if each.state is TransactionState.BOOKED]
    principal = _sum(booked, LedgerAccount.PRINCIPAL)
    interest = _sum(booked, LedgerAccount.INTEREST) + accrued_interest(terms, booked, on)
    fees = _sum(booked, LedgerAccount.FEES)
    return Payoff(
        on=on,
        currency=terms.currency,
        principal=principal,
        interest=interest,
        fees=fees,
        total=principal + interest + fees,
    )


def interest_a_day(terms: AccountTerms, principal: int, on: date) -> int:
    """What `principal` brings from one day to the next, rounded."""
    part = year_fraction(on, on + timedelta(days=1), terms.day_count)
    with exact():
        return minor(principal * terms.annual_rate * part.numerator / (100 * part.denominator))


def allocate(amount: int, owed: Payoff) -> Allocation:
    """Fees first, then interest, then principal."""
    fees = min(amount, owed.fees)
    interest = min(amount - fees, owed.interest)
    principal = min(amount - fees - interest, owed.principal)
    return Allocation(fees=fees, interest=interest, principal=principal, over=amount - fees - interest - principal)


def repayment_postings(allocation: Allocation, accrued: int) -> tuple[Posting, ...]:
    """A repayment with the interest that it brings to book: both in one transaction."""
    paid = allocation.fees + allocation.interest + allocation.principal
    return _postings(
        (LedgerAccount.CASH, paid),
        (LedgerAccount.INTEREST, accrued - allocation.interest),
        (LedgerAccount.INCOME, -accrued),
        (LedgerAccount.FEES, -allocation.fees),
        (LedgerAccount.PRINCIPAL, -allocation.principal),
    )


def disbursement_postings(principal: int, prepaid: int) -> tuple[Posting, ...]:
    """The loan is owed whole; the charge that was kept back is income, the rest is on its way."""
    return _postings(
        (LedgerAccount.PRINCIPAL, principal),
        (LedgerAccount.INCOME, -prepaid),
        (LedgerAccount.CLEARING, prepaid - principal),
    )


def draw_postings(amount: int) -> tuple[Posting, ...]:
    """A part of the loan pays the seller of an order."""
    return _postings((LedgerAccount.PRINCIPAL, amount), (LedgerAccount.CASH, -amount))


def loan_refund_postings(amount: int, owed: int) -> tuple[Posting, ...]:
    """What the seller gives back makes the loan smaller; what is more than is owed waits to go to the customer."""
    back = min(amount, max(0, owed))
    return _postings(
        (LedgerAccount.CASH, amount), (LedgerAccount.PRINCIPAL, -back), (LedgerAccount.CLEARING, back - amount)
    )


def owed_principal(postings: Iterable[Posting]) -> int:
    return sum(line.amount for line in postings if line.ledger is LedgerAccount.PRINCIPAL)


def deposit_postings(amount: int) -> tuple[Posting, ...]:
    return _postings((LedgerAccount.CASH, amount), (LedgerAccount.DEPOSITS, -amount))


def _postings(*lines: tuple[LedgerAccount, int]) -> tuple[Posting, ...]:
    return tuple(Posting(ledger=ledger, amount=amount) for ledger, amount in lines if amount)


def _sum(transactions: Iterable[Transaction], ledger: LedgerAccount) -> int:
    return sum(line.amount for each in transactions for line in each.postings if line.ledger is ledger)


def _paid_out(transactions: Iterable[Transaction]) -> list[Transaction]:
    return [each for each in transactions if each.kind is TransactionKind.DISBURSEMENT]


def _brings_interest(transaction: Transaction) -> bool:
    """Whether interest was brought to book up to the transaction's day."""
    return transaction.kind in (TransactionKind.REPAYMENT, TransactionKind.INTEREST)

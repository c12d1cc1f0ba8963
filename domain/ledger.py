"""The double-entry rules of payments: accounts, what each movement posts, and what must hold for an order's money.

A posting's amount is in minor units, a debit positive and a credit negative; the postings of an entry sum to zero.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.ids import OperationKey, OrderId
from domain.money import Currency, Minor
from domain.payments import AuthorisationId, AuthorisationStatus, OperationKind, OperationStatus, TenderId


class Account(StrEnum):
    HELD = "held"
    """What providers hold for us and have not taken yet; `PROMISED` is its counter-account. Both are off balance."""
    PROMISED = "promised"
    RECEIVABLE = "receivable"
    """What providers took and owe us."""
    SALES = "sales"
    FEES = "fees"
    PREPAID = "prepaid"
    """Charged at once, before the goods."""
    REFUNDS = "refunds"
    OWED_TO_CUSTOMERS = "owed_to_customers"
    """What went back as store credit or as a gift card: it is spent in another order."""
    UNEXPLAINED = "unexplained"
    """A capture that nobody here asked for: a person finds its purpose."""


class CapturePurpose(StrEnum):
    """Why money was taken. There is no other good reason."""

    HAND_OVER = "hand_over"
    DISPATCH = "dispatch"
    POLICY_FEE = "policy_fee"
    CHARGE_AT_ONCE = "charge_at_once"


class Movement(StrEnum):
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    """Given back uncaptured: voided, expired, or released by a single capture."""
    REFUND = "refund"
    REFUND_REVERSED = "refund_reversed"
    REDIRECT = "redirect"
    """Given back to another target than it came from: the provider keeps it, and we owe it to the customer."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Posting(_Value):
    account: Account
    amount: Minor


_INCOME = {
    CapturePurpose.HAND_OVER: Account.SALES,
    CapturePurpose.DISPATCH: Account.SALES,
    CapturePurpose.POLICY_FEE: Account.FEES,
    CapturePurpose.CHARGE_AT_ONCE: Account.PREPAID,
    None: Account.UNEXPLAINED,
}


def postings_for(movement: Movement, amount: Minor, purpose: CapturePurpose | None = None) -> tuple[Posting, ...]:
    """The postings of one movement of `amount` (positive); they sum to zero."""
    if amount <= 0:
        raise ValueError("A movement of money has a positive amount.")
    match movement:
        case Movement.AUTHORISE:
            return _transfer(amount, debit=Account.HELD, credit=Account.PROMISED)
        case Movement.VOID:
            return _transfer(amount, debit=Account.PROMISED, credit=Account.HELD)
        case Movement.CAPTURE:
            return (
                *_transfer(amount, debit=Account.PROMISED, credit=Account.HELD),
                *_transfer(amount, debit=Account.RECEIVABLE, credit=_INCOME[purpose]),
            )
        case Movement.REFUND:
            return _transfer(amount, debit=Account.REFUNDS, credit=Account.RECEIVABLE)
        case Movement.REFUND_REVERSED:
            return _transfer(amount, debit=Account.RECEIVABLE, credit=Account.REFUNDS)
        case Movement.REDIRECT:
            return _transfer(amount, debit=Account.REFUNDS, credit=Account.OWED_TO_CUSTOMERS)


def _transfer(amount: Minor, *, debit: Account, credit: Account) -> tuple[Posting, Posting]:
    return Posting(account=debit, amount=amount), Posting(account=credit, amount=-amount)


def balance(postings: Iterable[Posting], account: Account) -> Minor:
    return sum(posting.amount for posting in postings if posting.account is account)


class JournalEntry(_Value):
    """One movement of money, written once and never changed."""

    operation_key: OperationKey
    tender_id: TenderId
    authorisation_id: AuthorisationId | None
    movement: Movement
    currency: Currency
    at: AwareDatetime
    postings: tuple[Posting, ...]


class OperationEntry(_Value):
    """One operation as our ledger knows it; `booked` is what it moved, `amount` what was asked."""

    key: OperationKey
    kind: OperationKind
    status: OperationStatus
    tender_id: TenderId
    authorisation_id: AuthorisationId | None
    amount: Minor
    booked: Minor
    currency: Currency
    purpose: CapturePurpose | None
    group: str | None
    reason: str | None
    failure: str | None
    external: bool
    """The provider told us; we had not asked."""
    requested_at: AwareDatetime
    settled_at: AwareDatetime | None


class AuthorisationBalance(_Value):
    id: AuthorisationId
    tender_id: TenderId
    status: AuthorisationStatus
    currency: Currency
    authorised: Minor
    captured: Minor
    voided: Minor
    refunded: Minor
    refunding: Minor = 0
    """Accepted or under way, its outcome open."""
    capture_before: AwareDatetime | None

    @property
    def held(self) -> Minor:
        return self.authorised - self.captured - self.voided


class TenderTotals(_Value):
    tender_id: TenderId
    currency: Currency
    authorised: Minor
    captured: Minor
    voided: Minor
    refunded: Minor
    refunding: Minor = 0


class Dispute(_Value):
    """A customer's bank has taken captured money back; somebody accepts that or contests it."""

    id: str
    """The provider's."""
    order_id: OrderId
    tender_id: TenderId
    authorisation_id: AuthorisationId
    amount: Minor
    currency: Currency
    at: AwareDatetime
    closed_at: AwareDatetime | None = None
    closed_by: str | None = None
    reason: str | None = None


class RedirectedRefund(_Value):
    """Captured money that went back as store credit or as a gift card."""

    key: OperationKey
    tender_id: TenderId
    authorisation_id: AuthorisationId
    amount: Minor
    currency: Currency
    target: str
    reason: str
    at: AwareDatetime


class OrderGoods(_Value):
    """What an order's goods are worth, as the caller knows it; the ledger knows money only."""

    delivered_or_kept: Minor
    fees: Minor = 0
    owed: Minor = 0
    """Still to come and to be covered: pay-in-store and backordered units are left out."""


class Rule(StrEnum):
    """What must hold: `left <= right`, with the numbers of the violation."""

    WITHIN_AUTHORISATION = "captured_and_voided_within_authorised"
    REFUNDED_WITHIN_CAPTURED = "refunded_within_captured"
    TAKEN_WITHIN_DUE = "taken_within_goods_and_fees"
    OWED_IS_COVERED = "goods_owed_are_covered"
    CAPTURE_HAS_PURPOSE = "captures_have_a_purpose"
    ONE_LIVE_AUTHORISATION = "one_live_authorisation_a_tender"
    ENTRIES_BALANCE = "entries_sum_to_zero"
    TOTALS_EQUAL_JOURNAL = "totals_equal_the_journal"


class Violation(_Value):
    rule: Rule
    subject: str
    """An authorisation, a tender, an operation key or the order."""
    left: Minor
    right: Minor


class OrderMoney(_Value):
    """Everything that moved for one order."""

    order_id: OrderId
    operations: tuple[OperationEntry, ...] = ()
    authorisations: tuple[AuthorisationBalance, ...] = ()
    tenders: tuple[TenderTotals, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    redirected: tuple[RedirectedRefund, ...] = ()

    @property
    def held(self) -> Minor:
        return sum(authorisation.held for authorisation in self.authorisations)

    @property
    def captured(self) -> Minor:
        return sum(tender.captured for tender in self.tenders)

    @property
    def refunded(self) -> Minor:
        return sum(tender.refunded for tender in self.tenders)

    @property
    def given_elsewhere(self) -> Minor:
        return sum(redirect.amount for redirect in self.redirected)


class OrderStatement(OrderMoney):
    """Our ledger of an order, with what is wrong in it (nothing, one hopes)."""

    violations: tuple[Violation, ...] = ()


def check_order(money: OrderMoney, goods: OrderGoods | None = None, *, at_rest: bool = False) -> list[Violation]:
    """The invariants of an order's money, each violation named with its numbers.

    Those about goods are checked when `goods` is given; one live authorisation a tender only `at_rest`, because a
    renewal has two for a moment.
    """
    return [
        *_ceilings(money),
        *_purposes(money.operations),
        *_books(money),
        *(_against_goods(money, goods) if goods else ()),
        *(_live_authorisations(money.authorisations) if at_rest else ()),
    ]


def _ceilings(money: OrderMoney) -> Iterable[Violation]:
    for authorisation in money.authorisations:
        yield from _at_most(
            Rule.WITHIN_AUTHORISATION,
            authorisation.id,
            authorisation.captured + authorisation.voided,
            authorisation.authorised,
        )
        yield from _at_most(
            Rule.REFUNDED_WITHIN_CAPTURED, authorisation.id, authorisation.refunded, authorisation.captured
        )
    for tender in money.tenders:
        elsewhere = sum(each.amount for each in money.redirected if each.tender_id == tender.tender_id)
        back = tender.refunded + elsewhere
        yield from _at_most(Rule.REFUNDED_WITHIN_CAPTURED, tender.tender_id, back, tender.captured)


def _purposes(operations: Sequence[OperationEntry]) -> Iterable[Violation]:
    for operation in operations:
        if operation.kind is OperationKind.CAPTURE and operation.purpose is None:
            yield from _at_most(Rule.CAPTURE_HAS_PURPOSE, operation.key, operation.booked, 0)


def _books(money: OrderMoney) -> Iterable[Violation]:
    for entry in money.journal:
        total = sum(posting.amount for posting in entry.postings)
        if total:
            yield Violation(rule=Rule.ENTRIES_BALANCE, subject=entry.operation_key, left=total, right=0)
    for tender in money.tenders:
        posted = [
            posting for entry in money.journal if entry.tender_id == tender.tender_id for posting in entry.postings
        ]
        held = tender.authorised - tender.captured - tender.voided
        for account, expected in ((Account.HELD, held), (Account.RECEIVABLE, tender.captured - tender.refunded)):
            if (found := balance(posted, account)) != expected:
                yield Violation(rule=Rule.TOTALS_EQUAL_JOURNAL, subject=tender.tender_id, left=expected, right=found)


def _against_goods(money: OrderMoney, goods: OrderGoods) -> Iterable[Violation]:
    kept = money.captured - money.refunded - money.given_elsewhere
    due = goods.delivered_or_kept + goods.fees
    prepaid = sum(one.booked for one in money.operations if one.purpose is CapturePurpose.CHARGE_AT_ONCE)
    yield from _at_most(Rule.TAKEN_WITHIN_DUE, money.order_id, kept, due + min(prepaid, goods.owed))
    # What was taken beyond the goods that left covers those that have not; goodwill refunds leave less than was due.
    yield from _at_most(Rule.OWED_IS_COVERED, money.order_id, goods.owed, money.held + max(0, kept - due))


def _live_authorisations(authorisations: Sequence[AuthorisationBalance]) -> Iterable[Violation]:
    for tender in dict.fromkeys(one.tender_id for one in authorisations):
        live = sum(one.held > 0 for one in authorisations if one.tender_id == tender)
        yield from _at_most(Rule.ONE_LIVE_AUTHORISATION, tender, live, 1)


def _at_most(rule: Rule, subject: str, left: Minor, right: Minor) -> Iterable[Violation]:
    if left > right:
        yield Violation(rule=rule, subject=subject, left=left, right=right)

"""Money follows goods: from what was delivered and what is still owed to the customer, the steps that make it right."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from domain.intake import TenderType
from domain.money import apportion
from domain.payments import AuthorisationId, TenderId
from domain.tender_use import TenderRule, TenderUse

HELD = frozenset(
    {
        *(TenderType.CARD, TenderType.GIFT_CARD, TenderType.STORE_CREDIT),
        *(TenderType.EXCHANGE_CREDIT, TenderType.FINANCING),
    }
)
"""What is authorised first and captured when goods leave, or arrive."""


class StepKind(StrEnum):
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    AUTHORISE = "authorise"


class MoneyStep(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: StepKind
    tender_id: TenderId
    amount: int
    """Nothing, for a void: all that is left of an authorisation that is of no use any more."""
    authorisation_id: AuthorisationId | None = None
    for_dispatch: bool = False
    """A capture before goods go to a carrier; otherwise they go over a counter."""

    @property
    def frees_all(self) -> bool:
        return self.kind is StepKind.VOID and not self.amount


class TenderBook(BaseModel):
    """What has happened to one tender, in minor units."""

    model_config = ConfigDict(extra="forbid")

    tender_id: TenderId
    type: TenderType
    amount: int
    authorisation_id: AuthorisationId | None = None
    live: int = 0
    """Authorised, uncaptured, not voided."""
    captured: int = 0
    refunded: int = 0
    voided: int = 0
    captures: dict[AuthorisationId, int] = {}
    """Captured minus refunded, per authorisation that took money: where a refund goes back to."""
    steps: int = 0
    """How many money operations this tender has had; part of the next one's key."""
    pending: MoneyStep | None = None
    """A step whose outcome is not known yet: it is finished, under the same key, before any other."""
    awaiting: AuthorisationId | None = None
    """An authorisation that the customer must confirm first (3-D Secure)."""
    abandoned: list[AuthorisationId] = []
    """Authorisations that are of no use any more and are yet to be voided at the provider."""
    exhausted: bool = False
    """It was declined: it cannot be charged again."""
    authorised_at: datetime | None = None
    capture_before: datetime | None = None
    token: str | None = Field(default=None, repr=False)

    @property
    def held(self) -> int:
        """Money that the seller has from this tender."""
        return self.captured - self.refunded

    @property
    def room(self) -> int:
        """How much can be newly authorised: the asked amount less what is kept, while nothing is live."""
        if self.exhausted or self.awaiting is not None or self.live:
            # A tender has one live authorisation: a second one beside it would be lost from sight.
            return 0
        return max(0, self.amount - self.held)

    @property
    def beyond(self) -> int:
        """Held credit that is more than the tender is good for by now."""
        if self.type is not TenderType.EXCHANGE_CREDIT:
            return 0
        return max(0, self.live - max(0, self.amount - self.held))

    @property
    def expected(self) -> int:
        """What the customer has still to do for this tender: confirm it, or pay it at the till."""
        if self.awaiting is None and self.type is not TenderType.PAY_IN_STORE:
            return 0
        return max(0, self.amount - self.live - self.held)


class MoneyPlan(BaseModel):
    """The steps, in the order in which they must be taken, and what no tender covers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: list[MoneyStep]
    short: int = 0
    """Worth of goods that left for which no captured or live money is there."""
    expected: int = 0
    """What the customer still has to confirm or to pay at the till; nothing once all goods are gone."""
    uncovered: int = 0
    """Still to be paid for delivered and owed goods, by no tender there is."""

    def of(self, kind: StepKind) -> list[MoneyStep]:
        return [step for step in self.steps if step.kind is kind]

    def total(self, kind: StepKind) -> int:
        """What the steps of a kind move, in minor units."""
        return sum(step.amount for step in self.of(kind))


def plan_money(
    tenders: list[TenderBook], earned: int, owed: int, due_back: int = 0, use: TenderUse = TenderUse()
) -> MoneyPlan:
    """The steps after which captured money equals `earned` and live plus prepaid money covers `owed`.

    `earned`: worth of the units that left for the customer, plus fees. `owed`: worth of the units still to be
    delivered. `due_back`: money of goods that never got there, which does not stay to pay for others. `use` says which
    tender is captured and which is refunded first; what is captured last is voided first.
    """
    books = [book.model_copy(deep=True) for book in tenders]
    owed = max(0, owed)
    steps: list[MoneyStep] = []
    held = sum(book.held for book in books)

    missing = earned - held
    charged = [book.live if book.authorisation_id else 0 for book in books]
    for book, take in zip(books, _captures(books, charged, missing, earned, use.captured), strict=True):
        if take:
            steps.append(_step(StepKind.CAPTURE, book, take))
            book.live -= take
            book.captured += take
            missing -= take
    prepaid = max(0, -missing)
    give_back = min(prepaid, due_back)
    still_owed = owed - (prepaid - give_back)
    give_back += max(0, -still_owed)

    if give_back:
        for book, share in _refunds(books, give_back, use.refunded):
            for authorisation, kept in reversed(list(book.captures.items())):
                part = min(kept, share)
                if part > 0:
                    steps.append(
                        MoneyStep(
                            kind=StepKind.REFUND,
                            tender_id=book.tender_id,
                            amount=part,
                            authorisation_id=authorisation,
                        )
                    )
                    share -= part
    still_owed = max(0, still_owed)

    for book in books:
        # Less came back than the credit was for.
        if (over := min(book.live, book.beyond)) and book.authorisation_id:
            steps.append(_step(StepKind.VOID, book, over))
            book.live -= over
    excess = sum(book.live for book in books) - still_owed
    freeable = [book.live if book.authorisation_id else 0 for book in books]
    for book, part in _voids(books, freeable, excess, use.captured):
        steps.append(_step(StepKind.VOID, book, part))
        book.live -= part

    wanting = max(0, missing) + still_owed - sum(book.live for book in books)
    for book in books:
        part = min(book.room, max(0, wanting)) if book.type in HELD else 0
        if part:
            steps.append(MoneyStep(kind=StepKind.AUTHORISE, tender_id=book.tender_id, amount=part))
            wanting -= part
    wanting = max(0, wanting)
    # Who has nothing more to collect does not come back to pay.
    expected = min(wanting, sum(book.expected for book in books)) if owed else 0
    return MoneyPlan(steps=steps, short=max(0, missing), expected=expected, uncovered=wanting - expected)


# --- which tender first -----------------------------------------------------------------------------------------------


def _captures(books: list[TenderBook], charged: list[int], missing: int, earned: int, rule: TenderRule) -> list[int]:
    """How much of each live authorisation to take, at most `missing` in all."""
    takes = [0] * len(books)
    if rule is TenderRule.PRO_RATA:
        # Each tender's part of everything earned so far: whatever was taken before, and in however many steps, the
        # parts come to the same.
        parts = apportion(max(0, earned), [book.amount for book in books])
        for at, (book, part) in enumerate(zip(books, parts, strict=True)):
            takes[at] = max(0, min(charged[at], part - book.held, missing))
            missing -= takes[at]
    for at in reversed(range(len(books))) if rule is TenderRule.LAST else range(len(books)):
        more = max(0, min(charged[at] - takes[at], missing))
        takes[at] += more
        missing -= more
    return takes


def _refunds(books: list[TenderBook], give_back: int, rule: TenderRule) -> list[tuple[TenderBook, int]]:
    """How much goes back to each tender, at most what it has paid."""
    shares = [0] * len(books)
    kept = [sum(part for part in book.captures.values() if part > 0) for book in books]
    if rule is TenderRule.PRO_RATA:
        stays = apportion(max(0, sum(kept) - give_back), [book.amount for book in books])
        for at, part in enumerate(stays):
            shares[at] = max(0, min(kept[at] - part, give_back))
            give_back -= shares[at]
    for at in range(len(books)) if rule is TenderRule.FIRST else reversed(range(len(books))):
        more = min(kept[at] - shares[at], give_back)
        shares[at] += more
        give_back -= more
    found = [(book, share) for book, share in zip(books, shares, strict=True) if share]
    return found if rule is TenderRule.FIRST else found[::-1]


def _voids(
    books: list[TenderBook], freeable: list[int], excess: int, captured: TenderRule
) -> list[tuple[TenderBook, int]]:
    """How much of each live authorisation to free, so that what stays is what would be captured first."""
    frees = [0] * len(books)
    excess = max(0, excess)
    if captured is TenderRule.PRO_RATA:
        stays = sum(book.live + book.held for book in books) - excess
        for at, part in enumerate(apportion(max(0, stays), [book.amount for book in books])):
            frees[at] = max(0, min(freeable[at], books[at].live + books[at].held - part, excess))
            excess -= frees[at]
    for at in range(len(books)) if captured is TenderRule.LAST else reversed(range(len(books))):
        more = min(freeable[at] - frees[at], excess)
        frees[at] += more
        excess -= more
    found = [(book, part) for book, part in zip(books, frees, strict=True) if part]
    return found if captured is TenderRule.LAST else found[::-1]


def _step(kind: StepKind, book: TenderBook, amount: int) -> MoneyStep:
    return MoneyStep(kind=kind, tender_id=book.tender_id, amount=amount, authorisation_id=book.authorisation_id)

"""Gift cards and store credit: money that we owe to whoever has the number. Its accounts, its number, and its history.

A posting's amount is in minor units, a debit positive and a credit negative; the postings of an entry sum to zero.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.ids import LineId, OperationKey, OrderId
from domain.intake import TenderType
from domain.money import Currency, Minor
from domain.payments import AuthorisationId

BalanceId = NewType("BalanceId", str)
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no word comes about; no digits, so that no number reads like a payment card's."""
NUMBER_LETTERS = 16
"""69 bits: nobody finds one by trying."""
_SHORTEST_SECRET = 16
OWN_BALANCE = "balance"
"""Tokens and holds of balances begin so; no provider's do."""
_TOKEN = f"{OWN_BALANCE}:"
_HOLD = f"{OWN_BALANCE}-"


class BalanceKind(StrEnum):
    GIFT_CARD = "gift_card"
    CREDIT = "credit"
    """Store credit: one balance for each customer and currency."""


class BalanceStatus(StrEnum):
    INACTIVE = "inactive"
    """A card that is sold and not fulfilled: nothing can be paid with it."""
    ACTIVE = "active"
    DISABLED = "disabled"
    """Its sale was paid back: nothing is on it any more."""


class BalanceAccount(StrEnum):
    AVAILABLE = "available"
    """Owed to the holder, and free to be spent."""
    HELD = "held"
    """Owed to the holder, and spoken for by an order."""
    ISSUED = "issued"
    """What was taken, or given up, for what is owed: a sale, a refund, goodwill."""
    DRAWN = "drawn"
    """What has paid for goods."""


class BalanceMovement(StrEnum):
    ISSUE = "issue"
    HOLD = "hold"
    RELEASE = "release"
    DRAW = "draw"
    GIVE_BACK = "give_back"
    DISABLE = "disable"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BalancePosting(_Value):
    account: BalanceAccount
    amount: Minor


_MOVES = {
    BalanceMovement.ISSUE: (BalanceAccount.ISSUED, BalanceAccount.AVAILABLE),
    BalanceMovement.HOLD: (BalanceAccount.AVAILABLE, BalanceAccount.HELD),
    BalanceMovement.RELEASE: (BalanceAccount.HELD, BalanceAccount.AVAILABLE),
    BalanceMovement.DRAW: (BalanceAccount.HELD, BalanceAccount.DRAWN),
    BalanceMovement.GIVE_BACK: (BalanceAccount.DRAWN, BalanceAccount.AVAILABLE),
    BalanceMovement.DISABLE: (BalanceAccount.AVAILABLE, BalanceAccount.ISSUED),
}
"""Debited and credited account of each movement."""


def balance_postings(movement: BalanceMovement, amount: Minor) -> tuple[BalancePosting, BalancePosting]:
    """The postings of one movement of `amount` (positive); they sum to zero."""
    if amount <= 0:
        raise ValueError("A movement of a balance has a positive amount.")
    debit, credit = _MOVES[movement]
    return BalancePosting(account=debit, amount=amount), BalancePosting(account=credit, amount=-amount)


def owed(postings: Iterable[BalancePosting], account: BalanceAccount) -> Minor:
    """What an account comes to, as the holder sees it: what we owe is positive."""
    return -sum(posting.amount for posting in postings if posting.account is account)


class BalanceEntry(_Value):
    """One movement, written once and never changed. `amount` is positive."""

    at: AwareDatetime
    movement: BalanceMovement
    amount: Minor
    reference: str | None = None
    """The order or return that it was for."""
    reason: str | None = None


class Balance(_Value):
    """One gift card or store credit as every channel reads it. Its number is shown by its last letters only."""

    id: BalanceId
    kind: BalanceKind
    currency: Currency
    status: BalanceStatus
    balance: Minor
    """What is on it: `available` and `held` together."""
    held: Minor
    available: Minor
    last_four: str
    customer_ref: str | None = None
    order_id: OrderId | None = None
    """The order that it was sold in."""
    line_id: LineId | None = None
    created_at: AwareDatetime


class Issue(_Value):
    """A new balance, or for a customer who has store credit, more of it. `key`: its business identity."""

    key: OperationKey
    id: BalanceId
    kind: BalanceKind
    amount: Minor
    currency: Currency
    at: AwareDatetime
    reason: str
    active: bool = True
    customer_ref: str | None = None
    order_id: OrderId | None = None
    line_id: LineId | None = None
    reference: str | None = None


# --- the number -------------------------------------------------------------------------------------------------------


def number_of(secret: bytes, balance: BalanceId) -> str:
    """The number of a balance: derived when it is needed, stored nowhere. Four groups of four letters."""
    left = int.from_bytes(_keyed(secret, "balance", balance), "big")
    letters = []
    for _ in range(NUMBER_LETTERS):
        left, letter = divmod(left, len(LETTERS))
        letters.append(LETTERS[letter])
    return "-".join("".join(letters[at : at + 4]) for at in range(0, NUMBER_LETTERS, 4))


def number_hash(secret: bytes, number: str) -> str:
    """The keyed hash of a number as somebody typed it."""
    return _keyed(secret, "balance-hash", normalised(number)).hex()


def normalised(typed: str) -> str:
    plain = unicodedata.normalize("NFKC", typed).upper()
    return "".join(character for character in plain if character.isalnum())


def last_four(number: str) -> str:
    return normalised(number)[-4:]


def token_of(kind: BalanceKind, hashed: str) -> str:
    """What stands for a number wherever a card's token would stand."""
    return f"{_TOKEN}{kind}:{hashed}"


def read_token(token: str) -> tuple[BalanceKind, str] | None:
    """The kind and the number's hash; none for the token of a payment card."""
    if not token.startswith(_TOKEN):
        return None
    kind, _, hashed = token.removeprefix(_TOKEN).partition(":")
    return (BalanceKind(kind), hashed) if kind in set(BalanceKind) else None


KIND_OF_TENDER = {TenderType.GIFT_CARD: BalanceKind.GIFT_CARD, TenderType.STORE_CREDIT: BalanceKind.CREDIT}


def hold_id(kind: BalanceKind, name: str) -> AuthorisationId:
    """The authorisation of an order that pays with a balance: it says what kind of money is behind it."""
    return AuthorisationId(f"{_HOLD}{kind}-{name}")


def tender_of_hold(authorisation: AuthorisationId) -> TenderType | None:
    """Which kind of balance is behind an authorisation; none for a payment provider's."""
    if not authorisation.startswith(_HOLD):
        return None
    kind = authorisation.removeprefix(_HOLD).partition("-")[0]
    return next((tender for tender, of_tender in KIND_OF_TENDER.items() if of_tender == kind), None)


def _keyed(secret: bytes, *parts: str) -> bytes:
    if len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"the secret of the numbers needs at least {_SHORTEST_SECRET} bytes")
    # Each part with its length, so that no two lists of parts read the same.
    message = b"".join(len(part := text.encode()).to_bytes(4, "big") + part for text in parts)
    return hmac.digest(secret, message, hashlib.sha256)

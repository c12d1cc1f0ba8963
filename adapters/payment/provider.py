"""A payment provider as we see it: five verbs, one key an operation, and faults that say what may be done next."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.ids import OperationKey
from domain.money import Money
from domain.payments import Authorisation, AuthorisationId, Capture, DeclineReason, Refund, Void

Outcome = Authorisation | Capture | Void | Refund


class PaymentFault(Exception):
    """Something between us and the provider; its kind says what to do. Texts carry no token."""


class Declined(PaymentFault):
    """The provider said no, finally: do not ask again."""

    def __init__(self, reason: DeclineReason) -> None:
        super().__init__(f"The provider declined: {reason}. Ask for another way to pay; the same one will not do.")
        self.reason = reason


class Unavailable(PaymentFault):
    """Not now: ask again with the same key (which keeps it from happening twice), not before `retry_after` seconds."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("The payment provider is away. Ask again later with the same key.")
        self.retry_after = retry_after


class OutcomeUnknown(PaymentFault):
    """The request went out and no answer came: ask `find(key)` before anything else."""

    def __init__(self) -> None:
        super().__init__("No answer came, and it may have been done. Ask find(key) for the outcome.")


class AmountMismatch(PaymentFault):
    """More was asked than is left, or all is captured with another amount: a person decides.

    `available` is what the operation could still move, in minor units, where the provider says so.
    """

    def __init__(self, message: str, available: int | None = None) -> None:
        super().__init__(message)
        self.available = available


class KeyConflict(PaymentFault):
    """The key was used before with other parameters: a fault of ours, never to be retried."""

    def __init__(self) -> None:
        super().__init__("This operation key was used before with other parameters. Look for who uses it twice.")


class NotUnderstood(PaymentFault):
    """An answer that makes no sense here (wrong address, wrong account, a fault of ours): a person looks."""

    def __init__(self, status: int, code: str | None = None) -> None:
        super().__init__(
            f"The provider answered {status} ({code or 'no code'}). Check its address, account and version."
        )
        self.status = status


class UnknownPayment(PaymentFault):
    """The provider knows no such authorisation."""

    def __init__(self) -> None:
        super().__init__("The provider knows no such authorisation. Check that it is the right provider and account.")


class ListedAuthorisations(NamedTuple):
    items: Sequence[Authorisation]
    after: str | None
    """Where the next page begins; none at the end."""


class PaymentProvider(Protocol):
    """Every operation is done once a key: repeating it with the same parameters gives the first answer.

    All raise `Declined`, `Unavailable`, `OutcomeUnknown`, `KeyConflict`; those on an authorisation `UnknownPayment`;
    capture, void and refund `AmountMismatch` when more is asked than is left.
    """

    async def authorise(
        self, *, reference: str, token: str, amount: Money, key: OperationKey, extend: AuthorisationId | None = None
    ) -> Authorisation:
        """Hold `amount`. `CUSTOMER_ACTION` in the answer means: nothing is held until the customer was at `action_url`.

        `extend` names the authorisation that this one renews: the customer is not asked again, and the caller voids the
        old one afterwards.
        """
        ...

    async def capture(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Capture:
        """Take `amount` of what is held; several captures until nothing is left. After expiry `Declined(EXPIRED)`.

        All captured already, the same amount: `Capture.already`; another amount: `AmountMismatch`.
        """
        ...

    async def void(self, authorisation: AuthorisationId, *, amount: Money | None, key: OperationKey) -> Void:
        """Give back `amount` of what is held, or all that is left (None); zero when nothing was left."""
        ...

    async def refund(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Refund:
        """Return captured money. A PENDING refund ends later, by webhook or by `find(key)`."""
        ...

    async def refund_settled(self, *, reference: str, settled: str, amount: Money, key: OperationKey) -> Refund:
        """Return money that a channel charged itself under its reference `settled`; the caller keeps the ceiling."""
        ...

    async def find(self, key: OperationKey) -> Outcome | None:
        """What became of the operation `key`: an authorisation or a refund as it is now, a capture or void as answered.

        None: it never arrived, or was refused without effect. Raises `Declined` if it was declined. A refund that
        failed after it was accepted is returned with status FAILED.
        """
        ...

    async def authorisation(self, authorisation: AuthorisationId) -> Authorisation:
        """The authorisation as it is now."""
        ...

    async def listed(self, *, after: str, limit: int) -> ListedAuthorisations:
        """A page of all authorisations as they are now, in an order that does not change; `after` the page before."""
        ...

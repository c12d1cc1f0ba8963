"""How far an operation may go, and what a provider's answer moves in our books: pure, on the numbers of one moment."""

from dataclasses import dataclass

from domain.ledger import Movement
from domain.money import Minor
from domain.payments import Authorisation, AuthorisationStatus, Capture, OperationKind, OperationStatus, Refund, Void


@dataclass(frozen=True)
class Standing:
    """An authorisation and its tender in our books. `…ing`: spoken for by operations whose outcome is open."""

    status: AuthorisationStatus
    single_capture: bool
    authorised: Minor
    captured: Minor
    voided: Minor
    refunded: Minor
    capturing: Minor
    voiding: Minor
    refunding: Minor
    tender_captured: Minor
    tender_refunded: Minor
    tender_refunding: Minor
    disputed: Minor = 0
    """What the customer's bank took back: it is not paid back a second time."""
    elsewhere: Minor = 0
    """What went back to another target, as store credit say: neither is that."""

    @property
    def held(self) -> Minor:
        return self.authorised - self.captured - self.voided

    def available(self, kind: OperationKind) -> Minor:
        """The most that an operation of `kind` may move, with everything under way counted as done."""
        if kind is OperationKind.REFUND:
            gone = self.disputed + self.elsewhere
            return max(
                0,
                min(
                    self.captured - self.refunded - self.refunding - gone,
                    self.tender_captured - self.tender_refunded - self.tender_refunding - gone,
                ),
            )
        if self.single_capture and self.capturing:
            return 0  # that capture releases the rest
        return max(0, self.held - self.capturing - self.voiding)

    def reserve(self, kind: OperationKind, asked: Minor | None) -> "Reservation | None":
        """What to speak for before anything is sent; None when it is more than may move.

        All that is left (`asked` None) goes out without an amount, so that the provider frees what it really has,
        unless something else is under way and would be freed with it.
        """
        available = self.available(kind)
        if asked is None:
            return Reservation(available, entire=not (self.capturing or self.voiding))
        return Reservation(asked, entire=False) if asked <= available else None


@dataclass(frozen=True)
class Reservation:
    amount: Minor
    entire: bool


@dataclass(frozen=True)
class Booking:
    """What moves: each movement becomes one journal entry."""

    status: OperationStatus
    booked: Minor = 0
    movements: tuple[tuple[Movement, Minor], ...] = ()

    def moved(self, movement: Movement) -> Minor:
        return sum(amount for kind, amount in self.movements if kind is movement)

    @property
    def refunded(self) -> Minor:
        return self.moved(Movement.REFUND) - self.moved(Movement.REFUND_REVERSED)


def is_held(state: Authorisation) -> bool:
    """Whether the provider holds or held money for it: false before the customer's confirmation, or without one."""
    live = (AuthorisationStatus.AUTHORISED, AuthorisationStatus.PARTLY_CAPTURED, AuthorisationStatus.CAPTURED)
    return state.status in live or state.captured + state.voided > 0


def book_authorisation(state: Authorisation) -> Booking:
    if is_held(state):
        return Booking(OperationStatus.SUCCEEDED, state.amount, ((Movement.AUTHORISE, state.amount),))
    outcomes = {
        AuthorisationStatus.CUSTOMER_ACTION: OperationStatus.PENDING,
        AuthorisationStatus.VOIDED: OperationStatus.REVERSED,
    }
    return Booking(outcomes.get(state.status, OperationStatus.FAILED))


def book(outcome: Capture | Void | Refund, standing: Standing, captured_in_all: Minor | None = None) -> Booking:
    """What `outcome` moves in our books.

    `captured_in_all` is the provider's total when it says "captured already": only what our books lack of it is new. A
    void moves no money, so one that is partly in the books, as an expiry say, is simply completed.
    """
    match outcome:
        case Capture(amount=asked):
            lacking = asked.amount if captured_in_all is None else captured_in_all - standing.captured
            amount = max(0, min(asked.amount, lacking))
            released = standing.held - amount if standing.single_capture and amount else 0
            return _done(amount, (Movement.CAPTURE, amount), (Movement.VOID, released))
        case Void(amount=freed):
            amount = min(freed.amount, standing.held)
            return _done(amount, (Movement.VOID, amount))
        case Refund(amount=back, status=OperationStatus.SUCCEEDED):
            return _done(back.amount, (Movement.REFUND, back.amount))
        case Refund():
            return Booking(outcome.status)


def fits(booking: Booking, standing: Standing) -> bool:
    """Whether our books have room for it; when not, they and the provider's disagree and a person must look."""
    captured = booking.moved(Movement.CAPTURE)
    refundable = standing.captured + captured
    taken, returned = captured + booking.moved(Movement.VOID), standing.refunded + booking.refunded
    return taken <= standing.held and 0 <= returned <= refundable


def unseen(state: Authorisation, standing: Standing) -> tuple[tuple[Movement, Minor], ...]:
    """What the provider did that we neither booked nor have under way: an expiry, a capture by somebody else.

    Only what exceeds both is certain to be new, also when `state` was read a moment before `standing`.
    """
    captured = state.captured - standing.captured - standing.capturing
    voided = state.voided - standing.voided - standing.voiding
    if standing.single_capture and standing.capturing:
        voided = 0  # the capture under way releases the rest, and books it
    refunded = state.refunded - standing.refunded - standing.refunding
    # A refund of what is still being captured waits until that capture is booked.
    refunded = min(refunded, standing.captured + max(0, captured) - standing.refunded - standing.refunding)
    found = (Movement.CAPTURE, captured), (Movement.VOID, voided), (Movement.REFUND, refunded)
    return tuple((movement, amount) for movement, amount in found if amount > 0)


def status_after(standing: Standing, booking: Booking) -> AuthorisationStatus:
    """The status that our own numbers give, until the provider says otherwise."""
    if standing.authorised == 0:
        given_up = (
            standing.status is AuthorisationStatus.CUSTOMER_ACTION and booking.status is OperationStatus.SUCCEEDED
        )
        return AuthorisationStatus.VOIDED if given_up else standing.status
    captured = standing.captured + booking.moved(Movement.CAPTURE)
    held = standing.authorised - captured - standing.voided - booking.moved(Movement.VOID)
    if standing.status is AuthorisationStatus.EXPIRED:
        return AuthorisationStatus.EXPIRED
    if held == 0:
        return AuthorisationStatus.CAPTURED if captured else AuthorisationStatus.VOIDED
    return AuthorisationStatus.PARTLY_CAPTURED if captured else AuthorisationStatus.AUTHORISED


def _done(amount: Minor, *movements: tuple[Movement, Minor]) -> Booking:
    return Booking(OperationStatus.SUCCEEDED, amount, tuple(one for one in movements if one[1] > 0))

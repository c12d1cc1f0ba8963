"""A payment provider in memory that guards its ceilings, and a teller who carries out money plans."""

from dataclasses import dataclass, field
from typing import Any

from domain.intake import TenderType
from domain.order import Order
from domain.payments import AuthorisationId, TenderId
from domain.settlement import MoneyPlan, MoneyStep, StepKind, TenderBook, plan_money

TILL = AuthorisationId("till")


class Declined(Exception):
    pass


class Away(Exception):
    """No answer came; whether it was done is not known."""


@dataclass
class Held:
    """One authorisation as the provider knows it."""

    tender_id: TenderId
    authorised: int
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    unconfirmed: bool = False

    @property
    def left(self) -> int:
        return 0 if self.unconfirmed else self.authorised - self.captured - self.voided


@dataclass
class Bank:
    single_capture: bool = False
    held: dict[AuthorisationId, Held] = field(default_factory=dict)
    next_answer: str = "done"
    """`declined`, `asks` (the customer must confirm), `away` (not done), `lost` (done, the answer was lost)."""
    _answers: dict[str, Any] = field(default_factory=dict)

    def operate(self, key: str, step: MoneyStep) -> Any:
        """Do a step once a key."""
        if key in self._answers:
            return self._answers[key]
        answer, self.next_answer = self.next_answer, "done"
        if answer == "away":
            raise Away
        if answer == "declined" and step.kind in (StepKind.AUTHORISE, StepKind.CAPTURE):
            raise Declined
        self._answers[key] = self._do(step, asks=answer == "asks")
        if answer == "lost":
            raise Away
        return self._answers[key]

    def _do(self, step: MoneyStep, *, asks: bool) -> Any:
        assert step.amount > 0, step
        if step.kind is StepKind.AUTHORISE:
            name = AuthorisationId(f"auth-{len(self.held) + 1}")
            self.held[name] = Held(step.tender_id, step.amount, unconfirmed=asks)
            return name, asks
        assert step.authorisation_id is not None
        held = self.held[step.authorisation_id]
        assert held.tender_id == step.tender_id
        if step.kind is StepKind.REFUND:
            assert step.amount <= held.captured - held.refunded, "a refund over what is captured"
            held.refunded += step.amount
            return None
        if step.amount > held.left:
            raise Declined
        if step.kind is StepKind.VOID:
            held.voided += step.amount
            return None
        assert not (self.single_capture and held.captured), "a second capture where only one is possible"
        held.captured += step.amount
        if self.single_capture:
            held.voided += held.left
        return held.left

    def void_all(self, name: AuthorisationId) -> None:
        held = self.held[name]
        held.unconfirmed = False
        held.voided += held.left


class Teller:
    """Takes the steps of the plan one after the other, and keeps the tenders' books."""

    def __init__(self, order: Order, bank: Bank):
        self.order = order
        self.bank = bank

    def plan(self, more_earned: int = 0) -> MoneyPlan:
        order = self.order
        return plan_money(
            order.tenders,
            order.earned - order.written_off + more_earned,
            order.owed_worth - more_earned,
            order.due_back,
        )

    @property
    def pending(self) -> bool:
        return any(tender.pending for tender in self.order.tenders)

    def bring_into_line(self) -> None:
        if not self.order.open:
            self.give_up_waiting()
        for tender in self.order.tenders:
            while tender.pending is not None:
                self.take(tender.pending)
        for _ in range(100):
            self._let_go_of_abandoned()
            plan = self.plan()
            if not plan.steps:
                return
            if plan.steps[0].kind is StepKind.CAPTURE:
                held = sum(tender.held for tender in self.order.tenders)
                assert held + plan.steps[0].amount <= self.order.earned, "a capture of what did not leave"
            while self.take(plan.steps[0]) == "away":
                pass
        raise AssertionError(f"the plan never ends: {plan}")

    def _let_go_of_abandoned(self) -> None:
        for tender in self.order.tenders:
            for name in tender.abandoned:
                self.bank.void_all(name)
            tender.abandoned.clear()

    def authorise(self) -> None:
        for step in self.plan().of(StepKind.AUTHORISE):
            self.take(step)

    def capture_for(self, worth: int) -> str:
        if self.pending:
            return "away"
        for step in self.plan(worth).of(StepKind.CAPTURE):
            outcome = self.take(step)
            if outcome != "done":
                return outcome
        return "done"

    def take(self, step: MoneyStep) -> str:
        tender = self.tender(step)
        tender.pending = step
        if step.authorisation_id == TILL:
            self._refunded(tender, step)
        else:
            try:
                answer = self.bank.operate(f"{step.kind}:{step.tender_id}:{tender.steps}", step)
            except Away:
                return "away"
            except Declined:
                self._declined(tender, step)
                return "declined"
            self._done(tender, step, answer)
        self._concluded(tender)
        return "done"

    def _done(self, tender: TenderBook, step: MoneyStep, answer: Any) -> None:
        match step.kind:
            case StepKind.AUTHORISE:
                name, asks = answer
                if asks:
                    tender.awaiting = name
                else:
                    self._authorised(tender, name)
            case StepKind.CAPTURE:
                assert step.authorisation_id is not None
                tender.captured += step.amount
                tender.captures[step.authorisation_id] = tender.captures.get(step.authorisation_id, 0) + step.amount
                tender.voided += tender.live - step.amount - answer
                tender.live = answer
            case StepKind.VOID:
                tender.live -= step.amount
                tender.voided += step.amount
            case StepKind.REFUND:
                self._refunded(tender, step)

    def _refunded(self, tender: TenderBook, step: MoneyStep) -> None:
        assert step.authorisation_id is not None
        tender.refunded += step.amount
        tender.captures[step.authorisation_id] -= step.amount

    def _authorised(self, tender: TenderBook, name: AuthorisationId) -> None:
        if tender.live and tender.authorisation_id not in (None, name):
            tender.abandoned.append(AuthorisationId(str(tender.authorisation_id)))
            tender.voided += tender.live
        tender.authorisation_id = name
        tender.live = self.bank.held[name].left

    def _declined(self, tender: TenderBook, step: MoneyStep) -> None:
        self._concluded(tender)
        tender.exhausted = True
        if step.kind is StepKind.CAPTURE:
            assert step.authorisation_id is not None
            tender.abandoned.append(step.authorisation_id)
            tender.voided += tender.live
            tender.live = 0

    def _concluded(self, tender: TenderBook) -> None:
        tender.pending = None
        tender.steps += 1

    def tender(self, step: MoneyStep) -> TenderBook:
        return next(each for each in self.order.tenders if each.tender_id == step.tender_id)

    # --- what customers, tills and time do ---------------------------------------------------------------------------

    def give_up_waiting(self) -> None:
        for tender in self.order.tenders:
            if tender.awaiting is not None:
                tender.abandoned.append(tender.awaiting)
                tender.awaiting, tender.exhausted = None, True

    def confirm(self, tender: TenderBook) -> None:
        assert tender.awaiting is not None
        self.bank.held[tender.awaiting].unconfirmed = False
        name, tender.awaiting = tender.awaiting, None
        self._authorised(tender, name)

    def add_tender(self, kind: TenderType, amount: int) -> TenderBook:
        tender = TenderBook(tender_id=TenderId(f"t{len(self.order.tenders) + 1}"), type=kind, amount=amount)
        self.order.tenders.append(tender)
        return tender

    def paid_at_the_till(self, amount: int) -> None:
        tills = [each for each in self.order.tenders if each.type is TenderType.PAY_IN_STORE]
        till = tills[0] if tills else self.add_tender(TenderType.PAY_IN_STORE, amount)
        till.captured += amount
        till.captures[TILL] = till.captures.get(TILL, 0) + amount

    def expires(self, tender: TenderBook) -> None:
        assert tender.authorisation_id is not None
        self.bank.void_all(tender.authorisation_id)
        tender.voided += tender.live
        tender.live = 0

    def renew(self, tender: TenderBook) -> None:
        old, left = tender.authorisation_id, tender.live
        step = MoneyStep(kind=StepKind.AUTHORISE, tender_id=tender.tender_id, amount=left)
        self._done(tender, step, self.bank.operate(f"renew:{tender.tender_id}:{tender.steps}", step))
        self._concluded(tender)
        assert old is not None
        self.bank.void_all(old)
        tender.voided += left

"""Money follows goods: the cashier brings authorisations, captures and refunds into line with what left and is owed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE, Actor
    from domain.intake import TenderType
    from domain.open_changes import OpenChange
    from domain.order import Order
    from domain.payments import AuthorisationId, TenderId
    from domain.personal import Readable
    from domain.settlement import MoneyPlan, MoneyStep, StepKind, TenderBook, plan_money
    from domain.terms import TenderTerms
    from domain.timeline import Event
    from workflows import options
    from workflows.book import Book
    from workflows.messages import InterventionAction, PaymentEvent
    from workflows.money_steps import MoneySteps
    from workflows.payment_calls import TILL, Outcome
    from workflows.people import People

CAME_BACK = "the customer's bank did not take it: pay it in another way, or as goodwill, then skip and say how"


class Cashier:
    """The tenders of one order."""

    def __init__(self, order: Order, book: Book, people: People):
        self.order = order
        self.book = book
        self.people = people
        self.in_line: Callable[[], Awaitable[None]] = _nothing
        """What to do whenever the money has been brought into line as far as it can be."""
        self.is_final: Callable[[], bool] = lambda: False
        self.steps = MoneySteps(order, book, people, self.wake)
        self.busy = asyncio.Lock()
        """Whoever moves money has it: one step at a time."""
        self.came_back: set[str] = set()
        """Refunds of which it is known that they came back, by the event that told it."""
        self._dirty = False

    @property
    def decline_reason(self) -> str | None:
        return self.steps.decline_reason

    @property
    def action_url(self) -> str | None:
        return self.steps.calls.action_url

    # --- what is planned ---------------------------------------------------------------------------------------------

    def plan(self, more_earned: int = 0) -> MoneyPlan:
        """The steps that would bring money into line, if units worth `more_earned` left now."""
        later = self.order.pays_on_arrival
        return plan_money(
            self.order.tenders,
            self.order.earned - self.order.written_off + more_earned - later,
            self.order.secured_worth + self.order.held_for_change - more_earned + later,
            self.order.due_back,
            self.order.terms.rules.tenders,
        )

    @property
    def settled(self) -> bool:
        """Nothing moves and nothing is missing."""
        if self.busy.locked() or any(t.pending or t.awaiting or t.abandoned for t in self.order.tenders):
            return False
        plan = self.plan()
        return not plan.steps and not plan.uncovered and not plan.short

    @property
    def awaits_customer(self) -> bool:
        return any(tender.awaiting for tender in self._for_the_order())

    @property
    def awaited(self) -> int:
        """What the customer is confirming with the bank."""
        return sum(tender.expected for tender in self._for_the_order() if tender.awaiting)

    def _for_the_order(self) -> list[TenderBook]:
        """The tenders, save those that pay for a change that is not made yet."""
        paying = self.order.change.tenders if self.order.change is not None else []
        return [tender for tender in self.order.tenders if tender.tender_id not in paying]

    def wake(self) -> None:
        """Goods or tenders changed: the money is looked at again."""
        self._dirty = True

    # --- the process -------------------------------------------------------------------------------------------------

    async def follow_the_goods(self) -> None:
        """For as long as the order lives: take the steps that bring the money into line, one after the other."""
        while True:
            await workflow.wait_condition(lambda: self._dirty)
            self._dirty = False
            async with self.busy:
                await self._bring_into_line()
            await self.in_line()
            if self.book.pending or self.is_final():
                await self.book.record()

    async def _bring_into_line(self) -> None:
        if not self.order.open:
            self.give_up_waiting()
        for tender in self.order.tenders:
            if tender.pending is not None:
                await self.steps.patiently(tender.pending)
        await self._free_abandoned()
        while steps := self.plan().steps:
            await self.steps.patiently(steps[0])
            # A capture that was declined just now leaves an authorisation of no use.
            await self._free_abandoned()

    async def _free_abandoned(self) -> None:
        for tender in self.order.tenders:
            while tender.abandoned:
                void = MoneyStep(
                    kind=StepKind.VOID, tender_id=tender.tender_id, amount=0, authorisation_id=tender.abandoned[0]
                )
                await self.steps.patiently(void)
                tender.abandoned.pop(0)

    # --- while a caller waits ----------------------------------------------------------------------------------------

    async def authorise_tenders(self) -> Outcome:
        """Authorise every card of a new order. Stops at the first decline."""
        async with self.busy:
            worst = Outcome.DONE
            for step in self.plan().of(StepKind.AUTHORISE):
                outcome = await self.steps.once(step)
                if outcome is Outcome.DECLINED:
                    return outcome
                worst = outcome if outcome is not Outcome.DONE else worst
            return worst

    async def catch_up(self) -> None:
        """Take the steps that are due, as far as a few tries get."""
        if not await self._free():
            return
        async with self.busy:
            while steps := self.plan().steps:
                if any(tender.pending for tender in self.order.tenders):
                    return
                if await self.steps.once(steps[0]) is not Outcome.DONE:
                    return

    async def _free(self) -> bool:
        """Whether nobody else moves money, after a moment at most: a caller never waits for a system that is away."""
        if self.busy.locked() and not self.steps.asking:
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: not self.busy.locked() or self.steps.asking,
                    timeout=options.A_MOMENT,
                    timeout_summary=Readable("Wait for money that is under way"),
                )
        return not self.busy.locked()

    async def let_go(self) -> None:
        """Free everything that is not needed, and come back only when that is done."""
        async with self.busy:
            await self._bring_into_line()

    async def capture_for(self, worth: int, group: str, *, dispatch: bool = False) -> Outcome:
        """Capture what units worth `worth` cost, before they leave. Away counts as good: the authorisation is live.

        What one tender declines the others are asked for, as far as they are authorised.
        """
        if self.order.troubles or not await self._free():
            return Outcome.AWAY
        async with self.busy:
            if any(tender.pending for tender in self.order.tenders):
                return Outcome.AWAY
            while captures := self._due_now(self.plan(more_earned=worth).of(StepKind.CAPTURE), dispatch=dispatch):
                capture = captures[0].model_copy(update={"for_dispatch": dispatch})
                if await self.steps.once(capture, group=group) is Outcome.AWAY:
                    return Outcome.AWAY
            return Outcome.DECLINED if self.plan(more_earned=worth).short else Outcome.DONE

    def _due_now(self, captures: list[MoneyStep], *, dispatch: bool) -> list[MoneyStep]:
        """A loan pays for what is shipped once it has arrived: its live authorisation is enough to let it go."""
        if not dispatch:
            return captures
        loans = {each.tender_id for each in self.order.tenders if each.type is TenderType.FINANCING}
        return [each for each in captures if each.tender_id not in loans]

    async def pay(self, tenders: list[TenderTerms], actor: Actor) -> Outcome:
        """Add tenders: cards are authorised for what is missing, money at the till is taken as paid."""
        free = await self._free()
        for terms in tenders:
            if terms.type is TenderType.PAY_IN_STORE:
                self._paid_at_the_till(terms, actor)
                continue
            number = len(self.order.tenders) + 1
            self.order.tenders.append(
                TenderBook(tender_id=TenderId(f"t{number}"), type=terms.type, amount=terms.amount, token=terms.token)
            )
        worst = Outcome.DONE if free else Outcome.AWAY
        if free:
            async with self.busy:
                for step in self.plan().of(StepKind.AUTHORISE):
                    outcome = await self.steps.once(step)
                    worst = outcome if outcome is not Outcome.DONE else worst
        self.wake()
        return worst

    async def authorise_for(self, change: OpenChange, tenders: list[TenderTerms]) -> Outcome:
        """Authorise cards for an open change, as far as it is not covered; nothing else is charged for it."""
        if not await self._free():
            return Outcome.AWAY
        async with self.busy:
            for terms in tenders:
                missing = change.owed - self.order.held_for_change
                if missing <= 0:
                    break
                tender_id = TenderId(f"t{len(self.order.tenders) + 1}")
                amount = min(terms.amount, missing)
                self.order.tenders.append(
                    TenderBook(tender_id=tender_id, type=terms.type, amount=amount, token=terms.token)
                )
                change = change.model_copy(update={"tenders": [*change.tenders, tender_id]})
                self.order.change = change
                outcome = await self.steps.once(MoneyStep(kind=StepKind.AUTHORISE, tender_id=tender_id, amount=amount))
                if outcome is not Outcome.DONE:
                    return outcome
            return Outcome.DONE

    def give_up_tenders(self, tenders: list[TenderId]) -> None:
        """A change was dropped: what was to pay for it is never charged again."""
        self.give_up_waiting(tenders)
        for tender in self.order.tenders:
            if tender.tender_id in tenders:
                tender.exhausted = True

    def give_up_waiting(self, among: list[TenderId] | None = None) -> None:
        """The customer pays in another way: an authorisation that waits for a confirmation counts no more."""
        for tender in self.order.tenders:
            if tender.awaiting is not None and (among is None or tender.tender_id in among):
                tender.abandoned.append(tender.awaiting)
                tender.awaiting = None
                tender.exhausted = True

    def _paid_at_the_till(self, terms: TenderTerms, actor: Actor) -> None:
        till = next((each for each in self.order.tenders if each.type is TenderType.PAY_IN_STORE), None)
        if till is None:
            number = len(self.order.tenders) + 1
            till = TenderBook(tender_id=TenderId(f"t{number}"), type=TenderType.PAY_IN_STORE, amount=terms.amount)
            self.order.tenders.append(till)
        till.captured += terms.amount
        till.captures[TILL] = till.captures.get(TILL, 0) + terms.amount
        self.book.lasting_event(Event.PAID_IN_STORE, actor, amount=terms.amount, reference=terms.token)

    # --- events from the provider ------------------------------------------------------------------------------------

    async def look_again(self, authorisation_id: AuthorisationId) -> None:
        """Ask the provider for the present state of one of our authorisations, and take it over."""
        async with self.busy:
            tender = self._tender_of(authorisation_id)
            if tender is None:
                return
            if tender.pending is not None:
                # The event may tell of that very step: its own answer is counted first, and once.
                await self.steps.patiently(tender.pending)
            state = await self.steps.look_up(
                authorisation_id, f"Ask for the state of {tender.tender_id}'s authorisation"
            )
            if state is not None:
                self.steps.take_over(tender, state)
        self.wake()

    async def refund_came_back(self, event: PaymentEvent) -> None:
        """A refund that the provider had taken on did not reach the customer: a person sees to it, once."""
        if event.event_id in self.came_back:
            return
        self.came_back.add(event.event_id)
        amount = self.book.money(event.came_back)
        self.book.event(Event.REFUND_CAME_BACK, ENGINE, amount=event.came_back, event_id=event.event_id)
        await self.people.ask(f"refund of {amount}", CAME_BACK, [InterventionAction.SKIP])

    def _tender_of(self, authorisation_id: AuthorisationId) -> TenderBook | None:
        for tender in self.order.tenders:
            if authorisation_id in (tender.authorisation_id, tender.awaiting):
                return tender
        return None

    async def ask_about_missing(self, amount: int) -> None:
        """Goods are gone and no tender pays for them: a person collects the money or writes it off."""
        decision = await self.people.ask(
            f"collect {self.book.money(amount)}",
            self.steps.decline_reason or "no tender covers it",
            [InterventionAction.RETRY, InterventionAction.SKIP],
        )
        if decision.action is InterventionAction.SKIP:
            # Some of it may have been paid while the question stood.
            self.order.written_off += min(amount, self.plan().uncovered)
        else:
            for tender in self.order.tenders:
                tender.exhausted = False
        self.wake()


async def _nothing() -> None:
    return None

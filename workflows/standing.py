"""A card that stands for money which goes back before the goods have come: held first, then free again or charged."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.faults import DECLINED, NEEDS_A_PERSON
    from domain.notices import NoticeKind
    from domain.payments import AuthorisationId, AuthorisationStatus, TenderId
    from domain.returns.exchanging import CardHold, hold_of
    from domain.returns.returned import Return
    from domain.returns.standing import StandingCard, StandingState
    from domain.timeline import Event
    from workflows.held_card import HeldCard
    from workflows.refusing import StepFailed, failure_text
    from workflows.return_book import ReturnBook
    from workflows.turn import Turn
    from workflows.waits import Alarms, until

CARD = TenderId("card")
"""It is held under the return's own id."""


class Standing:
    """Beside the return itself, for as long as the card may be needed. No money goes back before it was asked."""

    def __init__(self, state: Return, book: ReturnBook, turn: Turn):
        self.state = state
        self.book = book
        self.turn = turn
        self.money = HeldCard(state, book, CARD, (DECLINED, NEEDS_A_PERSON))
        self._holds = 0
        """How many were asked for: one that would end too early is renewed."""

    @property
    def is_asked(self) -> bool:
        """Whether it stands for what goes back is not known yet."""
        return self.state.card is not None and self.state.card.is_asked

    @property
    def _card(self) -> StandingCard:
        if self.state.card is None:
            raise ValueError("no card was named for this return")
        return self.state.card

    @property
    def _hold(self) -> CardHold:
        if self._card.hold is None:
            raise ValueError("this card is not held")
        return self._card.hold

    async def run(self) -> None:
        while True:
            await until(lambda: self._next() is not None, self._renew_by, Alarms(), "The card's approval ends")
            if (step := self._next()) is not None:
                await step()
            elif self._renew_by() is not None:
                await self._renew()

    def _next(self) -> Callable[[], Awaitable[None]] | None:
        if self._card.is_asked:
            return self._secure
        return self._settle if self.state.card_is_due else None

    def _renew_by(self) -> datetime | None:
        """A little before it ends; once a renewal was refused, it runs to its end."""
        return self._hold.charge_by if self._card.stands and self._card.reason is None else None

    # --- held --------------------------------------------------------------------------------------------------------

    async def _secure(self) -> None:
        """Before anything goes back. What cannot be held is owed all the same, should the goods never come."""
        held = await self._held(self._card.wanted, None)
        async with self.turn:
            card = self._card
            if isinstance(held, str):
                card.refuse(held)
                self.book.event(Event.RETURN_UNSECURED, reason=held, amount=card.wanted)
            else:
                card.hold, card.state = held, StandingState.HELD
                self.book.event(Event.RETURN_SECURED, amount=held.amount)
                self.book.notice(
                    NoticeKind.RETURN_SECURED, secured=self.book.money(held.amount), deadline=self.state.send_by
                )
            await self.book.record()

    async def _renew(self) -> None:
        """The new one first; then the old one is freed. Where the bank says no, the old one stands until it ends."""
        old = self._hold
        held = await self._held(old.amount, old.authorisation_id)
        async with self.turn:
            if isinstance(held, str):
                self._card.reason = held
            else:
                self._card.hold = held
            await self.book.record()
        if not isinstance(held, str):
            await self._free(old.authorisation_id)

    async def _held(self, amount: int, replaces: AuthorisationId | None) -> CardHold | str:
        """The hold, or why there is none."""
        self._holds += 1
        try:
            found = await self.money.hold(self._card.token, amount, self._holds, replaces=replaces)
        except StepFailed as error:
            return failure_text(error)
        if found.status is not AuthorisationStatus.AUTHORISED:
            await self._free(found.id)
            return found.status.value
        return hold_of(found.id, amount, found.capture_before, workflow.now())

    # --- free or charged ---------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """What is owed is taken, and no more; the rest is free. What cannot be taken a person collects."""
        hold, refused = self._hold, ""
        owed = min(self.state.uncollected, hold.amount)
        if owed:
            refused = await self._charge(owed)
        charged = 0 if refused else owed
        if charged < hold.amount:
            await self._free(hold.authorisation_id)
        async with self.turn:
            card = self._card
            card.charged = charged
            self.state.owed -= charged
            self.state.uncollected -= charged
            if refused:
                card.refuse(refused)
                self.book.event(Event.RETURN_UNSECURED, reason=refused, amount=owed)
            elif charged:
                card.state = StandingState.CHARGED
                self.book.event(Event.RETURN_CHARGED, amount=charged)
                lines = {line.line_id: line.kept for line in self.state.lines}
                self.book.notice(
                    NoticeKind.RETURN_CHARGED,
                    lines=self.book.notice_lines(lines),
                    charged=self.book.money(charged),
                )
            else:
                card.state = StandingState.FREED
                self.book.event(Event.RETURN_FREED, amount=hold.amount)
            await self.book.record()

    async def _charge(self, amount: int) -> str:
        """Why it could not be taken; nothing when it was."""
        try:
            await self.money.charge(self._hold.authorisation_id, amount)
        except StepFailed as error:
            return failure_text(error)
        return ""

    async def _free(self, authorisation: AuthorisationId) -> None:
        try:
            await self.money.free(authorisation, authorisation)
        except StepFailed as error:
            # It has ended by itself: nothing is held any more, which the provider's word enters in our ledger.
            workflow.logger.info("a card was free already: %s", failure_text(error))

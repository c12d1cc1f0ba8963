"""Authorisations end; while goods are owed each is renewed before that, and the old one is freed."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.settlement import MoneyStep, StepKind, TenderBook
    from domain.timeline import Event
    from workflows.cashier import Cashier
    from workflows.payment_calls import Outcome


class Renewals:
    """When the authorisations of one order are to be renewed, and how. An alarm rings for it in every wait."""

    def __init__(self, cashier: Cashier):
        self.cashier = cashier

    def next_renewal(self) -> datetime | None:
        """When the next live authorisation must be renewed, or when one that cannot be renewed ends."""
        if not self.cashier.order.open:
            return None
        return min((due for tender in self.cashier.order.tenders if (due := self._renewal_of(tender))), default=None)

    def _renewal_of(self, tender: TenderBook) -> datetime | None:
        if not tender.live or tender.capture_before is None:
            return None
        if tender.exhausted:
            return tender.capture_before
        lifetime = tender.capture_before - (tender.authorised_at or tender.capture_before)
        margin = min(self.cashier.order.terms.policy.renew_authorisation_before, lifetime / 3)
        return tender.capture_before - margin

    def can_renew(self) -> bool:
        """Nobody moves money now, and no step is yet to be finished: the payment system is there."""
        return not self.cashier.busy.locked() and not any(tender.pending for tender in self.cashier.order.tenders)

    async def renew_due(self) -> None:
        """Renew first, then void the old one: at rest a tender has one live authorisation."""
        async with self.cashier.busy:
            for tender in self.cashier.order.tenders:
                due = self._renewal_of(tender)
                if due is None or workflow.now() < due or tender.pending is not None:
                    continue
                if tender.exhausted:
                    tender.voided += tender.live
                    tender.live = 0
                    continue
                await self._renew(tender)
        self.cashier.wake()

    async def _renew(self, tender: TenderBook) -> None:
        old, left = tender.authorisation_id, tender.live
        step = MoneyStep(kind=StepKind.AUTHORISE, tender_id=tender.tender_id, amount=left, authorisation_id=old)
        outcome = await self.cashier.steps.once(step)
        if outcome is Outcome.DONE:
            # The old one is freed behind the scenes: a renewal holds up whatever its order waits for.
            self.cashier.book.lasting_event(
                Event.PAYMENT_RENEWED, tender=tender.tender_id, amount=left, until=tender.capture_before
            )
        elif outcome is Outcome.ACTION:
            # The customer is not there to confirm: the old one runs to its end, and the new one is given up.
            if tender.awaiting is not None:
                tender.abandoned.append(tender.awaiting)
            tender.awaiting = None
            tender.exhausted = True

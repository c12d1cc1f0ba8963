"""The steps that give money back as store credit or as a gift card, in our own books."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import faults
from adapters.balances.port import Balances, Issued, NothingLeftToRedirect, Redirect
from domain.balances import Issue


class BalanceSteps:
    def __init__(self, balances: Balances):
        self.balances = balances

    @activity.defn
    async def issue(self, wanted: Issue) -> Issued:
        """A new balance, or more of it, once a key."""
        return await self.balances.issue(wanted)

    @activity.defn
    async def pay_as_balance(self, wanted: Redirect) -> Issued:
        """Captured money goes back as a balance, once a key.

        Fails with `NeedsAPerson` (nothing is changed) when the tender that paid cannot give so much back any more.
        """
        try:
            return await self.balances.redirect(wanted)
        except NothingLeftToRedirect as fault:
            raise ApplicationError(str(fault), type=faults.NEEDS_A_PERSON, non_retryable=True) from fault

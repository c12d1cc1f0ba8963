"""A fraud screening that answers by the customer's reference."""

from adapters.fraud.port import ScreeningRequest, Verdict


class SimulatedScreening:
    """References that begin with `C-REVIEW` are reviewed (the answer comes by webhook), with `C-FRAUD` declined.

    With `C-ONCE` they are accepted once: what is screened again, because the order was changed, is declined.
    """

    async def screen(self, request: ScreeningRequest) -> Verdict:
        again = request.attempt > 1 and request.customer_ref.startswith("C-ONCE")
        if again or request.customer_ref.startswith("C-FRAUD"):
            return Verdict.DECLINE
        return Verdict.REVIEW if request.customer_ref.startswith("C-REVIEW") else Verdict.ACCEPT

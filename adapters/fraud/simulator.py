"""A fraud screening that answers by the customer's reference, as `http-bodies` describes the embedded stack's."""

from adapters.fraud.port import ScreeningRequest, Verdict


class SimulatedScreening:
    """References that begin with `C-REVIEW` are reviewed (the answer comes by webhook), with `C-FRAUD` declined."""

    async def screen(self, request: ScreeningRequest) -> Verdict:
        if request.customer_ref.startswith("C-FRAUD"):
            return Verdict.DECLINE
        return Verdict.REVIEW if request.customer_ref.startswith("C-REVIEW") else Verdict.ACCEPT

"""Fraud screening of an order; asking again for the same attempt changes nothing."""

from temporalio import activity

from adapters.fraud.port import Screening, ScreeningRequest, Verdict


class ScreeningSteps:
    def __init__(self, screening: Screening):
        self.screening = screening

    @activity.defn
    async def screen(self, request: ScreeningRequest) -> Verdict:
        return await self.screening.screen(request)

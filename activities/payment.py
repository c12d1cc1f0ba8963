"""Money steps: one call to the payment port each, under a key that names the business operation."""

from temporalio import activity

from activities import faults
from adapters.payment.port import AuthoriseRequest, CaptureRequest, Payments, RefundRequest, VoidRequest
from domain.payments import Authorisation, AuthorisationId, Capture, Refund, Void


class PaymentSteps:
    def __init__(self, payments: Payments):
        self.payments = payments

    @activity.defn
    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        return await faults.mapped(self.payments.authorise, request)

    @activity.defn
    async def capture(self, request: CaptureRequest) -> Capture:
        return await faults.mapped(self.payments.capture, request)

    @activity.defn
    async def void(self, request: VoidRequest) -> Void:
        return await faults.mapped(self.payments.void, request)

    @activity.defn
    async def refund(self, request: RefundRequest) -> Refund:
        return await faults.mapped(self.payments.refund, request)

    @activity.defn
    async def look_up_authorisation(self, authorisation: AuthorisationId) -> Authorisation:
        """The provider's present state: what an event says is only a reason to ask."""
        return await faults.mapped(self.payments.authorisation, authorisation)

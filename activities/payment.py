"""Money steps: one call to the payment port each, under a key that names the business operation."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities import faults
from adapters.payment.port import AuthoriseRequest, CaptureRequest, Payments, RefundRequest, VoidRequest
from domain.payments import Authorisation, AuthorisationId, Capture, Refund, Void

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class PaymentSteps:
    def __init__(self, payments: Payments):
        self.payments = payments

    @activity.defn
    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        return await self._call(self.payments.authorise, request)

    @activity.defn
    async def capture(self, request: CaptureRequest) -> Capture:
        return await self._call(self.payments.capture, request)

    @activity.defn
    async def void(self, request: VoidRequest) -> Void:
        return await self._call(self.payments.void, request)

    @activity.defn
    async def refund(self, request: RefundRequest) -> Refund:
        return await self._call(self.payments.refund, request)

    @activity.defn
    async def look_up_authorisation(self, authorisation: AuthorisationId) -> Authorisation:
        """The provider's present state: what an event says is only a reason to ask."""
        return await self._call(self.payments.authorisation, authorisation)

    async def _call(self, call: Callable[[Asked], Awaitable[Answer]], asked: Asked) -> Answer:
        return await faults.mapped(call, asked)


class QuickPaymentSteps(PaymentSteps):
    """The same steps for a worker that holds an order while it asks: a provider that is slow or away fills no worker.

    `at_most` calls at a time, each for `seconds` at most; beyond that they fail with `Away`.
    """

    def __init__(self, payments: Payments, at_most: int, seconds: float):
        super().__init__(payments)
        self.at_most = at_most
        self.seconds = seconds
        self._under_way = 0

    async def _call(self, call: Callable[[Asked], Awaitable[Answer]], asked: Asked) -> Answer:
        if self._under_way >= self.at_most:
            raise _slow()
        self._under_way += 1
        try:
            # Ended here, not by the SDK: a local activity that times out is told apart from one that failed only live,
            # not when its history is replayed (temporalio 1.35).
            async with asyncio.timeout(self.seconds):
                return await super()._call(call, asked)
        except TimeoutError:
            raise _slow() from None
        finally:
            self._under_way -= 1


def _slow() -> ApplicationError:
    return ApplicationError("the payment system is slow", type=faults.AWAY, category=ApplicationErrorCategory.BENIGN)

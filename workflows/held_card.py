"""A card that is held under a return's own id: for goods that go out, or money that goes back, before goods come."""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payment import PaymentSteps
    from adapters.payment.port import AuthoriseRequest, CapturePurpose, CaptureRequest, VoidRequest
    from domain.ids import OperationKey, OrderId, operation_key
    from domain.payments import Authorisation, AuthorisationId, TenderId
    from domain.personal import Readable
    from domain.returns.returned import Return
    from workflows import options
    from workflows.refusing import StepFailed, failure_type
    from workflows.return_book import ReturnBook

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class HeldCard:
    """Speaks to the payment system. `number`: tells the tries of an operation apart, each of which is asked for once.

    Everything here raises `StepFailed` when it is final. `final`: kinds of failures that no queue would mend.
    """

    def __init__(self, state: Return, book: ReturnBook, tender_id: TenderId, final: Collection[str]):
        self._held_under = OrderId(state.return_id)
        self._book = book
        self._tender_id = tender_id
        self._final = final

    async def hold(
        self, token: str, amount: int, *number: int, replaces: AuthorisationId | None = None
    ) -> Authorisation:
        request = AuthoriseRequest(
            key=self._key("authorise", *number),
            order_id=self._held_under,
            tender_id=self._tender_id,
            token=token,
            amount=self._book.money(amount),
            at=workflow.now(),
            replaces=replaces,
        )
        return await self._at_provider(PaymentSteps.authorise, request, f"Hold {request.amount}")

    async def charge(self, authorisation: AuthorisationId, amount: int, *number: int) -> None:
        request = CaptureRequest(
            key=self._key("capture", *number),
            order_id=self._held_under,
            tender_id=self._tender_id,
            authorisation_id=authorisation,
            amount=self._book.money(amount),
            at=workflow.now(),
            purpose=CapturePurpose.POLICY_FEE,
        )
        await self._at_provider(PaymentSteps.capture, request, f"Charge {request.amount}")

    async def free(self, authorisation: AuthorisationId, *number: str) -> None:
        request = VoidRequest(
            key=self._key("void", *number),
            order_id=self._held_under,
            tender_id=self._tender_id,
            authorisation_id=authorisation,
            at=workflow.now(),
            reason="not needed",
        )
        await self._at_provider(PaymentSteps.void, request, "Free the card")

    async def _at_provider(
        self, step: Callable[[PaymentSteps, Asked], Awaitable[Answer]], asked: Asked, words: str
    ) -> Answer:
        """Here first; then, as long as it takes, through the payment system's queue."""
        try:
            return await workflow.execute_local_activity_method(
                step, asked, summary=Readable(words), **options.PAYMENT_HERE
            )
        except StepFailed as error:
            if failure_type(error) in self._final:
                raise
        return await workflow.execute_activity_method(step, asked, summary=Readable(words), **options.PAYMENT_PATIENT)

    def _key(self, operation: str, *number: int | str) -> OperationKey:
        return operation_key(self._held_under, operation, self._tender_id, *number)

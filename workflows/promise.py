"""A promise, from the moment when its stock is held until an order has it, it is let go, or its time is over."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.faults import OUT_OF_STOCK
    from activities.promises import PromiseEnded, PromiseSteps
    from domain.personal import Readable
    from domain.promises import Promise
    from domain.refusals import Refusal, RefusalKind, Shortfall
    from workflows import options
    from workflows.refusing import StepFailed, failure_details, failure_type


class PromiseMade(BaseModel):
    """The fate of a wish: the promise stands, or why not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refusal: Refusal | None = None


class LetGo(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    command_id: str


@workflow.defn(failure_exception_types=[ValidationError])
class PromiseWorkflow:
    """Whether an order has it the stock ledger knows: at the deadline only what is still held is freed."""

    @workflow.init
    def __init__(self, promise: Promise) -> None:
        self.promise = promise
        self.answer: PromiseMade | None = None
        self.wanted = True
        self.over = False

    @workflow.run
    async def run(self, promise: Promise) -> PromiseMade:
        self.answer = await self._keep()
        if self.answer.refusal is None:
            expired = await self._until_it_is_over()
            await workflow.execute_local_activity_method(
                PromiseSteps.end_promise,
                PromiseEnded(promise=promise, at=workflow.now(), expired=expired),
                summary=Readable("Free what no order has taken over"),
                **options.OUR_BOOKS,
            )
        self.over = True
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.answer

    async def _keep(self) -> PromiseMade:
        try:
            await workflow.execute_local_activity_method(
                PromiseSteps.keep_promise, self.promise, summary=Readable("Hold the stock"), **options.OUR_BOOKS
            )
        except StepFailed as error:
            if failure_type(error) != OUT_OF_STOCK:
                raise
            refusal = Refusal(
                kind=RefusalKind.OUT_OF_STOCK,
                detail="Not all units are available there. Ask for fewer units or another store.",
                shortfalls=[Shortfall.model_validate(each) for each in failure_details(error)],
            )
            return PromiseMade(refusal=refusal)
        return PromiseMade()

    async def _until_it_is_over(self) -> bool:
        """Whether its time was over, rather than that somebody let it go."""
        left = max(self.promise.expires_at - workflow.now(), timedelta())
        try:
            await workflow.wait_condition(
                lambda: not self.wanted, timeout=left, timeout_summary=Readable("Until the promise ends")
            )
        except TimeoutError:
            return True
        return False

    @workflow.update
    async def make(self) -> PromiseMade:
        """Whether it stands. Started together with the workflow: asking for a promise is one round trip."""
        await workflow.wait_condition(lambda: self.answer is not None)
        assert self.answer is not None
        return self.answer

    @workflow.update
    async def let_go(self, command: LetGo) -> None:
        """Nobody wants it any more; once that is answered, its units are free."""
        self.wanted = False
        await workflow.wait_condition(lambda: self.over)

    @workflow.query
    def view(self) -> Promise:
        return self.promise

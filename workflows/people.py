"""A step that cannot go on by itself waits for a person, who retries it, skips it, supplies a value or gives up."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE
    from domain.order import Order
    from domain.refusals import RefusalKind
    from domain.timeline import Event
    from domain.views import InterventionView
    from workflows.book import Book
    from workflows.crediting import check_instead
    from workflows.messages import Intervene, InterventionAction
    from workflows.refusing import refuse


class People:
    """The open questions of one order to ops."""

    def __init__(self, order: Order, book: Book):
        self._order = order
        self._book = book
        self._answers: dict[str, Intervene] = {}
        self.asked = 0

    async def ask(self, step: str, error: str, choices: list[InterventionAction]) -> Intervene:
        """Show the question to ops and wait, without a deadline, for one of `choices`."""
        self.asked += 1
        question = InterventionView(
            intervention_id=f"{self._order.terms.order_id}-{self.asked}",
            step=step,
            error=error,
            since=workflow.now(),
            choices=[choice.value for choice in choices],
        )
        self._order.interventions.append(question)
        self._book.event(Event.INTERVENTION_NEEDED, ENGINE, reason=step, intervention_id=question.intervention_id)
        await self._book.record()
        await workflow.wait_condition(lambda: question.intervention_id in self._answers)
        return self._answers.pop(question.intervention_id)

    async def answer(self, command: Intervene) -> None:
        question = self.question(command)
        self._order.interventions.remove(question)
        self._answers[command.intervention_id] = command
        self._book.event(
            Event.INTERVENTION_MADE,
            command.actor,
            reason=command.reason,
            intervention_id=command.intervention_id,
            action=command.action,
            value=command.value,
            command_id=command.command_id,
        )
        await self._book.record()

    def question(self, command: Intervene) -> InterventionView:
        """The question that a command answers. Refuses unknown ones and choices that it does not offer."""
        for question in self._order.interventions:
            if question.intervention_id == command.intervention_id:
                if command.action.value not in question.choices:
                    raise refuse(
                        RefusalKind.NOT_ALLOWED_NOW,
                        f"Here one may only {', '.join(question.choices)}, not {command.action}.",
                    )
                check_instead(command)
                return question
        raise refuse(RefusalKind.NOT_FOUND, "Nobody waits for this decision any more.")

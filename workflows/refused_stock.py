"""Stock moves that inventory refused although what they are about has happened: a person decides about each."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockStep
    from workflows.book import Book
    from workflows.messages import InterventionAction
    from workflows.people import People

CHOICES = [InterventionAction.RETRY, InterventionAction.SKIP]


async def settle_refused_stock(book: Book, people: People) -> None:
    """Until none is left: one that was refused among others is tried alone; the rest is retried, or left undone."""
    while book.refused:
        refused = book.refused[0]
        if refused.error is not None:
            decision = await people.ask(_words(refused.step), refused.error, CHOICES)
            if decision.action is InterventionAction.SKIP:
                book.refused.remove(refused)
                continue
        await book.record_refused(refused)


def _words(step: StockStep) -> str:
    units = ", ".join(f"{line.quantity} x {line.sku} at {line.location_id}" for line in step.lines)
    return f"{step.operation.replace('_', ' ')} stock: {units}"

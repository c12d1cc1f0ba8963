"""A task of an application that is done again: money that has left does not leave a second time."""

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from tests.workflows.borrower import HOME, Borrower, once
from tests.workflows.lenders import Outside
from tests.workflows.lending_journeys import HOUSE
from tests.workflows.test_lending_tranches import paid
from workers.composition import Parts
from workflows.application import ApplicationWorkflow

pytestmark = pytest.mark.stack


async def test_a_part_whose_payout_was_forgotten_is_paid_once(made: Parts, client: Client, outside: Outside) -> None:
    """A reset to before the second payout: the provider and the books know more than the workflow."""
    async with outside.working(client):
        await _is_paid_once(made, client, outside)


async def _is_paid_once(made: Parts, client: Client, outside: Outside) -> None:
    at_once = tuple(each.model_copy(update={"after_days": 0, "released": False}) for each in HOUSE.tranches)
    loan = await Borrower.begins(made, client, "GOOD", HOUSE.model_copy(update={"tranches": at_once}))
    await loan.submits(HOME)
    await loan.agrees()
    first = await loan.ends()
    await loan.handle.result()
    history = await loan.handle.fetch_history()
    asked = {
        event.event_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        and event.activity_task_scheduled_event_attributes.activity_type.name == "pay_out"
    }
    second = sorted(asked)[1]
    completed = [
        event.event_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED and event.event_id < second
    ]
    await loan.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=loan.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=loan.handle.id),
            reason="the worker died while the second part was paid",
            workflow_task_finish_event_id=completed[-1],
            request_id=once(),
        )
    )
    again = loan.client.get_workflow_handle_for(ApplicationWorkflow.run, loan.handle.id)
    await again.result()
    end = await loan.ends()
    assert (paid(end), outside.payouts.for_application[loan.id]) == (paid(first), 3)
    account = await outside.banking.account(end["account_id"])
    assert [each.state.value for each in account.transactions] == ["booked"] * 3

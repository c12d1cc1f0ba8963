"""Years after the end, in skipped time: what is kept, what stops the purge, and what is left after it."""

import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from adapters.archives.sealing import is_genuine
from adapters.documents.port import UnknownFile
from adapters.keys.port import KeyErased
from adapters.letters.writing import party_subject
from adapters.products.reading import shipped
from adapters.retention.port import Purged
from domain.ids import retention_workflow_id
from domain.lending.accounts import payoff
from domain.lending.decisions import Verdict
from domain.personal import ERASED
from tests.workflows.borrower import OFFICE, UNA, WEB, Borrower, once
from tests.workflows.skipping import Calendar
from workers.composition import Parts
from workers.plugin import throughline_plugin
from workflows.application_messages import Decide, Withdraw
from workflows.retention import RetentionWorkflow

pytestmark = pytest.mark.stack

Begins = Callable[..., Awaitable[Borrower]]


async def withdrawn(loan: Borrower) -> dict[str, Any]:
    await loan.act(Withdraw(command_id=once(), actor=WEB))
    return await loan.comes_to(lambda view: view.get("archive"))


async def is_purged(loan: Borrower) -> dict[str, Any]:
    return await loan.comes_to(lambda view: view.get("purged_at"))


async def test_a_file_is_archived_at_its_end_and_purged_after_twenty_five_months(
    begins: Begins, calendar: Calendar, made: Parts, environment: WorkflowEnvironment
) -> None:
    loan = await begins("BAD")
    await loan.submits()
    end = await loan.comes_to(lambda view: view.get("archive"))
    archive = await made.documents.get(loan.id, end["archive"]["sha256"])
    assert is_genuine(archive, made.archive_key.public)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert json.loads(opened.read("parties.json"))["p1"]["name"] == "Pat Example"
        assert json.loads(opened.read("application.json"))["outcome"] == "denied"
        assert "notices/003-adverse_action.pdf" in opened.namelist()
    (clock,) = [each for each in end["clocks"] if each["name"] == "retention"]
    last = max(datetime.fromisoformat(each["sent_at"]) for each in end["notices"])
    assert datetime.fromisoformat(clock["started_at"]) == last
    await calendar.skip(days=755)
    assert not (await loan.view()).get("purged_at")
    await calendar.skip(days=10)
    left = await is_purged(loan)
    assert (left["outcome"], left["outcome_code"], left["decision"]["verdict"]) == ("denied", 3, "decline")
    assert left["terms"]["principal"] == 1_000_000
    assert (left["parties"], left["notices"], left["documents"], left["checks"]) == ([], [], [], [])
    assert await loan.events() == ["purged"]
    assert (await made.vault.get(party_subject(loan.id, "p1"))) is ERASED
    with pytest.raises((UnknownFile, KeyErased)):
        await made.documents.get(loan.id, end["archive"]["sha256"])
    keeper = environment.client.get_workflow_handle(retention_workflow_id(loan.id))
    replayer = Replayer(workflows=[RetentionWorkflow], plugins=[throughline_plugin(made.keys, sandbox=True)])
    await replayer.replay_workflow(await keeper.fetch_history())


async def test_a_legal_hold_keeps_the_file_until_a_person_releases_it(
    begins: Begins, calendar: Calendar, made: Parts, environment: WorkflowEnvironment
) -> None:
    loan = await begins()
    held = await made.retention.hold(loan.id, once(), "a complaint at court", OFFICE, await calendar.now())
    await withdrawn(loan)
    await calendar.skip(days=900)
    assert not (await loan.view()).get("purged_at")
    kept = await made.retention.release(loan.id, held.hold_id, "settled", OFFICE, await calendar.now())
    assert (kept.set_by, kept.released_for) == ("una", "settled")
    keeper = environment.client.get_workflow_handle(retention_workflow_id(loan.id))
    await keeper.signal(RetentionWorkflow.hold_released)
    await is_purged(loan)
    assert await loan.events() == ["purged"]
    with pytest.raises(Purged):
        await made.retention.hold(loan.id, once(), "too late", OFFICE, await calendar.now())


async def test_a_business_is_forgotten_after_a_year(begins: Begins, calendar: Calendar) -> None:
    business = shipped()["personal-loan"].model_copy(update={"business": True})
    loan = await begins("GOOD", business)
    await withdrawn(loan)
    await calendar.skip(days=360)
    assert not (await loan.view()).get("purged_at")
    await calendar.skip(days=10)
    await is_purged(loan)


async def test_who_the_borrower_is_stays_known_while_the_loan_is_owed(
    begins: Begins, calendar: Calendar, made: Parts
) -> None:
    loan = await begins()
    await loan.submits()
    await loan.agrees()
    end = await loan.comes_to(lambda view: view.get("archive"))
    (kept,) = await made.retention.retained_of(end["parties"][0]["ref"])
    assert (kept.application_id, kept.held) == (loan.id, False)
    await calendar.skip(days=800)
    assert not (await loan.view()).get("purged_at")
    now = await calendar.now()
    account = await made.banking.account(end["account_id"])
    owed = payoff(account.terms, account.transactions, now.date()).total
    await made.banking.repay(end["account_id"], owed, once(), now, now.date(), "web")
    await calendar.skip(days=31)
    left = await is_purged(loan)
    assert left["account_id"] == end["account_id"]


async def test_a_decision_of_a_person_remains_as_its_reasons(begins: Begins, calendar: Calendar) -> None:
    loan = await begins("THIN")
    await loan.submits()
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    given = Decide(command_id=once(), actor=OFFICE, reviewer=UNA, verdict=Verdict.DECLINE, reasons=("dti",))
    await loan.act(given)
    await loan.comes_to(lambda view: view.get("archive"))
    await calendar.skip(days=765)
    decision = (await is_purged(loan))["decision"]
    assert (decision["reasons"], "person" in decision, "actor" in decision) == (["dti"], False, False)

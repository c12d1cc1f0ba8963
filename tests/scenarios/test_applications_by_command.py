"""What applicants and the office do from the command line, with nothing else."""

import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

import yaml

from adapters.products.reading import FOLDER
from tests.scenarios.applied import PDF, Applied
from tests.scenarios.playing import story
from tests.scenarios.world import World

SENIOR = "zoe"


@story
async def test_a_loan_is_carried_to_its_end_and_its_file_taken_home(world: World) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await _carried(await Applied.begun(world), Path(folder))


async def _carried(loan: Applied, folder: Path) -> None:
    await loan.answers()
    other = ("--ref", "P-co-GOOD", "--name", "Co Example", "--email", "co@example.org")
    joined = json.loads(await loan.says("apply", "party", "add", loan.id, *other, "--json"))
    co = joined["parties"][1]["party"]
    said = await loan.says("apply", "submit", loan.id)
    assert f"consent of {co}" in said
    await loan.says("apply", "party", "consent", loan.id, co, "--electronic", by="app")
    await loan.says("apply", "party", "remove", loan.id, co, by="call_centre")
    said = await loan.says("apply", "show", loan.id)
    assert (f"consent of {co}" in said, f"({co}) agrees" in said) == (False, False)
    asked = [each for each in (await loan.shown())["documents"] if each["state"] == "requested"]
    assert asked
    paper = folder / "paper.pdf"
    paper.write_bytes(PDF)
    for each in asked:
        assert f"{each['type']} ({each['doc']} of p1)" in said
        await loan.says("apply", "document", "upload", loan.id, each["doc"], str(paper))
        await loan.says("apply", "document", "accept", loan.id, each["doc"], "--sighted", by="branch")
    await loan.stage("offered")
    await loan.says("apply", "accept", loan.id)
    await loan.stage("signing")
    await loan.says("apply", "sign", loan.id, "--wet", by="branch")
    end = await loan.ends()
    assert end["outcome"] == "originated"
    listed = await loan.says("apply", "list", "--customer", loan.ref, by="ada")
    assert (loan.id in listed, "originated" in listed) == (True, True)
    said = await loan.says("apply", "show", loan.id)
    assert f"throughline account balances {end['account_id']}" in said
    kinds = [each["kind"] for each in end["notices"]]
    assert [line.split()[0] for line in said.splitlines() if "booked  " in line] == [str(kinds.index("booked") + 1)]
    number = str(kinds.index("booked") + 1)
    assert "Pat Example" in await loan.says("apply", "notice", loan.id, number)
    page, archive = folder / "notice.pdf", folder / "file.zip"
    await loan.says("apply", "notice", loan.id, number, "--pdf", str(page))
    assert page.read_bytes().startswith(b"%PDF-")
    said = await loan.says("apply", "export", loan.id, str(archive), by="ada")
    assert (archive.read_bytes()[:2], "signature" in said) == (b"PK", True)


@story
async def test_who_is_denied_without_reasons_asks_for_them_in_any_channel(world: World) -> None:
    definition = yaml.safe_load((FOLDER / "personal-loan.yaml").read_text())
    name = f"on-request-{uuid.uuid4().hex[:8]}"
    definition |= {"product": name, "title": "Reasons on request", "reasons": "on_request"}
    published = await world.call("POST", "/v1/products", world.keys["ops"]["max"], definition)
    assert published.status_code == 201, published.text
    loan = await Applied.begun(world, "BAD", name)
    assert await loan.refused("POST", "/reasons") == (409, "not-allowed-now")
    await loan.submitted()
    denied = await loan.comes_to(lambda view: view["outcome"] and _sent(view, "adverse_action"))
    first = await loan.says("apply", "notice", loan.id, _number(denied, "adverse_action"))
    await loan.says("apply", "reasons", loan.id, by="call_centre")
    told = await loan.comes_to(lambda view: _sent(view, "statement_of_reasons"))
    assert [each["kind"] for each in told["notices"]].count("statement_of_reasons") == 1
    statement = await loan.says("apply", "notice", loan.id, _number(told, "statement_of_reasons"))
    reasons = [line for line in statement.splitlines() if line.lstrip().startswith("- ")]
    assert len(reasons) == len(told["decision"]["reasons"])
    assert not [line for line in reasons if line in first]
    assert await loan.refused("POST", "/reasons") == (409, "not-allowed-now")


@story
async def test_who_cancels_a_loan_that_was_paid_out_repays_it_at_a_counter(world: World) -> None:
    loan = await Applied.begun(world, product="personal-loan-eu")
    await loan.submitted(consents={"early_payout": True})
    await loan.agreed()
    paid = await loan.comes_to(lambda view: view["stage"] == "booked" and _sent(view, "booked"))
    await loan.says("apply", "rescind", loan.id, by="call_centre")
    await loan.comes_to(lambda view: view["repayment"])
    assert "To repay until" in await loan.says("apply", "show", loan.id)
    account = paid["account_id"]
    owed = json.loads(await loan.says("account", "payoff", account, "--json"))["total"]
    said = await loan.says("account", "repay", account, str(owed), by="branch")
    assert ("repaid; 0.00 EUR would settle it" in said, "minor" in said) == (True, False)
    said = await loan.says("account", "transactions", account)
    assert ("disbursement" in said, "repayment" in said) == (True, True)
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("rescinded", 2)
    assert [each["status"] for each in await loan.payouts()] == ["succeeded"]
    assert await loan.refused("POST", "/rescind") == (409, "not-allowed-now")


@story
async def test_a_paper_is_looked_at_and_a_review_handed_round_until_other_terms_are_declined(world: World) -> None:
    loan = await Applied.begun(world, "THIN")
    await loan.answers()
    await loan.done("POST", "/submit", {})
    doc = (await loan.shown())["documents"][0]["doc"]
    await loan.says("apply", "document", "received", loan.id, doc, by="branch")
    asked = await loan.done("POST", f"/documents/{doc}/reject", {"reason": "the second page is missing"}, by="ada")
    assert [(each["doc"], each["state"]) for each in asked["documents"]] == [(doc, "rejected")]
    await loan.done("POST", f"/documents/{doc}/waive", {"reason": "known to us"}, by="branch")
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    assert (await loan.review("claim"))["claim"]["login"] == "una"
    assert (await loan.review("release"))["claim"] is None
    assert (await loan.review("reassign", {"to": "ben"}, by=SENIOR))["claim"]["login"] == "ben"
    await loan.review("recuse", {"reason": "a neighbour of mine"}, by="ben")
    path = f"/v1/underwriting/applications/{loan.id}/claim"
    assert await loan.refused("POST", path, {}, by="ben") == (409, "not-allowed-now")
    assert "an underwriter decides" in await loan.says("underwrite", "show", loan.id, by="una")
    await loan.review("counteroffer", {"terms": {"principal": 600_000}, "reasons": ["dti"]})
    offered = await loan.stage("offered")
    assert (offered["offer"]["counter"], offered["offer"]["terms"]["principal"]) == (True, 600_000)
    await loan.says("apply", "decline", loan.id)
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("denied", 3)
    assert "adverse_action" in [each["kind"] for each in end["notices"]]


def _sent(view: dict[str, Any], kind: str) -> bool:
    return any(each["kind"] == kind and each["state"] == "sent" for each in view["notices"])


def _number(view: dict[str, Any], kind: str) -> str:
    return next(str(each["n"]) for each in view["notices"] if each["kind"] == kind)

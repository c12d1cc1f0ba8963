"""Loans from the first answer to the open account, as applicants, channels and underwriters see them."""

import hashlib
import io
import uuid
import zipfile
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import yaml

from tests.adapters.products.test_tutorial import printed
from tests.scenarios.applied import AMOUNT, PDF, Applied, person
from tests.scenarios.playing import story
from tests.scenarios.world import World

NEW_YORK = ZoneInfo("America/New_York")


@story
async def test_begun_on_the_web_gone_on_by_phone_and_signed_in_a_branch(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.done("PUT", "/steps/amount", AMOUNT)
    seen = await loan.shown(by="call_centre")
    assert {step["name"]: step["status"] for step in seen["steps"]}["amount"] == "done"
    for step, body in {
        "applicant": person(loan.ref),
        "income": {"monthly_income": 600_000},
        "obligations": {"monthly_obligations": 40_000},
    }.items():
        await loan.done("PUT", f"/steps/{step}", body, by="call_centre")
    electronic = {"credit_report": True, "electronic": True}
    assert await loan.refused("PUT", "/steps/consents", electronic, by="call_centre") == (409, "not-allowed-now")
    await loan.done("PUT", "/steps/consents", {"credit_report": True, "electronic": False}, by="call_centre")
    await loan.done("POST", "/submit", {}, by="call_centre")
    await loan.documents()
    offer = (await loan.stage("offered"))["offer"]
    assert (offer["payment"], offer["total_of_payments"]) == (32_220, 1_159_931)
    assert offer["apr"] == "10.59"
    await loan.done("POST", "/offer/accept", {"terms_hash": offer["terms_hash"]}, by="app")
    await loan.stage("signing")
    assert await loan.refused("POST", "/sign", {"way": "electronic"}) == (422, "consent-needed")
    assert await loan.refused("POST", "/sign", {"way": "wet"}) == (409, "not-allowed-now")
    await loan.done("POST", "/sign", {"way": "wet"}, by="branch")
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"], end["stage"]) == ("originated", 1, "booked")
    assert [(each["amount"], each["status"]) for each in await loan.payouts()] == [(990_000, "succeeded")]
    timeline = (await loan.done("GET", "/timeline"))["items"]
    handed = [each["channel"] for each in timeline if each["event"] == "pen_handed_over"]
    assert handed[:1] == ["call_centre"]
    signed = next(each for each in timeline if each["event"] == "signed")
    assert (signed["channel"], signed["data"]["way"]) == ("branch", "wet")


@story
async def test_the_account_answers_every_channel_the_same_and_takes_a_repayment_once(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.submitted()
    await loan.agreed()
    account = (await loan.ends())["account_id"]
    base = f"/v1/accounts/{account}"
    balances = [await loan.done("GET", f"{base}/balances", by=each) for each in ("web", "app", "call_centre", "branch")]
    assert {each["principal"] for each in balances} == {1_000_000}
    schedule = (await loan.done("GET", f"{base}/schedule"))["items"]
    assert (len(schedule), sum(each["principal"] for each in schedule), schedule[-1]["balance"]) == (36, 1_000_000, 0)
    key = world.keys["branch"]
    paid = [
        await world.call("POST", f"{base}/repayments", key, {"amount": 100_000}, idempotency=f"r-{account}")
        for _ in range(2)
    ]
    assert [each.status_code for each in paid] == [201, 201]
    assert paid[1].headers["Idempotency-Replayed"] == "true"
    left = await loan.done("GET", f"{base}/payoff")
    assert left["total"] == 900_000
    too_much = await world.call("POST", f"{base}/repayments", key, {"amount": 900_001})
    assert (too_much.status_code, too_much.json()["type"].rpartition("/")[2]) == (422, "beyond-limit")
    assert "No more than 9000.00 USD is owed" in too_much.json()["detail"]
    kinds = [each["kind"] for each in (await loan.done("GET", f"{base}/transactions"))["items"]]
    assert kinds == ["disbursement", "repayment"]


@story
async def test_a_bad_report_is_declined_for_its_factors_and_the_person_told_once(world: World) -> None:
    loan = await Applied.begun(world, "BAD")
    await loan.submitted()
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("denied", 3)
    assert end["decision"]["reasons"][:2] == ["delinquency", "high_balances"]
    letters = await loan.letters()
    assert letters == ["application_received", "incompleteness", "adverse_action", "report_disclosure"]
    mails = {each["subject"]: each["text"] for each in await loan.mails()}
    told = mails["Our decision about your application"]
    assert "- delinquency" in told
    assert "Equal Credit Opportunity Act" in told
    assert "Office of the Comptroller of the Currency" in told
    disclosed = mails["The credit report that we used"]
    assert "within 60 days" in disclosed
    assert "512" in disclosed
    assert "- number of recent inquiries" in disclosed
    proofs = {each["name"]: each.get("proof") for each in end["clocks"]}
    assert proofs["adverse_action"] == "notice 3"


@story
async def test_a_notice_is_written_again_byte_for_byte(world: World) -> None:
    loan = await Applied.begun(world, "BAD")
    await loan.submitted()
    end = await loan.ends()
    notice = next(each for each in end["notices"] if each["kind"] == "adverse_action")
    for form, name in (("text", "sha256"), ("pdf", "pdf_sha256")):
        again = await loan.call("GET", f"/notices/{notice['n']}?format={form}")
        assert hashlib.sha256(again.content).hexdigest() == notice[name]
    assert again.content.startswith(b"%PDF-")
    assert notice["proof"]
    made = await loan.done("POST", "/export", {}, by="ada")
    archive = await loan.call("GET", made["url"], by="ada")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert f"notices/{notice['n']:03}-adverse_action.pdf" in opened.namelist()
        assert opened.read("documents/d1-income_proof") == PDF
    assert await loan.refused("POST", "/export", {}) == (403, "forbidden")


@story
async def test_referred_then_decided_by_one_and_approved_by_another(world: World) -> None:
    loan = await Applied.begun(world, "THIN")
    await loan.submitted(amount={"amount": 2_000_000})
    waiting = await loan.comes_to(lambda view: "referred" in view["overlays"])
    assert [each["name"] for each in waiting["clocks"] if each["state"] == "running"] == ["action_taken", "review"]
    queue = await loan.done("GET", "/v1/underwriting/queue?limit=200", by="una")
    assert loan.id in [each["application_id"] for each in queue["items"]]
    await loan.review("claim")
    taken = f"/v1/underwriting/applications/{loan.id}/claim"
    assert await loan.refused("POST", taken, {}, by="ben") == (409, "held")
    decide = f"/v1/underwriting/applications/{loan.id}/decide"
    vague = {"decision": "decline", "reasons": ["score_too_low"]}
    assert await loan.refused("POST", decide, vague, by="una") == (422, "proof-needed")
    await loan.review("decide", {"decision": "approve"})
    approve = f"/v1/underwriting/applications/{loan.id}/approve"
    assert await loan.refused("POST", approve, {}, by="una") == (409, "not-allowed-now")
    await loan.review("approve", by="ben")
    offered = await loan.stage("offered")
    assert offered["offer"]["counter"] is False


@story
async def test_changed_terms_void_the_approval_and_the_offer(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.submitted()
    before = (await loan.stage("offered"))["offer"]
    await loan.done("PUT", "/steps/amount", {**AMOUNT, "term_months": 48})
    after = await loan.comes_to(lambda view: view["offer"]["n"] == 2 and view["stage"] == "offered")
    assert after["offer"]["terms_hash"] != before["terms_hash"]
    stale = {"terms_hash": before["terms_hash"]}
    assert await loan.refused("POST", "/offer/accept", stale) == (409, "stale-version")


@story
async def test_a_counteroffer_is_taken(world: World) -> None:
    loan = await Applied.begun(world, "THIN")
    await loan.submitted()
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    await loan.review("counteroffer", {"terms": {"principal": 400_000}, "reasons": ["credit_history"]})
    offered = (await loan.stage("offered"))["offer"]
    assert (offered["counter"], offered["terms"]["principal"]) == (True, 400_000)
    await loan.agreed()
    end = await loan.ends()
    assert (end["outcome_code"], end["payouts"][0]["amount"]) == (1, 396_000)


@story
async def test_withdrawn_before_a_decision(world: World) -> None:
    loan = await Applied.begun(world, "THIN")
    await loan.submitted()
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    await loan.done("POST", "/withdraw", {"reason": "bought no car"}, by="app")
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("withdrawn", 4)
    assert await loan.refused("POST", "/submit", {}) == (409, "not-allowed-now")
    assert not await loan.payouts()


@story
async def test_a_sanctions_hit_holds_and_tells_the_applicant_nothing(world: World) -> None:
    loan = await Applied.begun(world, "HIT")
    await loan.submitted()
    held = await loan.comes_to(lambda view: "screening_hold" in view["overlays"])
    assert held["status"] == "screening_hold"
    told = await loan.shown(by="web")
    assert (told["status"], told["overlays"]) == ("in_review", ["referred"]), "as whoever a person looks at"
    assert "checks" not in told
    assert all("screening" not in str(each) for each in (await loan.done("GET", "/timeline"))["items"])
    await loan.done("POST", "/screening/clear", {"reason": "another birth date"}, by="ada")
    await loan.stage("offered")


@story
async def test_a_confirmed_hit_is_denied_in_words_that_give_no_hint(world: World) -> None:
    loan = await Applied.begun(world, "HIT")
    await loan.submitted()
    await loan.comes_to(lambda view: "screening_hold" in view["overlays"])
    same = {"reason": "the same passport"}
    assert await loan.refused("POST", "/screening/confirm", same) == (403, "forbidden")
    await loan.done("POST", "/screening/confirm", same, by="ada")
    assert (await loan.shown())["outcome"] is None
    assert await loan.refused("POST", "/screening/confirm", same, by="ada") == (409, "not-allowed-now")
    manager = await loan.says("apply", "judge-hit", loan.id, "confirm", "--reason", "the same passport", by="max")
    assert loan.id in manager
    assert (await loan.ends())["outcome"] == "denied"
    told = [await loan.shown(by="web"), (await loan.done("GET", "/timeline"))["items"], await loan.mails()]
    for word in ("screening", "sanction", "passport"):
        assert word not in str(told).lower(), word


@story
async def test_when_the_first_bureau_is_away_the_second_answers(world: World) -> None:
    loan = await Applied.begun(world, "DOWN")
    await loan.submitted()
    offered = await loan.stage("offered")
    asked = {each["kind"]: (each["provider"], each["tried"]) for each in offered["checks"]}
    assert asked["bureau"] == ("bureau_two", ["bureau_one"])


@story
async def test_a_payout_whose_answer_was_lost_is_made_once(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.submitted(amount={"payout_token": "tok_timeout_after"})
    await loan.agreed()
    end = await loan.ends()
    assert end["outcome"] == "originated"
    assert [each["status"] for each in await loan.payouts()] == ["succeeded"]


@story
async def test_a_payout_that_is_declined_leaves_nothing_owed(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.submitted(amount={"payout_token": "tok_declined"})
    await loan.agreed()
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("booking_failed_reversed", 2)
    balances = await loan.done("GET", f"/v1/accounts/{end['account_id']}/balances")
    assert (balances["principal"], balances["pending"]) == (0, 0)


@story
async def test_a_co_applicant_agrees_and_signs_for_himself(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.answers()
    joined = {"ref": f"{loan.ref}-GOOD", "name": "Co Example", "email": "co@example.org", "role": "co_applicant"}
    view = await loan.done("POST", "/parties", joined)
    co = view["parties"][1]["party"]
    await loan.done("POST", "/submit", {})
    await loan.documents()
    waiting = await loan.shown()
    assert "awaiting_party" in waiting["overlays"]
    assert {"kind": "consent", "name": "consent", "party": co} in waiting["missing"]
    await loan.done("POST", f"/parties/{co}/consent", {"electronic": True}, by="app")
    await loan.agreed()
    assert (await loan.shown())["stage"] == "signing"
    await loan.done("POST", "/sign", {"party": co}, by="app")
    assert (await loan.ends())["outcome"] == "originated"


@story
async def test_documents_of_another_type_are_refused_and_a_rejected_one_is_asked_for_again(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.answers()
    await loan.done("POST", "/submit", {})
    doc = (await loan.shown())["documents"][0]["doc"]
    assert (await loan.upload(doc, b"GIF89a and so on \x00")).status_code == 415
    assert (await loan.upload(doc)).status_code == 200
    await loan.done("POST", f"/documents/{doc}/reject", {"reason": "unreadable"}, by="ada")
    again = await loan.shown()
    assert again["documents"][0]["state"] == "rejected"
    assert again["missing"][0]["name"] == doc
    await loan.documents()
    await loan.stage("offered")


@story
async def test_a_step_says_what_is_wrong_with_it(world: World) -> None:
    loan = await Applied.begun(world)
    assert await loan.refused("PUT", "/steps/income", {"monthly_income": 1}) == (409, "not-allowed-now")
    answer = await loan.call("PUT", "/steps/amount", {"amount": 99, "term_months": 36, "purpose": "yacht"})
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/purpose"]
    assert await loan.refused("PUT", "/steps/moon", {}) == (404, "not-found")
    assert await loan.refused("POST", "/submit", {}) == (409, "not-allowed-now")
    stale = await loan.call("PUT", "/steps/amount?version=99", AMOUNT)
    assert stale.json()["type"].endswith("/stale-version")
    assert stale.json()["current"]["version"] == 1


@story
async def test_a_product_that_was_only_published_runs_from_end_to_end(world: World) -> None:
    definition = yaml.safe_load(printed())
    name = f"business-line-{uuid.uuid4().hex[:8]}"
    manager = world.keys["ops"]["max"]
    published = await world.call("POST", "/v1/products", manager, definition | {"product": name})
    assert published.status_code == 201, published.text
    broken = definition | {"product": name, "version": 2, "evidence": {}}
    answer = await world.call("POST", "/v1/products", manager, broken)
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/steps/1/evidence/0"]
    line = await Applied.begun(world, product=name)
    who = person(line.ref)
    for step, body in {
        "applicant": {"name": who["name"], "email": who["email"]},
        "business": {"trade": "crafts", "monthly_profit": 900_000, "monthly_rent": 50_000},
        "line": {"limit": 1_000_000},
        "consents": {"credit_report": True, "electronic": True},
    }.items():
        await line.done("PUT", f"/steps/{step}", body)
    await line.done("POST", "/submit", {})
    await line.documents()
    await line.agreed()
    end = await line.ends()
    assert (end["outcome"], end["payouts"]) == ("originated", [])
    balances = await line.done("GET", f"/v1/accounts/{end['account_id']}/balances")
    assert (balances["kind"], balances["available"]) == ("card", 1_000_000)


@story
async def test_the_command_line_says_what_an_application_waits_for(world: World) -> None:
    loan = await Applied.begun(world, "THIN")
    await loan.submitted()
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    said = await loan.says("apply", "show", loan.id, by="ada")
    assert "an underwriter decides" in said
    assert "action taken" in said
    assert loan.id in await loan.says("underwrite", "queue", "--json", by="una")
    said = await loan.says("underwrite", "decide", loan.id, "decline", "--reason", "dti", by="una")
    assert loan.id in said
    assert (await loan.ends())["decision"]["reasons"] == ["dti"]
    said = await loan.says("apply", "timeline", loan.id, by="ada")
    assert "decided" in said


@story
async def test_a_notice_that_no_mailbox_takes_waits_in_the_offices_queue_beside_orders(world: World) -> None:
    loan = await Applied.begun(world)
    fault = {"code": 550, "count": 1, "to": person(loan.ref)["email"]}
    assert (await world.http.post(f"{world.record['mail']}/faults", json=fault)).is_success
    await loan.answers()
    await loan.done("POST", "/submit", {})
    asking = await loan.comes_to(lambda view: view["interventions"])
    question = asking["interventions"][0]["intervention_id"]
    assert "interventions" not in await loan.shown(by="web")
    listed = await loan.says("ops", "interventions", by="ada")
    assert (question in listed, loan.id in listed) == (True, True)
    waiting = await loan.done("GET", "/v1/ops/applications?kind=intervention&limit=200", by="ada")
    assert loan.id in {each["application_id"] for each in waiting["items"]}
    assert await loan.refused("GET", "/v1/ops/applications") == (403, "forbidden")
    path = f"/v1/ops/interventions/{question}"
    assert await loan.refused("POST", path, {"action": "retry", "reason": "x"}) == (403, "forbidden")
    said = await loan.says("ops", "intervene", question, "retry", "--reason", "the mailbox is back", by="ada")
    assert loan.id in said
    done = await loan.comes_to(lambda view: view["notices"][0]["state"] == "sent" and not view["interventions"])
    assert done["notices"][0]["kind"] in ("application_received", "incompleteness")
    assert await loan.refused("POST", path, {"action": "retry", "reason": "x"}, by="ada") == (404, "not-found")


@story
async def test_what_is_refused_leaves_the_person_as_he_was(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.answers()
    await loan.done("POST", "/pen", {"holder": "pat"}, by="app")
    wrong = person(loan.ref) | {"email": "somebody.else@example.org"}
    assert await loan.refused("PUT", "/steps/applicant", wrong) == (409, "held")
    assert await loan.refused("PUT", "/steps/applicant?version=1", wrong, by="app") == (409, "stale-version")
    await loan.done("POST", "/submit", {})
    await loan.comes_to(lambda view: view["notices"] and all(each["state"] == "sent" for each in view["notices"]))
    assert len(await loan.mails()) == 2
    events = {each["event"] for each in (await loan.done("GET", "/timeline"))["items"]}
    assert not {"check_done", "decided", "screening_held"} & events


@story
async def test_a_review_is_given_to_an_underwriter_and_to_nobody_else(world: World) -> None:
    loan = await Applied.begun(world, "THIN")
    await loan.submitted()
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    await loan.review("claim")
    path = f"/v1/underwriting/applications/{loan.id}/reassign"
    senior = next(name for name in world.keys["underwriters"] if name not in ("una", "ben"))
    for nobody in ("nobody", "ada", "web"):
        assert await loan.refused("POST", path, {"to": nobody}, by=senior) == (422, "validation")
    assert await loan.refused("POST", path, {"to": "ben"}, by="ben") == (403, "forbidden")
    await loan.done("POST", path, {"to": "ben"}, by=senior)
    decide = f"/v1/underwriting/applications/{loan.id}/decide"
    assert await loan.refused("POST", decide, {"decision": "approve"}, by="una") == (409, "held")
    await loan.review("decide", {"decision": "approve"}, by="ben")
    await loan.stage("offered")


@story
async def test_a_new_version_of_a_product_is_for_applications_to_come(world: World) -> None:
    definition = yaml.safe_load(printed()) | {"product": f"business-line-{uuid.uuid4().hex[:8]}"}
    manager = world.keys["ops"]["max"]

    async def begun(version: int, title: str) -> Applied:
        body = definition | {"version": version, "title": title}
        published = await world.call("POST", "/v1/products", manager, body)
        assert published.status_code == 201, published.text
        return await Applied.begun(world, product=definition["product"])

    first = await begun(1, "Line")
    del definition["steps"][1]["evidence"]
    second = await begun(2, "Line without papers")
    business = {"trade": "crafts", "monthly_profit": 900_000, "monthly_rent": 50_000}
    for loan, version, papers in ((first, 1, 1), (second, 2, 0)):
        await loan.done("PUT", "/steps/applicant", {name: person(loan.ref)[name] for name in ("name", "email")})
        shown = await loan.done("PUT", "/steps/business", business)
        assert (shown["product_version"], len(shown["documents"])) == (version, papers)


@story
async def test_a_letter_reads_as_it_was_sent_though_the_person_has_another_name_by_now(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.answers()
    await loan.done("POST", "/submit", {})
    sent = (await loan.comes_to(lambda view: view["notices"] and view["notices"][0]["state"] == "sent"))["notices"][0]
    await loan.done("PUT", "/steps/applicant", person(loan.ref) | {"name": "Pat Newname"})
    for form, kept in (("text", "sha256"), ("pdf", "pdf_sha256")):
        again = await loan.call("GET", f"/notices/1?format={form}")
        assert hashlib.sha256(again.content).hexdigest() == sent[kept]
    assert "Pat Example" in (await loan.call("GET", "/notices/1")).text


@story
async def test_a_new_version_of_the_rules_is_for_applications_that_begin_under_it(world: World) -> None:
    before = await Applied.begun(world)
    newest = (await before.done("GET", "/v1/policy-packs"))["items"][0]["version"]
    # A clock that no other story looks at.
    pack = {"version": newest + 1, "clocks": {"draft_silence": {"length": 8, "calendar": "calendar"}}}
    await before.done("POST", "/v1/policy-packs", pack, by="max")
    after = await Applied.begun(world)
    assert [await _days_of_silence(each) for each in (before, after)] == [7, 8]


async def _days_of_silence(loan: Applied) -> int:
    silence = next(each for each in (await loan.shown())["clocks"] if each["name"] == "draft_silence")
    begun, due = (datetime.fromisoformat(silence[name]).astimezone(NEW_YORK) for name in ("started_at", "due_at"))
    return (due - timedelta(seconds=1)).date().toordinal() - begun.date().toordinal()

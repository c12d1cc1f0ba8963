"""One application of each product, across channels to its end, on the pack in which a day takes a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

from adapters.letters.pdf import pdf
from workers.demo.callers import LOOK_AGAIN, Callers, Unexpected

Answers = dict[str, Any]
PATIENCE = 90.0
PAGE = pdf("A document of the demo", "Document")
ADDRESS = {"line1": "1 Sample Way", "postal_code": "10001", "city": "New York", "region": "NY", "country": "US"}
AMOUNT: Answers = {"amount": 1_000_000, "term_months": 36, "purpose": "car"}
INCOME: Answers = {"monthly_income": 600_000}
OWED: Answers = {"monthly_obligations": 40_000}
CONSENTS: Answers = {"credit_report": True, "electronic": True}


@dataclass
class Applicant:
    """One application, and who takes part in it."""

    callers: Callers
    product: str
    ref: str
    view: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/v1/applications/{self.view['application_id']}"

    async def begins(self, channel: str) -> None:
        name = {"name": "Sample Applicant", "email": f"{self.ref.lower()}@customers.example.org"}
        body = {"product": self.product, "channel": channel, "party": {"ref": self.ref, **name}}
        self.view = await self.callers.channel(channel).post("/v1/applications", body)
        who = {**name, "birth_date": "1985-04-12", "address": ADDRESS}
        await self.says("applicant", who, channel)

    async def says(self, step: str, answers: dict[str, Any], channel: str) -> None:
        await self.callers.channel(channel).put(f"{self.path}/steps/{step}", answers)

    async def does(self, command: str, channel: str, body: dict[str, Any] | None = None) -> None:
        await self.callers.channel(channel).post(f"{self.path}/{command}", body)

    async def submits(self, channel: str) -> None:
        await self.does("submit", channel)
        view = await self.callers.officer("ada").get(self.path)
        for each in view["documents"]:
            doc = f"{self.path}/documents/{each['doc']}"
            await self.callers.channel("web").upload(f"{doc}/content", PAGE, "application/pdf")
            await self.callers.officer("ada").post(f"{doc}/accept")

    async def underwriter(self, name: str, command: str, body: dict[str, Any] | None = None) -> None:
        path = f"/v1/underwriting/applications/{self.view['application_id']}/{command}"
        await self.callers.underwriter(name).post(path, body)

    async def until(self, condition: Callable[[dict[str, Any]], Any], what: str) -> dict[str, Any]:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            self.view = await self.callers.officer("ada").get(self.path)
            if condition(self.view):
                return self.view
            await asyncio.sleep(LOOK_AGAIN)
        stage, outcome = self.view["stage"], self.view["outcome"]
        raise Unexpected(f"{self.product}: it is {stage} ({outcome}), expected: {what}")

    async def stage(self, stage: str) -> None:
        await self.until(lambda view: view["stage"] == stage, stage)

    async def ends(self, outcome: str) -> None:
        await self.until(lambda view: view["outcome"] is not None, outcome)
        if self.view["outcome"] != outcome:
            raise Unexpected(f"{self.product}: it ended {self.view['outcome']}, expected {outcome}")


async def a_loan_across_three_channels(one: Applicant) -> None:
    await one.begins("web")
    await one.says("amount", AMOUNT, "web")
    await one.says("income", INCOME, "call_centre")
    await one.says("obligations", OWED, "call_centre")
    await one.says("consents", CONSENTS, "web")
    await one.submits("web")
    await one.stage("offered")
    await one.does("offer/accept", "app")
    await one.stage("signing")
    await one.does("sign", "branch", {"way": "wet"})
    await one.ends("originated")


async def a_loan_with_time_to_withdraw(one: Applicant) -> None:
    await one.begins("app")
    for step, answers in {"amount": AMOUNT, "income": INCOME, "obligations": OWED, "consents": CONSENTS}.items():
        await one.says(step, answers, "app")
    await one.submits("app")
    await one.stage("offered")
    await one.does("offer/accept", "app")
    await one.stage("signing")
    await one.does("sign", "app")
    await one.stage("cooling_off")
    await one.ends("originated")


async def a_mortgage_that_two_people_look_at(one: Applicant) -> None:
    await one.begins("branch")
    amount: Answers = {"amount": 20_000_000, "term_months": 360, "purpose": "refinance"}
    home: Answers = {"appraisal": 40_000_000, "occupancy": "principal_dwelling"}
    for step, answers in {"amount": amount, "property": home, "income": INCOME, "obligations": OWED}.items():
        await one.says(step, answers, "branch")
    await one.says("consents", CONSENTS, "web")
    await one.submits("web")
    await one.until(lambda view: "referred" in view["overlays"], "referred")
    await one.underwriter("una", "claim")
    await one.underwriter("una", "decide", {"decision": "approve"})
    await one.underwriter("ben", "approve")
    await one.stage("offered")
    await one.does("offer/accept", "web")
    await one.stage("signing")
    await one.does("sign", "branch", {"way": "wet"})
    await one.ends("originated")


async def a_card_that_is_declined(one: Applicant) -> None:
    await one.begins("web")
    answers: dict[str, Answers] = {
        "limit": {"limit": 500_000},
        "income": INCOME,
        "obligations": OWED,
        "consents": CONSENTS,
    }
    for step, body in answers.items():
        await one.says(step, body, "web")
    await one.submits("web")
    await one.ends("denied")
    reasons = one.view["decision"]["reasons"]
    if reasons[:1] != ["delinquency"]:
        raise Unexpected(f"the card was declined for {reasons}")


async def an_account_opened_in_a_branch(one: Applicant) -> None:
    await one.begins("branch")
    await one.says("account", {"purpose": "salary", "tax_resident": True}, "branch")
    await one.says("consents", {"terms": True, "electronic": False}, "branch")
    await one.submits("branch")
    await one.stage("signing")
    await one.does("sign", "branch", {"way": "wet"})
    await one.ends("originated")


STORIES: tuple[tuple[str, str, Callable[[Applicant], Awaitable[None]], str], ...] = (
    ("personal-loan", "GOOD", a_loan_across_three_channels, "web, phone, app, signed with a pen in a branch"),
    ("personal-loan-eu", "GOOD", a_loan_with_time_to_withdraw, "paid out once the time to withdraw was over"),
    ("mortgage", "THIN", a_mortgage_that_two_people_look_at, "referred, decided by one, approved by another"),
    ("credit-card", "BAD", a_card_that_is_declined, "declined, and told for which factors"),
    ("deposit-account", "GOOD", an_account_opened_in_a_branch, "identified and opened in a branch"),
)


async def play(callers: Callers, console: Console) -> list[str]:
    """Play all side by side; what differs from what it should be."""
    console.print(f"\n[bold]{len(STORIES)} applications[/], one of each product:\n", highlight=False)
    run = f"{time.time_ns():x}"[-6:]
    fates = await asyncio.gather(*(_one(callers, f"P-{run}{n}", *story) for n, story in enumerate(STORIES)))
    for (product, _, _, words), fate in zip(STORIES, fates, strict=True):
        mark = "[red]✗[/]" if fate.differs else "[green]✓[/]"
        said = fate.differs or f"{fate.outcome.replace('_', ' ')}: {words}"
        console.print(f" {mark} {product:<17} {escape(said)}", highlight=False, soft_wrap=True)
    return [fate.differs for fate in fates if fate.differs]


@dataclass
class _Fate:
    outcome: str = ""
    differs: str = ""


async def _one(
    callers: Callers,
    ref: str,
    product: str,
    behaviour: str,
    story: Callable[[Applicant], Awaitable[None]],
    _words: str,
) -> _Fate:
    one = Applicant(callers, product, f"{ref}-{behaviour}")
    try:
        await story(one)
    except Unexpected as unexpected:
        return _Fate(differs=str(unexpected))
    except httpx.HTTPError as fault:
        return _Fate(differs=f"{product}: no answer came: {type(fault).__name__}")
    return _Fate(outcome=one.view["outcome"] or "")

"""Simulated bureaus and services: how they answer follows from the end of a party's reference.

`…-GOOD` passes, `…-THIN` has no score, `…-BAD` has a bad one, `…-HIT` is on a sanctions list, `…-DOWN` finds the first
provider away, `…-GONE` never shows up to be identified, `…-SLOW` waits, `…-WRONG` sends an answer that contradicts
itself.
"""

import asyncio
import hashlib

from adapters.checks.port import CheckAnswer, CheckAway, CheckQuestion
from domain.lending.decisions import BureauFacts
from domain.lending.products import CheckKind, Provider

FIRST = (Provider.BUREAU_ONE, Provider.IDENTITY, Provider.SANCTIONS)
SLOW_SECONDS = 2.0
BAD = BureauFacts(score=512, factors=("delinquency", "high_balances", "short_history", "inquiries"))


class SimulatedChecks:
    """See `port.Checks`. Answers are made from the question alone, so a repeated one gets the same."""

    async def ask(self, question: CheckQuestion) -> CheckAnswer:
        behaviour = question.party_ref.rpartition("-")[2].upper()
        if behaviour == "DOWN" and question.provider in FIRST:
            raise CheckAway(f"{question.provider} does not answer")
        if behaviour == "GONE" and question.kind is CheckKind.IDENTITY:
            raise CheckAway(f"{question.provider} does not answer")
        if behaviour == "SLOW":
            await asyncio.sleep(SLOW_SECONDS)
        reference = hashlib.sha256(question.key.encode()).hexdigest()[:16]
        match question.kind:
            case CheckKind.BUREAU:
                return CheckAnswer(state="passed", reference=reference, report=_report(behaviour))
            case CheckKind.SANCTIONS:
                if behaviour == "HIT":
                    return CheckAnswer(state="hit", reference=reference, entry=_entry(question.party_ref))
                return CheckAnswer(state="passed", reference=reference)
            case CheckKind.IDENTITY | CheckKind.FRAUD:
                return CheckAnswer(state="unsure" if behaviour == "WRONG" else "passed", reference=reference)
            case CheckKind.INCOME:
                return CheckAnswer(state="passed" if question.monthly_income else "unsure", reference=reference)


def _report(behaviour: str) -> BureauFacts:
    if behaviour == "THIN":
        return BureauFacts(score=None, factors=("short_history",))
    return BAD if behaviour == "BAD" else BureauFacts(score=742, factors=("recent_account",))


def _entry(party_ref: str) -> str:
    """Where somebody stands in the list, whenever one asks."""
    return f"list-{hashlib.sha256(party_ref.encode()).hexdigest()[:8]}"

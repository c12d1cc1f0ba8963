"""Every letter in both languages, with the contents that the law lists."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import adapters.letters
import domain.lending.decisions
from adapters.checks.simulator import BAD
from adapters.letters.format import inside, money
from adapters.letters.port import Letter
from adapters.letters.words import reason_in_words, words
from adapters.letters.writing import MailedLetters
from domain.lending.reasons import DenialReason
from domain.personal import PersonalData

TEMPLATES = Path(adapters.letters.__file__).parent / "templates"
KINDS = sorted(each.stem for each in TEMPLATES.glob("*.jinja") if not each.stem.startswith("_"))
FACTS: dict[str, Any] = {
    "creditor": "A Bank",
    "product": "Personal loan",
    "currency": "USD",
    "reference": "app1",
    "until": "2026-12-01",
    "principal": 100_000,
    "annual_rate": "9.90",
    "apr": "10.59",
    "amount_financed": 99_000,
    "finance_charge": 15_931,
    "term_months": 36,
    "payment": 3_222,
    "total_of_payments": 115_931,
    "totals_from": "rounded",
    "counter": False,
    "reasons": ["dti"],
    "agency": "An Agency",
    "bureau": "A Bureau, 1 Street",
    "score": 512,
    "score_date": "2026-11-01",
    "scale_low": 300,
    "scale_high": 850,
    "factors": ["delinquency"],
    "missing": ["income_proof"],
    "conditions": ["asset_verification", "title_insurance"],
    "title": "Pay slip",
    "reason": "unreadable",
    "account_id": "acc1",
    "paid_out": 99_000,
    "n": 2,
    "of": 3,
    "drawn": 60_000,
    "undrawn": 40_000,
    "role": "co_applicant",
    "interest": 263,
    "daily_interest": 18,
    "total": 100_263,
}
REQUIRED = {
    "adverse_action": ("A Bank", "An Agency", "Equal Credit Opportunity Act", "Consumer Credit Protection Act"),
    "report_disclosure": ("A Bureau, 1 Street", "60", "512", "November 1, 2026", "300", "850"),
    "offer": ("$1,000.00", "9.90%", "10.59%", "$990.00", "$159.31", "36", "$32.22", "$1,159.31", "December 1, 2026"),
    "closing_disclosure": ("10.59%", "$990.00", "$159.31", "$1,159.31"),
    "loan_estimate": ("10.59%", "$990.00", "$159.31", "$1,159.31"),
    "incompleteness": ("by December 1, 2026",),
    "conditional_approval": ("title insurance", "by December 1, 2026"),
    "right_to_cancel": ("until the end of December 1, 2026",),
    "cooling_off_extended": ("until the end of December 1, 2026",),
    "withdrawn_after_payout": ("$1,000.00", "$2.63", "$1,002.63", "$0.18", "by December 1, 2026", "acc1"),
    "tranche_paid": ("$990.00", "$600.00", "$400.00"),
    "drawing_ended": ("$600.00", "$400.00"),
}
GERMAN = {
    "offer": "Summe der Raten: 1.159,31 $",
    "right_to_cancel": "bis zum Ende des 1. Dezember 2026",
    "statement_of_reasons": "Verhältnis der Verpflichtungen zum Einkommen",
    "adverse_action": "Verhältnis der Verpflichtungen zum Einkommen",
    "report_disclosure": "Zahlungsrückstände",
    "incompleteness": "Einkommensnachweis",
    "conditional_approval": "Titelversicherung",
    "party_invited": "gemeinsamen Antrag",
}


def written(kind: str, locale: str, **more: Any) -> str:
    letter = Letter(
        application_id="app1",
        n=1,
        kind=kind,
        party="p1",
        at=datetime(2026, 11, 2, tzinfo=UTC),
        locale=locale,
        facts=FACTS | more,
    )
    letters = MailedLetters(None, None, None)  # type: ignore[arg-type]
    text = letters._written(letter, PersonalData(name="Pat Example")).text
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("kind", KINDS)
def test_each_language_says_what_must_be_said(kind: str) -> None:
    english, german = written(kind, "en"), written(kind, "de-DE")
    assert english.startswith("Our ") or "Dear Pat Example" in english
    assert "Guten Tag Pat Example" in german
    assert english.partition("\n")[0] != german.partition("\n")[0]
    assert written(kind, "fr-FR") == english
    for content in REQUIRED.get(kind, ()):
        assert content in english, (kind, content)
    assert GERMAN.get(kind, "") in german
    assert "Personal loan" not in german
    assert figures(english) == figures(german), "the same figures in both"


def figures(text: str) -> list[str]:
    """Without what each language puts between the digits."""
    return sorted(re.sub(r"\D", "", each) for each in re.findall(r"\d(?:[\d.,]*\d)?", text))


def test_a_reason_is_told_in_words_and_not_by_its_code() -> None:
    """Whatever the rules or an underwriter may name, in both languages."""
    source = Path(domain.lending.decisions.__file__).read_text()
    codes = {*re.findall(r'_factor\("(\w+)"', source), *BAD.factors, *(each.name.lower() for each in DenialReason)}
    for code in codes - {"not_applicable"}:
        for language in (None, "de"):
            assert reason_in_words(code, language) != code.replace("_", " "), (code, language)
    assert words("income", None) == "income", "a step of the same name is only that"
    for kind in ("adverse_action", "statement_of_reasons"):
        assert "- obligations that are high for the income" in written(kind, "en")


def test_a_letter_speaks_of_the_laws_of_its_own_country() -> None:
    for kind, theirs in (("adverse_action", "Equal Credit Opportunity Act"), ("report_disclosure", "60")):
        for locale in ("en", "de"):
            assert theirs in written(kind, locale, jurisdiction="US")
            assert theirs not in written(kind, locale, jurisdiction="EU")
    assert "supervises us: An Agency." in written("adverse_action", "en-IE", jurisdiction="EU")


def test_a_letter_is_dated_where_the_lender_is() -> None:
    assert "\nNovember 1, 2026\n" in written("withdrawn", "en", written_on="2026-11-01")
    assert "\n1 November 2026\n" in written("withdrawn", "en-GB", written_on="2026-11-01")


def test_sums_are_written_as_their_reader_writes_them() -> None:
    assert [money(-123_456_789, "EUR", each) for each in (None, "de")] == ["-€1,234,567.89", "-1.234.567,89\xa0€"]
    assert [money(1_200, "JPY", each) for each in (None, "de")] == ["JPY\xa01,200", "1.200\xa0JPY"]
    assert [inside(each) for each in ("Home loan (Ohio)", "ATM card")] == ["home loan", "ATM card"]


def test_a_notice_without_the_reasons_says_how_to_get_them() -> None:
    for locale, right in (("en", "You have the right"), ("de", "Sie haben ein Recht")):
        text = written("adverse_action", locale, reasons=[], ask_within=60, answer_within=30)
        assert right in text
        assert {"60", "30"} <= set(re.findall(r"\d+", text))


@pytest.mark.parametrize("kind", ["offer", "loan_estimate", "closing_disclosure"])
def test_a_loan_in_parts_is_offered_with_its_parts(kind: str) -> None:
    english, german = (written(kind, locale, parts=[60_000, 40_000]) for locale in ("en", "de"))
    assert "Paid out in parts: $600.00, $400.00\nPayments: 36 monthly; until the last part" in english
    assert "Ausgezahlt in Teilen: 600,00 $, 400,00 $\nRaten: 36 monatlich; bis der letzte Teil" in german
    for locale in ("en", "de"):
        assert len(re.findall(r"32[.,]22", written(kind, locale))) == 1

"""Codes as a reader's words: the code itself in English, a word of ours in another language."""

from collections.abc import Mapping

_GERMAN: Mapping[str, str] = {
    "dti": "Verhältnis der Verpflichtungen zum Einkommen",
    "employment_history": "Beschäftigungsverlauf",
    "credit_history": "bisheriges Zahlungsverhalten",
    "collateral": "Sicherheit",
    "insufficient_cash": "zu wenig Eigenmittel",
    "unverifiable": "nicht überprüfbare Angaben",
    "incomplete": "unvollständiger Antrag",
    "insurance_denied": "abgelehnte Versicherung",
    "other": "anderer Grund",
    "delinquency": "Zahlungsrückstände",
    "high_balances": "hohe offene Beträge",
    "short_history": "kurze Kredithistorie",
    "inquiries": "Zahl der Anfragen",
    "recent_account": "kürzlich eröffnetes Konto",
    "income_proof": "Einkommensnachweis",
    "appraisal_report": "Wertgutachten",
    "asset_verification": "Vermögensnachweis",
    "income_verification": "Einkommensprüfung",
    "higher_down_payment": "höhere Anzahlung",
    "appraisal": "Wertgutachten",
    "mortgage_insurance": "Kreditversicherung",
    "ltv": "Beleihungsauslauf",
    "clear_title": "lastenfreier Titel",
    "consent": "Zustimmung",
    "co_applicant": "Mitantragsteller",
    "guarantor": "Bürge",
    "rounded": "gerundeten",
    "unrounded": "ungerundeten",
}
LANGUAGES: Mapping[str, Mapping[str, str]] = {"de": _GERMAN}
"""Beside English."""


def language_of(locale: str) -> str | None:
    """Of the letters that we have for a locale; none: English."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else None


def words(code: object, language: str | None) -> str:
    """What is not known in a language is said as it is."""
    known = LANGUAGES[language] if language else {}
    return known.get(str(code), str(code).replace("_", " "))

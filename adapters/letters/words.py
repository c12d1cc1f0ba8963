"""Codes, and the titles of what ships, as a reader's words. A reason is told as what it means: a code is none."""

from collections.abc import Mapping

_ENGLISH: Mapping[str, str] = {
    "co_applicant": "co-applicant",
    "income_proof": "proof of income",
    "appraisal_report": "appraisal of the home",
}
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
    "Personal loan": "Ratenkredit",
    "Personal loan (European Union)": "Ratenkredit",
    "Mortgage": "Baufinanzierung",
    "Credit card": "Kreditkarte",
    "Deposit account": "Einlagenkonto",
    "Proof of income": "Einkommensnachweis",
    "Passport or identity card": "Reisepass oder Personalausweis",
    "Appraisal of the home": "Wertgutachten des Hauses",
    "the national authority for consumer credit": "die nationale Aufsicht über Verbraucherkredite",
}
LANGUAGES: Mapping[str, Mapping[str, str]] = {"de": _GERMAN}
"""Beside English."""


def language_of(locale: str) -> str | None:
    """Of the letters that we have for a locale; none: English."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else None


def words(code: object, language: str | None) -> str:
    """What is not known in a language is said as it is."""
    known = LANGUAGES[language] if language else _ENGLISH
    return known.get(str(code), str(code).replace("_", " "))


def reason_in_words(code: object, language: str | None) -> str:
    """Why credit was refused, or what counted in a score: the same code may be a step's name elsewhere."""
    return _REASONS[language].get(str(code)) or words(code, language)


_REASONS: Mapping[str | None, Mapping[str, str]] = {
    None: {
        "dti": "obligations that are high for the income",
        "debt_to_income": "obligations that are high for the income",
        "employment_history": "length or kind of employment",
        "credit_history": "how earlier credit was repaid",
        "collateral": "value or kind of the collateral",
        "loan_to_value": "a loan that is high for the value of the collateral",
        "ltv": "a loan that is high for the value of the collateral",
        "insufficient_cash": "not enough cash for the down payment or the costs of closing",
        "unverifiable": "information that could not be verified",
        "incomplete": "an application that is not complete",
        "insurance_denied": "mortgage insurance that was denied",
        "other": "another reason, which we name when you ask for it",
        "bankruptcy": "a bankruptcy on record",
        "delinquency": "delinquency in payments that were due",
        "high_balances": "high balances that are owed",
        "short_history": "a short credit history",
        "inquiries": "number of recent inquiries",
        "recent_account": "an account that was opened recently",
        "no_income": "no income that could be verified",
        "income": "income that could not be verified",
        "identity": "an identity that could not be verified",
        "inconsistent_answers": "answers that do not agree with each other",
        "unanswered_checks": "information that could not be verified",
        "unexplained_score": "how earlier credit was repaid",
        "large_amount": "the amount that was asked for",
    },
    "de": {
        "debt_to_income": "Verhältnis der Verpflichtungen zum Einkommen",
        "loan_to_value": "Beleihungsauslauf",
        "bankruptcy": "ein Insolvenzeintrag",
        "no_income": "kein nachweisbares Einkommen",
        "income": "nicht überprüfbares Einkommen",
        "identity": "nicht überprüfbare Identität",
        "inconsistent_answers": "Angaben, die nicht zueinander passen",
        "unanswered_checks": "nicht überprüfbare Angaben",
        "unexplained_score": "bisheriges Zahlungsverhalten",
        "large_amount": "Höhe des gewünschten Betrags",
    },
}

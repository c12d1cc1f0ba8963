"""The tenders that callers send: which are taken, and what stands for each from then on. No number goes any further."""

from collections.abc import Sequence

from domain.balances import KIND_OF_TENDER, number_hash, token_of
from domain.intake import Tender, TenderType
from domain.payments import TenderId
from domain.terms import FINANCING, TenderTerms
from gateway.problems import FieldError
from gateway.services import Services

TAKEN = (
    *(TenderType.CARD, TenderType.GIFT_CARD, TenderType.STORE_CREDIT),
    TenderType.PAY_IN_STORE,
    TenderType.FINANCING,
)
WORDS = "Only card, gift_card, store_credit, pay_in_store and financing are taken yet"


def not_taken(tenders: Sequence[Tender]) -> list[FieldError]:
    return [
        FieldError(pointer=f"/tenders/{n}/type", reason=WORDS)
        for n, each in enumerate(tenders)
        if each.type not in TAKEN
    ]


def token_of_tender(services: Services, tender: Tender) -> str | None:
    """A card's own token, the keyed hash of a number, or the name of a loan.

    No caller's token holds a space, so a card never speaks for a loan.
    """
    if tender.type is TenderType.FINANCING:
        return f"{FINANCING}{tender.application_id}"
    kind = KIND_OF_TENDER.get(tender.type)
    if kind is None:
        return tender.token
    return token_of(kind, number_hash(services.code_key, tender.number or ""))


def terms_of_tenders(services: Services, tenders: Sequence[Tender], prefix: str) -> list[TenderTerms]:
    """Of a later payment. What is paid at a till carries the till's own reference."""
    return [
        TenderTerms(
            tender_id=TenderId(f"{prefix}{position}"),
            type=tender.type,
            amount=tender.amount,
            token=tender.reference if tender.type is TenderType.PAY_IN_STORE else token_of_tender(services, tender),
        )
        for position, tender in enumerate(tenders, start=1)
    ]

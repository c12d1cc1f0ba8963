"""What identifies a person, kept apart from orders so that it can be erased while totals still add up."""

from enum import StrEnum

import phonenumbers
from pydantic import BaseModel, ConfigDict

Region = str
"""An ISO 3166-1 alpha-2 code, used to read a phone number that was written without its country."""


class PersonalData(BaseModel):
    """Who an order is for and where that person is reached. The only place for names, mail, phone and address."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: tuple[str, ...] = ()
    """The lines of the postal address, as they are printed."""
    postal_code: str | None = None
    """The one of the address, by itself: what a carrier's price needs."""
    pickup_person: str | None = None
    """The name of someone else who may collect."""
    vehicle: str | None = None
    """What the store looks out for when the customer has arrived at the kerb."""
    birth_date: str | None = None
    """Of a party to an application."""

    def __repr__(self) -> str:
        return "PersonalData(…)"

    __str__ = __repr__


class Withheld(StrEnum):
    """What a page shows where personal data stood."""

    ERASED = "erased"
    """The person's key is deleted; nobody can read it any more."""
    HIDDEN = "hidden"
    """It is there, but not for this reader."""


ERASED = Withheld.ERASED
HIDDEN = Withheld.HIDDEN


class Readable(str):
    """A text that names no person, so it may stay readable in Temporal's history: summaries and static details.

    Everything else that enters a history is encrypted; marking a text is a promise of whoever writes it.
    """

    __slots__ = ()


def shown(data: PersonalData | Withheld) -> PersonalData:
    """What a page prints: the data, or the same shape with the placeholder in every field that can hold one."""
    if isinstance(data, PersonalData):
        return data
    word = data.value
    return PersonalData(
        name=word,
        email=word,
        phone=word,
        address=(word,),
        postal_code=word,
        pickup_person=word,
        vehicle=word,
        birth_date=word,
    )


def normal_email(email: str) -> str:
    """The form under which two spellings of one address meet: no outer spaces, case folded."""
    return email.strip().casefold()


def normal_phone(phone: str, region: Region | None = None) -> str | None:
    """The number in E.164 (`+49301234567`), or nothing when it cannot be a phone number."""
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

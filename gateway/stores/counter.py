"""What the gateway alone can tell of a hand-over: which sendings a code fits, and whether the person was named."""

import unicodedata
from contextlib import suppress
from datetime import datetime

from adapters.keys.port import KeyErased
from adapters.records.port import StoreGroup
from adapters.vault.port import Subject
from domain.hand_over_codes import MOST_SERIALS, matches
from domain.ids import CommandId, OrderId, order_workflow_id, pickup_id
from domain.intake import Person, Relation
from domain.personal import PersonalData
from gateway.services import Services
from gateway.showing import person_of, proxy_subject


def fitting_serials(code_key: bytes, order_id: OrderId, n: int, typed: str) -> list[int]:
    """The numbers of the codes of this pickup that `typed` is. The code itself goes nowhere."""
    group_id = pickup_id(order_id, n)
    return [serial for serial in range(1, MOST_SERIALS + 1) if matches(code_key, group_id, serial, typed)]


async def is_named(services: Services, found: StoreGroup, person: Person | None) -> bool:
    """Whether the person at the counter is the buyer or the one whom the buyer named."""
    if person is None or person.relation is Relation.SELF:
        return False
    names = set()
    for subject in (Subject(found.order_id), proxy_subject(found.order_id, found.group.n)):
        known = await person_of(services, subject)
        if isinstance(known, PersonalData):
            names |= {_plain(name) for name in (known.name, known.pickup_person) if name}
    return _plain(person.name) in names


async def keep_person(
    services: Services, order_id: OrderId, command_id: CommandId, person: Person, at: datetime
) -> None:
    """Who received the goods, kept with the customer's personal data."""
    await put(services, order_id, Subject(f"{order_id}/hand-over/{command_id}"), PersonalData(name=person.name), at)


async def put(services: Services, order_id: OrderId, subject: Subject, data: PersonalData, at: datetime) -> None:
    """Keep personal data of an order under its customer's key. After an erasure nothing more is kept."""
    with suppress(KeyErased):
        key = await services.keys.key_of_workflow(order_workflow_id(order_id))
        if key is not None:
            await services.vault.put(subject, key.id, data, at)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())

"""Substitutes as a store names them, with what the catalogue says of them."""

from collections.abc import Sequence

from adapters.records.port import StoreGroup
from domain.ids import LineId, Sku
from domain.substitution import Substitute
from gateway.channels.placing import kits_of
from gateway.problems import invalid
from gateway.services import Services
from gateway.stores.bodies import SubstituteLine


async def found_instead(services: Services, found: StoreGroup, named: Sequence[SubstituteLine]) -> list[Substitute]:
    """Raises 422 for lines that are not there, and for articles without a price."""
    if not named:
        return []
    ordered = {line.line_id: line.sku for line in found.lines}
    async with services.transactions.begin() as books:
        wanted = sorted({each.sku for each in named} | {ordered.get(LineId(each.line_id), "") for each in named})
        items = {item.sku: item for item in await books.items.items(wanted)}
        kits = await kits_of(books.items, list(items.values()))
    substitutes: list[Substitute] = []
    for position, each in enumerate(named):
        item = items.get(Sku(each.sku))
        instead_of = ordered.get(LineId(each.line_id))
        if instead_of is None or any(one.line_id == each.line_id for one in substitutes):
            raise invalid(f"/substitutes/{position}/line_id", "Should name a line of this pickup, once")
        if item is None or item.sku == instead_of:
            raise invalid(f"/substitutes/{position}/sku", "Should name another article that is sold here")
        if item.price is None:
            raise invalid(f"/substitutes/{position}/sku", "Has no usual price: nobody can say what it may cost")
        replaced = items.get(Sku(instead_of))
        substitutes.append(
            Substitute(
                line_id=LineId(each.line_id),
                sku=item.sku,
                quantity=each.quantity,
                unit_price=item.price,
                components=list(kits.get(item.sku, ())),
                category=item.category,
                instead_of=replaced.category if replaced else None,
            )
        )
    return substitutes

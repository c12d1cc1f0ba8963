"""Whether what was played adds up: orders as read over HTTP, the provider's ledger, ours, and the stock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.inventory.port import Movement
from domain.ids import OrderId
from domain.ledger import OrderGoods, OrderStatement, check_order
from domain.money import Money
from domain.stock import MovementKind, StockLevel
from workers.composition import Parts
from workers.demo.callers import Callers
from workers.demo.story import Fate, Story

MOST_MOVEMENTS = 100_000
AT_THE_TILL = "at the till"
"""The reason in the timeline of money that was paid back in a store."""
COUNTED = ("on_hand", "allocated", "reserved", "set_aside", "withheld")


@dataclass
class Played:
    """One order after its story: its record (none when it was refused), and what is not as it should be."""

    story: Story
    order: dict[str, Any] | None = None
    differs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Proof:
    """One statement about all orders, with its numbers, and every case in which it does not hold."""

    says: str
    against: tuple[str, ...] = ()


def judge_ending(played: Played) -> None:
    """Compare an order with the end that its story names."""
    wanted, order = played.story.ending, played.order
    if wanted.fate is Fate.REFUSED:
        if order is not None:
            played.differs.append("the order was refused, and yet it is there")
        return
    if order is None:
        played.differs.append("the order cannot be found")
        return
    money = order["payment"]
    for what, found, expected in (
        ("status", order["status"], wanted.fate.value),
        (
            "units with the customer",
            sum(line["handed_over"] + line["delivered"] for line in order["lines"]),
            wanted.units,
        ),
        ("units lost", sum(line["lost"] for line in order["lines"]), wanted.lost),
        ("money kept", money["captured"] - money["refunded"], wanted.kept),
        ("money still authorised", money["authorised"], 0),
        ("money still due", money["due"], 0),
        ("parts", tuple(group["status"] for group in order["groups"]), wanted.groups),
        ("waits", len(order["waiting_for"]), 0),
    ):
        if found != expected:
            played.differs.append(f"{what}: {_shown(found)}, expected {_shown(expected)}")


async def money_proofs(all_played: Sequence[Played], callers: Callers, made: Parts) -> list[Proof]:
    """The provider's ledger, our ledger and the orders' records tell the same; and no rule about money is broken."""
    differences: list[str] = []
    broken: list[str] = []
    movements = orders = 0
    kept: dict[str, int] = {}
    for played in all_played:
        order = played.order
        if order is None:
            continue
        orders += 1
        entries = await callers.provider_ledger(order["order_id"])
        movements += len(entries)
        at_till = await _at_the_till(callers, order["order_id"])
        statement = await made.payments.statement(OrderId(order["order_id"]))
        name = order["external_id"]
        for what, provider in _at_provider(entries).items():
            ours = _in_ledger(statement, what)
            recorded = order["payment"].get(what, provider) - at_till.get(what, 0)
            # What went to store credit is no provider's matter.
            recorded -= statement.given_elsewhere if what == "refunded" else 0
            if not provider == ours == recorded:
                differences.append(f"{name}: {what} {provider} at the provider, {ours} in our ledger, {recorded} shown")
        net = order["payment"]["captured"] - order["payment"]["refunded"]
        kept[order["currency"]] = kept.get(order["currency"], 0) + net
        goods = OrderGoods(delivered_or_kept=played.story.ending.kept)
        till_net = at_till.get("captured", 0) - at_till.get("refunded", 0)
        due = goods.model_copy(update={"delivered_or_kept": goods.delivered_or_kept - till_net})
        broken += [
            f"{name}: {found.rule} ({found.left} against {found.right})"
            for found in check_order(statement, due, at_rest=True)
        ]
    amounts = ", ".join(str(Money(amount=amount, currency=currency)) for currency, amount in sorted(kept.items()))
    return [
        Proof(
            f"Money: {movements} entries in the provider's ledger; ours and the {orders} orders agree with every one",
            tuple(differences),
        ),
        Proof(
            f"Money follows goods: kept {amounts}, all of it for goods that left; nothing is held any more",
            tuple(broken),
        ),
    ]


async def stock_proofs(all_played: Sequence[Played], made: Parts) -> list[Proof]:
    """Every level is the sum of its movements; what left the stores is what customers have; nothing stays promised."""
    async with made.transactions.begin() as books:
        levels = await books.inventory.levels(None, None)
        movements = await books.inventory.ledger(limit=MOST_MOVEMENTS)
    played_ids = {played.order["order_id"] for played in all_played if played.order}
    of_orders = [each for each in movements if each.order_id in played_ids]
    left = -sum(each.allocated + each.set_aside for each in of_orders if each.kind is MovementKind.HANDED_OVER)
    lines = [line for played in all_played if played.order for line in played.order["lines"]]
    have = sum(_pieces(line) * (line["handed_over"] + line["delivered"]) for line in lines)
    lost = sum(_pieces(line) * line["lost"] for line in lines)
    promised = sum(each.allocated + each.reserved + each.set_aside for each in of_orders)
    gone = f"{have} are with customers" + (f", {lost} lost on the way" if lost else "")
    against = [] if left == have + lost else [f"{left} units left the stock, {gone}"]
    if promised:
        against.append(f"{promised} units are still promised or set aside, though every order has ended")
    return [
        Proof(
            f"Stock: all {len(levels)} levels are sums of {len(movements)} movements, {len(of_orders)} by these orders",
            tuple(_against_movements(levels, movements)),
        ),
        Proof(
            f"Units: {left} left stores and warehouses, {gone}, {promised} still promised",
            tuple(against),
        ),
    ]


def _pieces(line: dict[str, Any]) -> int:
    """What one unit of a line is on the shelf: itself, or the components of a kit."""
    return sum(component["quantity"] for component in line["components"]) or 1


def _against_movements(levels: list[StockLevel], movements: list[Movement]) -> list[str]:
    sums: dict[tuple[str, str], list[int]] = {}
    for each in movements:
        at = sums.setdefault((each.sku, each.store_id), [0] * len(COUNTED))
        for position, name in enumerate(COUNTED):
            at[position] += getattr(each, name)
    return [
        f"{level.sku} at {level.store_id}: {kept}, its movements make {added}"
        for level in levels
        if (kept := [getattr(level, name) for name in COUNTED])
        != (added := sums.get((level.sku, level.store_id), [0] * len(COUNTED)))
    ]


async def _at_the_till(callers: Callers, order_id: str) -> dict[str, int]:
    """What customers paid in a store, and got back there: money that no provider ever saw."""
    found: dict[str, int] = {}
    timeline = await callers.channel("web").get(f"/v1/orders/{order_id}/timeline", limit=200)
    for item in timeline["items"]:
        amount = item["data"].get("amount", 0)
        if item["event"] == "paid_in_store":
            found["captured"] = found.get("captured", 0) + amount
        elif item["event"] == "payment_refunded" and item["reason"] == AT_THE_TILL:
            found["refunded"] = found.get("refunded", 0) + amount
    return found


def _at_provider(entries: list[dict[str, Any]]) -> dict[str, int]:
    def total(operation: str) -> int:
        return sum(
            entry["amount"] for entry in entries if entry["operation"] == operation and entry["status"] == "succeeded"
        )

    return {
        "authorised in all": total("authorise"),
        "captured": total("capture"),
        "voided": total("void"),
        "refunded": total("refund"),
    }


def _in_ledger(statement: OrderStatement, what: str) -> int:
    match what:
        case "captured":
            return statement.captured
        case "refunded":
            return statement.refunded
        case "voided":
            return sum(tender.voided for tender in statement.tenders)
        case _:
            return sum(tender.authorised for tender in statement.tenders)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)

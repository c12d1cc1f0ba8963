"""What happens to each order of the demo, and how it must end."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from workers.demo.callers import Unexpected
from workers.demo.scene import Basket, Scene

PERSON = {"name": "Sample Neighbour", "relation": "friend"}
"""Who collects in place of the customer."""
REVIEW_SECONDS = 3.0


class Fate(StrEnum):
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    """The caller was told no; nothing of the order is left."""


@dataclass(frozen=True)
class Ending:
    """What an outsider must find in the end: units that left, minor units kept, per pickup its status."""

    fate: Fate
    units: int = 0
    kept: int = 0
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Story:
    """One order: who places it where, what is played, what happened in words, how it must end."""

    channel: str
    external_id: str
    store_id: str
    basket: Basket
    play: Callable[[Scene], Awaitable[None]]
    words: str
    ending: Ending
    patience: int = field(default=0)
    """Stories that wait long are begun first."""


async def collected_whole(scene: Scene) -> None:
    await scene.place()
    code = await scene.is_made_ready()
    await scene.hands_over(code)


async def collected_in_two_visits(scene: Scene) -> None:
    await scene.place()
    code = await scene.is_made_ready()
    await scene.refuses_wrong_code(code)
    await scene.hands_over(code, {"1": 1})
    await scene.hands_over(code)


async def collected_by_a_friend(scene: Scene) -> None:
    await scene.place(person=PERSON)
    code = await scene.is_made_ready()
    await scene.hands_over(code, person=PERSON, proof={"kind": "id_sighted"})


async def brought_to_the_car(scene: Scene) -> None:
    await scene.place(mode="curbside")
    code = await scene.is_made_ready()
    await scene.arrives("bay 4", "blue estate car")
    await scene.hands_over(code)


async def paid_in_store(scene: Scene) -> None:
    await scene.place(tender="pay_in_store")
    code = await scene.is_made_ready()
    await scene.pays_at_the_till()
    refused = [{"line_id": "1", "quantity": 1, "reason": "chipped"}]
    await scene.hands_over(code, {"1": 1}, refused=refused)
    await scene.puts_back()


async def short_pick_then_other_store(scene: Scene) -> None:
    await scene.place()
    await scene.accepts()
    await scene.picks({"1": 2})
    await scene.makes_ready()
    await scene.hands_over(await scene.code())
    rest = await scene.until_waiting_for_choice()
    await scene.chooses("other_store")
    await scene.until_group("offered", rest)
    code = await scene.is_made_ready(rest)
    await scene.hands_over(code, n=rest)


async def rejected_then_cancelled(scene: Scene) -> None:
    await scene.place()
    await scene.rejects("not_in_stock")
    await scene.until_waiting_for_choice()
    await scene.chooses("cancel")


async def rejected_then_waited_for(scene: Scene) -> None:
    await scene.place()
    await scene.rejects("not_in_stock")
    await scene.until_waiting_for_choice()
    await scene.chooses("wait")
    (sku, quantity), *_ = scene.basket.items()
    await scene.receives(sku, 5 * quantity)
    await scene.until_group("offered")
    code = await scene.is_made_ready()
    await scene.hands_over(code)


async def store_is_silent(scene: Scene) -> None:
    await scene.place()
    await scene.until_waiting_for_choice()
    await scene.cancels()


async def nobody_comes(scene: Scene) -> None:
    await scene.place()
    await scene.is_made_ready()
    await scene.until_over()
    await scene.puts_back()


async def cancelled_while_ready(scene: Scene) -> None:
    await scene.place()
    await scene.is_made_ready()
    await scene.cancels()
    await scene.puts_back()


async def confirmed_with_the_bank(scene: Scene) -> None:
    await scene.place(tender="tok_3ds")
    _is_held(scene)
    await scene.confirms_with_bank()
    await scene.until_group("offered")
    code = await scene.is_made_ready()
    await scene.hands_over(code)


async def never_confirmed(scene: Scene) -> None:
    await scene.place(tender="tok_3ds")
    _is_held(scene)
    await scene.until_over()


async def declined(scene: Scene) -> None:
    await scene.is_refused("payment-declined", tender="tok_declined")


async def out_of_stock(scene: Scene) -> None:
    await scene.is_refused("out-of-stock")


async def returned_in_another_store(scene: Scene) -> None:
    await scene.place()
    code = await scene.is_made_ready()
    await scene.hands_over(code)
    await scene.brings_back("S010", {"1": 1})


async def claimed_as_missing(scene: Scene) -> None:
    await scene.place()
    code = await scene.is_made_ready()
    await scene.hands_over(code)
    await scene.claims_missing("S004", {"1": 1})


async def reviewed(scene: Scene) -> None:
    await scene.place(customer=f"C-REVIEW-{scene.external_id}")
    _is_held(scene)
    await asyncio.sleep(REVIEW_SECONDS)
    await scene.callers.fraud_decides(scene.order_id, "accept")
    await scene.until_group("offered")
    code = await scene.is_made_ready()
    await scene.hands_over(code)


def _is_held(scene: Scene) -> None:
    if scene.order["status"] != "held":
        raise Unexpected(f"The order should be held; it is {scene.order['status']}.")


def _collected(units: int, kept: int, groups: int = 1) -> Ending:
    return Ending(Fate.COMPLETED, units, kept, ("collected",) * groups)


STORIES = (
    Story("web", "W-1001", "S001", {"SHOE-42": 2}, collected_whole, "collected whole", _collected(2, 9998)),
    Story(
        "app",
        "A-2001",
        "S002",
        {"SHIRT-M": 2, "JEANS-32": 1},
        collected_in_two_visits,
        "wrong code; then in 2 visits",
        _collected(3, 10997),
    ),
    Story(
        "call_centre",
        "T-3001",
        "S003",
        {"COAT-M": 1},
        collected_by_a_friend,
        "collected by a friend",
        _collected(1, 18900),
    ),
    Story(
        "app",
        "A-2002",
        "S007",
        {"KETTLE-1L": 1, "MUG-RED": 4},
        brought_to_the_car,
        "brought to the car",
        _collected(5, 9650),
    ),
    Story(
        "kiosk",
        "K-4001",
        "S004",
        {"MUG-BLUE": 2},
        paid_in_store,
        "paid at till; 1 refunded",
        _collected(1, 1290),
    ),
    Story(
        "web",
        "W-1002",
        "S008",
        {"HEADPHONES": 3},
        short_pick_then_other_store,
        "1 not found: other store",
        _collected(3, 38700, groups=2),
        patience=2,
    ),
    Story(
        "marketplace",
        "M-5001",
        "S005",
        {"LAMP-DESK": 1},
        rejected_then_cancelled,
        "store had none; cancelled",
        Ending(Fate.CANCELLED, groups=("cancelled",)),
    ),
    Story(
        "web",
        "W-1003",
        "S006",
        {"WATCH": 1},
        rejected_then_waited_for,
        "store had none; waited",
        _collected(1, 24900),
        patience=1,
    ),
    Story(
        "chat",
        "C-6001",
        "S009",
        {"SPEAKER": 1},
        store_is_silent,
        "store silent; cancelled",
        Ending(Fate.CANCELLED, groups=("cancelled",)),
        patience=3,
    ),
    Story(
        "web",
        "W-1004",
        "S010",
        {"ATLAS": 1, "BEAR": 1},
        nobody_comes,
        "nobody came; put back",
        Ending(Fate.CANCELLED, groups=("expired",)),
        patience=5,
    ),
    Story(
        "branch",
        "B-7001",
        "S002",
        {"BOOT-42": 1},
        cancelled_while_ready,
        "cancelled while ready",
        Ending(Fate.CANCELLED, groups=("cancelled",)),
    ),
    Story(
        "app",
        "A-2003",
        "S001",
        {"EARBUDS": 1},
        confirmed_with_the_bank,
        "bank confirmed; collected",
        _collected(1, 7900),
    ),
    Story(
        "web",
        "W-1005",
        "S003",
        {"RADIO-DAB": 1},
        never_confirmed,
        "bank never confirmed",
        Ending(Fate.CANCELLED, groups=("cancelled",)),
        patience=4,
    ),
    Story("kiosk", "K-4002", "S005", {"TOWEL-2": 1}, declined, "card declined; nothing left", Ending(Fate.REFUSED)),
    Story("pos", "P-8001", "S008", {"ATLAS": 1}, out_of_stock, "out of stock; nothing left", Ending(Fate.REFUSED)),
    Story(
        "call_centre",
        "T-3002",
        "S006",
        {"DUVET-200": 1},
        reviewed,
        "fraud review accepted late",
        _collected(1, 22900),
        patience=3,
    ),
    Story(
        "web",
        "W-1006",
        "S001",
        {"SHOE-42": 2},
        returned_in_another_store,
        "1 returned elsewhere",
        _collected(2, 4999),
    ),
    Story(
        "app",
        "A-2004",
        "S004",
        {"MUG-BLUE": 2},
        claimed_as_missing,
        "1 missing: paid back",
        _collected(2, 1290),
    ),
)

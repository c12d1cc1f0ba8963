"""Orders whose goods come back, or never came."""

from workers.demo import parcels
from workers.demo.addresses import BERLIN
from workers.demo.scene import Scene
from workers.demo.story import Ending, Fate, Story


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


async def returned_for_store_credit(scene: Scene) -> None:
    await scene.place()
    await scene.hands_over(await scene.is_made_ready())
    await scene.brings_back("S002", {"1": 1}, refund_to="store_credit")


async def given_goodwill(scene: Scene) -> None:
    await scene.place()
    await scene.hands_over(await scene.is_made_ready())
    await scene.is_appeased(500, "the box was torn")


async def exchanged_for_another_size(scene: Scene) -> None:
    """Same price: no money moves, and the other size is kept until the first is back."""
    await scene.place()
    await scene.hands_over(await scene.is_made_ready())
    await scene.exchanges("S001", {"1": 1}, "SHOE-43")
    await scene.gives_back("S001", {"1": 1})
    await scene.gets_what_it_wanted("S001")


async def exchanged_for_something_dearer(scene: Scene) -> None:
    await scene.place()
    await scene.hands_over(await scene.is_made_ready())
    await scene.exchanges("S002", {"1": 1}, "BOOT-42")
    await scene.pays_difference()
    await scene.gives_back("S002", {"1": 1})
    await scene.gets_what_it_wanted("S002")


async def exchanged_in_advance(scene: Scene) -> None:
    """The other size goes out first; a card stands for it until the first is back."""
    await scene.place()
    await scene.hands_over(await scene.is_made_ready())
    await scene.exchanges("S003", {"1": 1}, "SHOE-43", advance=True)
    await scene.gets_what_it_wanted("S003")
    await scene.gives_back("S003", {"1": 1})


async def sent_back_by_post(scene: Scene) -> None:
    await scene.place()
    await parcels.is_shipped(scene)
    await scene.until_over()
    await scene.sends_back({"1": 1})


def _handed_over(units: int, kept: int) -> Ending:
    return Ending(Fate.COMPLETED, units, kept, ("collected",))


RETURNED = (
    Story(
        "web",
        "W-1010",
        "S001",
        {"SHOE-42": 2},
        returned_in_another_store,
        "1 returned elsewhere",
        _handed_over(2, 4999),
    ),
    Story(
        "app",
        "A-2010",
        "S004",
        {"MUG-BLUE": 2},
        claimed_as_missing,
        "1 missing: paid back",
        _handed_over(2, 1290),
    ),
    Story(
        "web",
        "W-1014",
        "S003",
        {"SHOE-42": 2},
        returned_for_store_credit,
        "1 returned: store credit",
        _handed_over(2, 4999),
    ),
    Story(
        "app",
        "A-2014",
        "S001",
        {"SHOE-42": 1},
        given_goodwill,
        "5.00 of goodwill",
        _handed_over(1, 4499),
    ),
    Story(
        "web",
        "W-1012",
        "S001",
        {"SHOE-42": 1},
        exchanged_for_another_size,
        "another size: no money moves",
        _handed_over(1, 4999),
    ),
    Story(
        "web",
        "W-1013",
        "S002",
        {"SHOE-42": 1},
        exchanged_for_something_dearer,
        "dearer instead: 40.00 paid",
        _handed_over(1, 4999),
    ),
    Story(
        "app",
        "A-2012",
        "S003",
        {"SHOE-42": 1},
        exchanged_in_advance,
        "another size first",
        _handed_over(1, 4999),
    ),
    Story(
        "app",
        "A-2103",
        "",
        {"SHOE-43": 2},
        sent_back_by_post,
        "1 sent back by post",
        Ending(Fate.COMPLETED, 2, 4999, ("delivered",)),
        address=BERLIN,
    ),
)

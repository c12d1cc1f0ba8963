"""Orders whose goods come back, or never came."""

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
)

"""The operator's machines: any name of `L` and three digits is one. Some other names say how their machine behaves.

| locker id | what happens |
|---|---|
| L001 … L999 | six small compartments, four medium ones, two large ones, unless told otherwise |
| L-FULL | is always full |
| L-BROKEN | stands still: nothing can be reserved in it |
| L-AWAY | the operator answers 503 with `Retry-After: 1` when something is to be reserved in it |
| L-LOST | the reservation is made, and its answer is lost the first time |
| anything else | is no machine of this operator |
"""

import re
from collections import Counter
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.lockers import CompartmentSize

FULL = "L-FULL"
BROKEN = "L-BROKEN"
AWAY = "L-AWAY"
ANSWER_LOST = "L-LOST"

_USUAL = re.compile(r"L[0-9]{3}")
_Count = Annotated[int, Field(strict=True, ge=0, le=1000)]


class Capacity(BaseModel):
    """How many compartments of each size a machine has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    small: _Count = 6
    medium: _Count = 4
    large: _Count = 2

    def free(self, taken: Counter[CompartmentSize], size: CompartmentSize) -> CompartmentSize | None:
        """The smallest free compartment that holds goods of this size."""
        sizes = list(CompartmentSize)
        fitting = sizes[sizes.index(size) :]
        return next((each for each in fitting if taken[each] < getattr(self, each.value)), None)


def is_machine(locker_id: str) -> bool:
    return bool(_USUAL.fullmatch(locker_id)) or locker_id in (FULL, BROKEN, AWAY, ANSWER_LOST)

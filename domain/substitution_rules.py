"""What a customer allows to be given instead of a line's article: kept on the line when the order is placed."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

_SKU = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
MOST = 20


class SubstitutionRule(StrEnum):
    NONE = "none"
    ASK = "ask"
    """The customer is asked by a link, each time."""
    LIST = "list"
    """One of the named articles, at once."""
    CATEGORY = "category"
    """Any article of the same category, at once."""


class Substitution(BaseModel):
    """`skus` go with `list`. `up_to`: the most that one unit's usual price may be, in minor units; for `category` it is
    the price of what was ordered unless another is named. Whatever it costs, the customer pays the lower price."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: SubstitutionRule = SubstitutionRule.NONE
    skus: Annotated[list[_SKU], Field(max_length=MOST)] = []
    up_to: Annotated[int, Field(strict=True, ge=0, le=10**12)] | None = None

    @model_validator(mode="after")
    def _names_what_it_needs(self) -> Self:
        if bool(self.skus) != (self.rule is SubstitutionRule.LIST):
            raise PydanticCustomError(
                "misplaced", "{reason}", {"reason": "goes with the rule list, and only with it", "at": ("skus",)}
            )
        if self.up_to is not None and self.rule in (SubstitutionRule.NONE, SubstitutionRule.ASK):
            raise PydanticCustomError(
                "misplaced", "{reason}", {"reason": "goes with the rules list and category", "at": ("up_to",)}
            )
        return self

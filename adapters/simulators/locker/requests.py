"""The bodies that the operator takes: strict, and nothing unknown in them."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from domain.lockers import CompartmentSize

Name = Annotated[str, Field(min_length=1, max_length=255)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ReserveBody(_Body):
    reference: Annotated[str, Field(min_length=1, max_length=64)]
    group: Name
    locker_id: Name
    size: CompartmentSize
    until: AwareDatetime


class ExpectBody(_Body):
    tracking_number: Annotated[str, Field(min_length=1, max_length=64)]


class ExtendBody(_Body):
    until: AwareDatetime


class CodeBody(_Body):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}$")]


class SightingBody(_Body):
    """Any word: what an operator says is its own affair."""

    status: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    at: AwareDatetime | None = None

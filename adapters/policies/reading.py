"""A policy pack as it is sent: checked as a whole, refused with the place of every fault."""

from typing import Any

from pydantic import ValidationError

from adapters.policies.port import PackRefused
from domain.lending.clocks import LendingPolicy

DEFAULT = LendingPolicy()


def checked(content: Any) -> LendingPolicy:
    """Raises `PackRefused` with every fault at once.

    How long a day takes is a matter of the installation, for demonstrations; and there is one line of versions.
    """
    faults = []
    if isinstance(content, dict) and "day" in content:
        faults.append(("/day", "is set by the installation, not by a pack"))
        content = {name: value for name, value in content.items() if name != "day"}
    try:
        pack = LendingPolicy.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        faults += [("/" + "/".join(str(part) for part in fault["loc"]), fault["msg"]) for fault in found]
        raise PackRefused(faults) from None
    if pack.name != DEFAULT.name:
        faults.append(("/name", f"should be {DEFAULT.name}: applications follow its versions only"))
    if faults:
        raise PackRefused(faults)
    return pack

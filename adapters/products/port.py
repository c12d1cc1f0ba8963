"""Product definitions by id and version; a version is written once and never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.lending.definition_faults import DefinitionFault
from domain.lending.products import ProductDefinition


class DefinitionRefused(ValueError):
    """A definition that cannot be: what is wrong with it, each with its place."""

    def __init__(self, faults: Sequence[DefinitionFault | tuple[str, str]]):
        self.faults = [
            (fault.place, f"{fault.kind}: {fault.detail}") if isinstance(fault, DefinitionFault) else fault
            for fault in faults
        ]
        super().__init__("; ".join(f"{place}: {detail}" for place, detail in self.faults))


class VersionExists(ValueError):
    """This version is published already, with other content."""


class Products(Protocol):
    async def latest(self, product: str) -> ProductDefinition | None: ...

    async def version(self, product: str, version: int) -> ProductDefinition | None: ...

    async def all(self) -> Sequence[ProductDefinition]:
        """The newest version of each."""
        ...

    async def publish(self, definition: ProductDefinition, by: str, at: datetime) -> None:
        """Keep a version; the same again changes nothing. Raises: DefinitionRefused, VersionExists."""
        ...

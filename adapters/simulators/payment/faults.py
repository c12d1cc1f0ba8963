"""Which calls to the provider a fault strikes. A status of 402 is a decline like any other and is booked."""

from enum import StrEnum

from adapters.simulators.faults import FaultKind, PlantedFault

__all__ = ["Fault", "FaultKind", "FaultedOperation"]


class FaultedOperation(StrEnum):
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    PAYOUT = "payout"
    FIND = "find"
    ANY = "any"


class Fault(PlantedFault):
    operation: FaultedOperation = FaultedOperation.ANY
    reference: str | None = None
    """Only calls for this reference of ours (authorise) or on its authorisations."""

    def strikes(self, verb: str, reference: str | None) -> bool:
        if self.operation not in (verb, FaultedOperation.ANY):
            return False
        return self.reference in (None, reference)

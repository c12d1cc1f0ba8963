"""Which calls to the carriers a fault strikes. A status of 422 is a refusal like any other and is booked."""

from enum import StrEnum

from adapters.simulators.engine import KeyedFault


class FaultedOperation(StrEnum):
    RATES = "rates"
    BUY = "buy"
    VOID = "void"
    FIND = "find"
    DOCUMENT = "document"
    PARCEL = "parcel"
    ANY = "any"


class Fault(KeyedFault):
    operation: FaultedOperation = FaultedOperation.ANY
    carrier: str | None = None
    """Only what this carrier is asked; what all are asked (rates, find) is nobody's in particular."""

    def strikes(self, verb: str, about: str | None) -> bool:
        return self.operation in (verb, FaultedOperation.ANY) and self.carrier in (None, about)

"""Which calls to the signature provider a fault strikes. A status of 422 is a refusal like any other and is booked."""

from enum import StrEnum

from adapters.simulators.engine import KeyedFault


class FaultedOperation(StrEnum):
    SEND = "send"
    ENVELOPE = "envelope"
    VOID = "void"
    ANY = "any"


class Fault(KeyedFault):
    operation: FaultedOperation = FaultedOperation.ANY
    reference: str | None = None
    """Only what is asked about this application."""

    def strikes(self, verb: str, about: str | None) -> bool:
        return self.operation in (verb, FaultedOperation.ANY) and self.reference in (None, about)

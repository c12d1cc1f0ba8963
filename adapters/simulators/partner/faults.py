"""Which calls to the partners a fault strikes. A status of 422 is a refusal like any other and is booked."""

from enum import StrEnum

from adapters.simulators.engine import KeyedFault


class FaultedOperation(StrEnum):
    ASK = "ask"
    CALL_OFF = "call_off"
    FIND = "find"
    REQUEST = "request"
    ANY = "any"


class Fault(KeyedFault):
    operation: FaultedOperation = FaultedOperation.ANY
    partner: str | None = None
    """Only what this partner is asked."""

    def strikes(self, verb: str, about: str | None) -> bool:
        return self.operation in (verb, FaultedOperation.ANY) and self.partner in (None, about)

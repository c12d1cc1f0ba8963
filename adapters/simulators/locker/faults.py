"""Which calls to the operator a fault strikes. A status of 422 is a refusal like any other and is booked."""

from enum import StrEnum

from adapters.simulators.engine import KeyedFault


class FaultedOperation(StrEnum):
    RESERVE = "reserve"
    EXPECT = "expect"
    RELEASE = "release"
    SEND_BACK = "send_back"
    EXTEND = "extend"
    FIND = "find"
    COMPARTMENT = "compartment"
    DEPOSIT_CODE = "deposit_code"
    PICKUP_CODE = "pickup_code"
    ANY = "any"


class Fault(KeyedFault):
    operation: FaultedOperation = FaultedOperation.ANY
    locker_id: str | None = None
    """Only what concerns this machine."""

    def strikes(self, verb: str, about: str | None) -> bool:
        return self.operation in (verb, FaultedOperation.ANY) and self.locker_id in (None, about)

"""The operator at work: compartments reserved and given up, doors that open for the right code, and the clock."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.simulators.books import EventRecord, Write
from adapters.simulators.engine import KeyedEngine, OperationRecord, not_known, refused_for
from adapters.simulators.locker import machines
from adapters.simulators.locker.books import CompartmentRecord, LockerBooks, MachineRecord, SightingRecord
from adapters.simulators.locker.faults import Fault
from adapters.simulators.wire import Answer, Call, refusal
from domain.hearsay import Effect, Known
from domain.lockers import (
    CompartmentSize,
    CompartmentStatus,
    LockerRefusal,
    compartment_status,
    hear_of_compartment,
)

DEFAULT_HOLD = timedelta(days=3)
DEFAULT_RETURN = timedelta(days=1)


class LockerEngine(KeyedEngine[LockerBooks, Fault]):
    def __init__(
        self,
        clock: Clock,
        *,
        hold: timedelta = DEFAULT_HOLD,
        return_after: timedelta = DEFAULT_RETURN,
        write: Write | None = None,
    ) -> None:
        """`hold`: how long goods wait for the customer. `return_after`: from expiry until they are back."""
        super().__init__(clock, LockerBooks(write))
        self._hold = hold
        self._return_after = return_after
        self._changes: dict[str, Callable[[Call, CompartmentRecord], Answer]] = {
            "expect": self._expect,
            "release": self._release,
            "send_back": self._send_back,
            "extend": self._extend,
        }

    def resume(self) -> None:
        """Take up the time limits of books that were read back."""
        for compartment in self.books.compartments.values():
            self._watch(compartment)

    def about(self, call: Call) -> str | None:
        compartment = self.books.compartments.get(call.subject or "")
        return compartment.locker_id if compartment else call.body.get("locker_id")

    def look(self, call: Call) -> Answer | None:
        if call.verb == "find":
            return self.find(call.key or "", lambda name: self.books.compartments[name].public())
        if call.verb not in ("compartment", "deposit_code", "pickup_code"):
            return None
        compartment = self.books.compartments.get(call.subject or "")
        if compartment is None:
            return not_known()
        if call.verb == "compartment":
            return Answer(200, compartment.public())
        if call.verb == "pickup_code":
            if compartment.status is not CompartmentStatus.DEPOSITED:
                return refused_for(LockerRefusal.EMPTY)
            return Answer(200, {"code": compartment.pickup_code})
        if compartment.status is not CompartmentStatus.RESERVED:
            return _not_reserved(compartment)
        return Answer(200, {"code": compartment.deposit_code})

    def change(self, call: Call, operation: OperationRecord) -> Answer:
        if call.verb == "reserve":
            return self._reserve(call, operation)
        compartment = self.books.compartments.get(call.subject or "")
        if compartment is None:
            return not_known()
        operation.reference = compartment.reference
        answer = self._changes[call.verb](call, compartment)
        self.books.put(compartment)
        return answer

    def happen(self, subject: str, at: datetime) -> None:
        compartment = self.books.compartments[subject]
        match compartment.status:
            case CompartmentStatus.RESERVED if compartment.reserved_until == at:
                self._becomes(compartment, CompartmentStatus.RELEASED, at)
            case CompartmentStatus.DEPOSITED if compartment.collect_by == at:
                self._expire(compartment, at)
            case CompartmentStatus.EXPIRED if compartment.return_at == at:
                self._becomes(compartment, CompartmentStatus.RETURNED, at)

    # At the machine --------------------------------------------------------------------------------------------------

    def deposit(self, locker_id: str, code: str) -> Answer:
        """Somebody puts goods in, with the code for that."""
        self.tick()
        compartment = self._behind(locker_id, code, CompartmentStatus.RESERVED)
        if compartment is None:
            return _wrong_code()
        now = self.clock()
        compartment.pickup_code = f"{secrets.randbelow(10**6):06d}"
        compartment.collect_by = now + self._hold
        self._becomes(compartment, CompartmentStatus.DEPOSITED, now)
        self._watch(compartment)
        self.books.commit()
        return Answer(201, compartment.public())

    def collect(self, locker_id: str, code: str) -> Answer:
        """The customer opens a door."""
        self.tick()
        compartment = self._behind(locker_id, code, CompartmentStatus.DEPOSITED)
        if compartment is None:
            return _wrong_code()
        self._becomes(compartment, CompartmentStatus.COLLECTED, self.clock())
        self.books.commit()
        return Answer(201, compartment.public())

    def say(self, compartment_id: str, status: str, at: datetime | None = None) -> Answer:
        """Have the operator say something of a compartment, whatever it is."""
        self.tick()
        compartment = self.books.compartments.get(compartment_id)
        if compartment is None:
            return not_known()
        at = at or self.clock()
        known = Known[CompartmentStatus](status=compartment.status, at=compartment.status_at)
        heard = hear_of_compartment(known, compartment_status(status), at)
        if heard.effect is Effect.APPLIED:
            compartment.status, compartment.status_at = heard.known.status, heard.known.at
        self._tell(compartment, status, at)
        self.books.commit()
        return Answer(201, compartment.public())

    def resize(self, locker_id: str, capacity: machines.Capacity) -> Answer:
        """Make a machine larger or smaller than it was."""
        self.books.put(MachineRecord(id=locker_id, capacity=capacity))
        self.books.commit()
        return Answer(200, capacity.model_dump())

    # What is asked ---------------------------------------------------------------------------------------------------

    def _reserve(self, call: Call, operation: OperationRecord) -> Answer:
        locker_id, now = call.body["locker_id"], self.clock()
        until = datetime.fromisoformat(call.body["until"])
        if not machines.is_machine(locker_id):
            return refused_for(LockerRefusal.UNKNOWN_LOCKER)
        if locker_id == machines.AWAY:
            away = refusal(503, "away", "The machine cannot be reached.")
            return Answer(away.status, away.body, retry_after=1)
        if locker_id == machines.BROKEN:
            return refused_for(LockerRefusal.OUT_OF_ORDER)
        machine = self.books.machines.get(locker_id)
        capacity = machine.capacity if machine else machines.Capacity()
        size = capacity.free(self.books.taken(locker_id), CompartmentSize(call.body["size"]))
        if size is None or locker_id == machines.FULL:
            return refused_for(LockerRefusal.FULL)
        if until <= now:
            return refused_for(LockerRefusal.OTHER)
        compartment = CompartmentRecord(
            id=self.new_id("cmp"),
            locker_id=locker_id,
            size=size,
            reference=call.body["reference"],
            group=call.body["group"],
            status_at=now,
            reserved_until=until,
            deposit_code=f"{secrets.randbelow(10**8):08d}",
        )
        operation.subject = compartment.id
        self.books.put(compartment)
        self._watch(compartment)
        return Answer(201, compartment.public(), lost=locker_id == machines.ANSWER_LOST)

    def _expect(self, call: Call, compartment: CompartmentRecord) -> Answer:
        if compartment.status is not CompartmentStatus.RESERVED:
            return _not_reserved(compartment)
        compartment.tracking_number = call.body["tracking_number"]
        return Answer(201, compartment.public())

    def _release(self, _: Call, compartment: CompartmentRecord) -> Answer:
        if compartment.status is CompartmentStatus.RESERVED:
            self._becomes(compartment, CompartmentStatus.RELEASED, self.clock())
        elif compartment.status is not CompartmentStatus.RELEASED:
            return _not_reserved(compartment)
        return Answer(201, compartment.public())

    def _send_back(self, _: Call, compartment: CompartmentRecord) -> Answer:
        if compartment.status is CompartmentStatus.DEPOSITED:
            self._expire(compartment, self.clock())
        elif compartment.status not in (CompartmentStatus.EXPIRED, CompartmentStatus.RETURNED):
            return refused_for(LockerRefusal.EMPTY)
        return Answer(201, compartment.public())

    def _extend(self, call: Call, compartment: CompartmentRecord) -> Answer:
        if compartment.status is not CompartmentStatus.DEPOSITED:
            return refused_for(LockerRefusal.EMPTY)
        until = datetime.fromisoformat(call.body["until"])
        if until <= self.clock():
            return refused_for(LockerRefusal.OTHER)
        compartment.collect_by = until
        self._watch(compartment)
        return Answer(201, compartment.public())

    # What happens ----------------------------------------------------------------------------------------------------

    def _expire(self, compartment: CompartmentRecord, at: datetime) -> None:
        compartment.return_at = at + self._return_after
        self._becomes(compartment, CompartmentStatus.EXPIRED, at)
        self._watch(compartment)

    def _becomes(self, compartment: CompartmentRecord, status: CompartmentStatus, at: datetime) -> None:
        compartment.status, compartment.status_at = status, at
        self._tell(compartment, status.value, at)

    def _tell(self, compartment: CompartmentRecord, status: str, at: datetime) -> None:
        sighting = SightingRecord(
            id=self.new_id("seen"),
            compartment_id=compartment.id,
            reference=compartment.reference,
            status=status,
            at=at,
        )
        data = compartment.model_dump(
            mode="json", include={"locker_id", "reference", "group", "collect_by", "tracking_number"}, exclude_none=True
        ) | {"compartment_id": compartment.id, "status": status, "at": at.isoformat()}
        event = EventRecord(id=self.new_id("evt"), type=f"locker.{status}", created_at=self.clock(), data=data)
        for record in (compartment, sighting, event):
            self.books.put(record)

    def _watch(self, compartment: CompartmentRecord) -> None:
        """Have the clock end what waits."""
        ends = {
            CompartmentStatus.RESERVED: compartment.reserved_until,
            CompartmentStatus.DEPOSITED: compartment.collect_by,
            CompartmentStatus.EXPIRED: compartment.return_at,
        }
        if at := ends.get(compartment.status):
            self.plan(at, compartment.id)

    def _behind(self, locker_id: str, code: str, status: CompartmentStatus) -> CompartmentRecord | None:
        """The compartment of this machine that the code opens now."""
        field = "deposit_code" if status is CompartmentStatus.RESERVED else "pickup_code"
        here = (each for each in self.books.compartments.values() if each.locker_id == locker_id)
        return next((each for each in here if each.status is status and getattr(each, field) == code), None)


def _not_reserved(compartment: CompartmentRecord) -> Answer:
    gone = compartment.status in (CompartmentStatus.RELEASED, CompartmentStatus.COLLECTED, CompartmentStatus.RETURNED)
    return refused_for(LockerRefusal.OTHER if gone else LockerRefusal.OCCUPIED)


def _wrong_code() -> Answer:
    return refusal(422, "wrong_code", "No compartment of this machine opens with this code now.")

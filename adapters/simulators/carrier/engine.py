"""The carriers at their counter and on the road: quotes, labels, voids, parcels that move by word or by the clock."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from adapters.clock import Clock
from adapters.simulators.books import EventRecord, Write
from adapters.simulators.carrier import postal_codes
from adapters.simulators.carrier.books import CarrierBooks, LabelRecord, ScanRecord
from adapters.simulators.carrier.faults import Fault
from adapters.simulators.carrier.tariff import CARRIERS, CURRENCY, NORTHWAY, Quote, quote_of, quotes
from adapters.simulators.carrier.tracking import tracking_number
from adapters.simulators.carrier.zpl import document
from adapters.simulators.engine import KeyedEngine, OperationRecord, not_known, refused_for
from adapters.simulators.wire import Answer, Call, refusal
from domain.carriage import EXCEPTIONS, Carriage, CarrierRefusal, ParcelStatus, hear_of_parcel, parcel_status
from domain.hearsay import Effect, Known
from domain.intake import Service

_Seconds = Annotated[float, Field(ge=0, le=31_536_000, allow_inf_nan=False)]


class Automatic(BaseModel):
    """How parcels move by themselves. Nothing moves before it is picked up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: _Seconds | None = None
    """Between one step and the next; None: they move only when told."""
    pickup_seconds: _Seconds | None = None
    """From the purchase of a label to the pick-up; None: somebody must say that it was."""


_OTHERWISE = EXCEPTIONS | {ParcelStatus.DELIVERED}
"""Said of a parcel that was to fare otherwise, it ends what it would have done by itself."""


class CarrierEngine(KeyedEngine[CarrierBooks, Fault]):
    def __init__(
        self,
        clock: Clock,
        *,
        day: timedelta = timedelta(days=1),
        auto: Automatic | None = None,
        write: Write | None = None,
    ) -> None:
        super().__init__(clock, CarrierBooks(write))
        self._auto = auto or Automatic()
        self._day = day

    def resume(self) -> None:
        """Take up the journeys of books that were read back."""
        for label in self.books.labels.values():
            if label.next_at:
                self.plan(label.next_at, label.id)

    def move(self, auto: Automatic) -> None:
        """Have parcels move so from now on, those too that are on the road or wait for their pick-up."""
        self.tick()
        self._auto = auto
        for label in self.books.labels.values():
            if label.ahead and not label.voided_at:
                self._go_on(label)
                self.books.put(label)
        self.books.commit()

    def about(self, call: Call) -> str | None:
        label = self.books.labels.get(call.subject or "") or self.books.by_tracking.get(call.subject or "")
        return label.carrier if label else call.body.get("carrier")

    def look(self, call: Call) -> Answer | None:
        match call.verb:
            case "rates":
                return self._rates(call)
            case "find":
                return self.find(call.key or "", lambda label_id: self.books.labels[label_id].public())
            case "document":
                label = self.books.labels.get(call.subject or "")
                return Answer(200, {"document": document(label)}) if label else not_known()
            case "parcel":
                label = self.books.by_tracking.get(call.subject or "")
                return Answer(200, label.public()) if label else not_known()
        return None

    def change(self, call: Call, operation: OperationRecord) -> Answer:
        return self._buy(call, operation) if call.verb == "buy" else self._void(operation)

    def happen(self, subject: str, at: datetime) -> None:
        label = self.books.labels[subject]
        if label.next_at == at and label.ahead:
            self._scan(label, label.ahead.pop(0), at)

    def scan(self, tracking: str, status: str, at: datetime | None = None) -> Answer:
        """Have the carrier say something of a parcel, whatever it is."""
        self.tick()
        label = self.books.by_tracking.get(tracking)
        if label is None:
            return not_known()
        if label.voided_at:
            return refusal(409, "voided", "The label of this parcel is void; nobody carries it.")
        if status in label.ahead:
            del label.ahead[: label.ahead.index(status) + 1]
        elif parcel_status(status) in _OTHERWISE:
            label.ahead.clear()
        scan = self._scan(label, status, at or self.clock())
        self.books.commit()
        return Answer(201, scan.model_dump(mode="json"))

    def _rates(self, call: Call) -> Answer:
        asked = call.body.get("service")
        carriage = Carriage.model_validate(call.body["carriage"])
        found = [each for each in quotes(carriage, self.clock(), self._day) if asked in (None, each.service)]
        return Answer(200, {"rates": [_rate(each) for each in found]})

    def _buy(self, call: Call, operation: OperationRecord) -> Answer:
        carriage, carrier = Carriage.model_validate(call.body["carriage"]), CARRIERS.get(call.body["carrier"])
        destination = carriage.destination
        if carrier is None:
            return refused_for(CarrierRefusal.OTHER)
        if carriage.weight_grams > carrier.heaviest:
            return refused_for(CarrierRefusal.WEIGHT)
        quote = quote_of(carrier, Service(call.body["service"]), carriage, self.clock(), self._day)
        if quote is None:
            return refused_for(CarrierRefusal.SERVICE)
        if destination.postal_code == postal_codes.NORTHWAY_AWAY and carrier is NORTHWAY:
            away = refusal(503, "away", "Northway is not at its counter.")
            return Answer(away.status, away.body, retry_after=1)
        not_there = destination.postal_code == postal_codes.REFUSED_BY_NORTHWAY and carrier is NORTHWAY
        if not_there or destination.postal_code == postal_codes.REFUSED_BY_ALL:
            return refused_for(CarrierRefusal.ADDRESS)
        now = self.clock()
        label = LabelRecord(
            id=self.new_id("lbl"),
            carrier=carrier.id,
            service=quote.service,
            tracking_number=self._free_number(carrier.prefix, carriage.origin.country),
            reference=call.body["reference"],
            shipment=call.body["shipment"],
            price=quote.price,
            currency=CURRENCY,
            country=destination.country,
            postal_code=destination.postal_code,
            weight_grams=carriage.weight_grams,
            recipient=(call.body["recipient"]["name"], *call.body["recipient"]["lines"]),
            bought_at=now,
            deliver_by=quote.deliver_by,
            status_at=now,
            ahead=list(postal_codes.life_of_parcel(destination.postal_code)),
        )
        self._go_on(label)
        operation.subject = label.id
        self.books.put(label)
        return Answer(201, label.public(), lost=destination.postal_code == postal_codes.ANSWER_LOST)

    def _void(self, operation: OperationRecord) -> Answer:
        label = self.books.labels.get(operation.subject or "")
        if label is None:
            return not_known()
        operation.reference = label.reference
        if label.status is not ParcelStatus.LABEL_CREATED:
            return refused_for(CarrierRefusal.IN_USE)
        if label.voided_at is None:
            label.voided_at, label.next_at = self.clock(), None
            self.books.put(label)
        return Answer(201, label.public())

    def _scan(self, label: LabelRecord, status: str, at: datetime) -> ScanRecord:
        """The parcel moves on if it may have; the word is passed on in any case."""
        scan = ScanRecord(id=self.new_id("scan"), label_id=label.id, reference=label.reference, status=status, at=at)
        heard = hear_of_parcel(Known[ParcelStatus](status=label.status, at=label.status_at), parcel_status(status), at)
        if heard.effect in (Effect.APPLIED, Effect.REPEATED):
            label.status, label.status_at = heard.known.status, heard.known.at
        self._go_on(label)
        self.books.put(label)
        self.books.put(scan)
        self.books.put(
            EventRecord(
                id=self.new_id("evt"), type=f"parcel.{status}", created_at=self.clock(), data=_told(label, status, at)
            )
        )
        return scan

    def _go_on(self, label: LabelRecord) -> None:
        """Plan the parcel's next step, if it takes one by itself."""
        picked_up = label.status is not ParcelStatus.LABEL_CREATED
        seconds = self._auto.seconds if picked_up else self._auto.pickup_seconds
        label.next_at = None
        if seconds is not None and label.ahead:
            label.next_at = self.clock() + timedelta(seconds=seconds)
            self.plan(label.next_at, label.id)

    def _free_number(self, prefix: str, country: str) -> str:
        while (number := tracking_number(prefix, secrets.randbelow(10**8), country)) in self.books.by_tracking:
            pass
        return number


def _rate(quote: Quote) -> dict[str, Any]:
    return {
        "carrier": quote.carrier.id,
        "service": quote.service,
        "price": {"amount": quote.price, "currency": CURRENCY},
        "deliver_by": quote.deliver_by.isoformat(),
    }


def _told(label: LabelRecord, status: str, at: datetime) -> dict[str, Any]:
    return {
        "carrier": label.carrier,
        "label_id": label.id,
        "tracking_number": label.tracking_number,
        "reference": label.reference,
        "shipment": label.shipment,
        "status": status,
        "at": at.isoformat(),
    }

"""How operations and authorisations are read from the ledger's tables."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import RowMapping, ScalarSelect, Select, bindparam, func, select

from adapters.postgres.tables.ledger import (
    AuthorisationRow,
    DisputeRow,
    PaymentOperationRow,
    RedirectRow,
    TenderTotalsRow,
)
from domain.booking import Standing
from domain.ids import OperationKey, OrderId
from domain.ledger import CapturePurpose
from domain.money import Currency, Minor
from domain.payments import AuthorisationId, AuthorisationStatus, OperationKind, OperationStatus, TenderId

ABANDONED = "abandoned"
REFUSED = "refused"
WITHOUT_EFFECT = (ABANDONED, REFUSED)


class Asked(BaseModel):
    """What an operation is to do: the part of it that a repeated key must repeat."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: OperationKind
    order_id: OrderId
    tender_id: TenderId
    authorisation_id: AuthorisationId | None
    asked: Minor | None
    """None: all that is left."""
    currency: Currency | None
    """None: the authorisation's."""
    purpose: CapturePurpose | None = None
    group_id: str | None = None
    replaces: AuthorisationId | None = None
    reason: str | None = None


class Operation(Asked):
    currency: Currency
    key: OperationKey
    status: OperationStatus
    amount: Minor
    entire: bool
    booked: Minor
    provider_operation_id: str | None
    failure: str | None
    result: dict[str, Any] | None
    external: bool
    requested_at: AwareDatetime

    @property
    def open(self) -> bool:
        return self.status is OperationStatus.PENDING

    @property
    def may_begin_again(self) -> bool:
        """It ended without effect, and not by a decline."""
        return self.status is OperationStatus.FAILED and self.failure in WITHOUT_EFFECT

    def asks(self, asked: Asked) -> bool:
        """Whether `asked` is the same operation. An authorisation's id comes with the answer, so it tells nothing."""
        left_out = {"reason", "group_id"}
        left_out |= {"authorisation_id"} if self.kind is OperationKind.AUTHORISE else set()
        left_out |= {"currency"} if asked.currency is None else set()
        mine = {name: getattr(self, name) for name in Asked.model_fields if name not in left_out}
        return mine == asked.model_dump(exclude=left_out)


_BOOKS = [TenderTotalsRow, AuthorisationRow]
_OPERATION = [getattr(PaymentOperationRow, name).label(f"o_{name}") for name in Operation.model_fields]
_OF_KEY = PaymentOperationRow.key == bindparam("key")


def _books() -> Select[Any]:
    a, t = AuthorisationRow, TenderTotalsRow
    columns = [getattr(a, column.name).label(f"a_{column.name}") for column in a.__table__.columns]
    totals = [getattr(t, name).label(f"t_{name}") for name in ("captured", "refunded", "refunding")]
    query = select(*columns, *totals).join_from(a, t, (t.order_id == a.order_id) & (t.tender_id == a.tender_id))
    return query.where(a.provider == bindparam("provider"), a.id == bindparam("authorisation_id"))


# Built once: parameters are `provider`, `authorisation_id`, `key`.
OPERATIONS = select(*_OPERATION)
OPERATION = OPERATIONS.where(_OF_KEY)
OPERATION_LOCKED = OPERATION.with_for_update()
BOOKS = _books()
BOOKS_LOCKED = BOOKS.with_for_update(of=_BOOKS)
BOOKS_LOCKED_WITH_OPERATION = (
    BOOKS.add_columns(*_OPERATION).outerjoin(PaymentOperationRow, _OF_KEY).with_for_update(of=_BOOKS)
)
BOOKS_AND_OPERATION_LOCKED = (
    BOOKS.add_columns(*_OPERATION).join(PaymentOperationRow, _OF_KEY).with_for_update(of=[*_BOOKS, PaymentOperationRow])
)


def _sum_of(table: type[DisputeRow] | type[RedirectRow]) -> ScalarSelect[int]:
    found = select(func.coalesce(func.sum(table.amount), 0))
    found = found.where(
        table.provider == bindparam("provider"), table.authorisation_id == bindparam("authorisation_id")
    )
    return found.scalar_subquery()


GONE = select(_sum_of(DisputeRow).label("disputed"), _sum_of(RedirectRow).label("elsewhere"))
"""What is not paid back to an authorisation any more. Asked once its books are locked: the statement that waits for
that lock sees the locked rows as they are then, and other tables as they were before it waited.
"""


def read_operation(row: RowMapping, prefix: str = "") -> Operation:
    return Operation.model_validate({name: row[prefix + name] for name in Operation.model_fields})


def read_standing(row: RowMapping, gone: RowMapping | None = None) -> Standing:
    """`gone`: what `GONE` says, where that counts."""
    return Standing(
        status=AuthorisationStatus(row["a_status"]),
        single_capture=row["a_single_capture"],
        authorised=row["a_authorised"],
        captured=row["a_captured"],
        voided=row["a_voided"],
        refunded=row["a_refunded"],
        capturing=row["a_capturing"],
        voiding=row["a_voiding"],
        refunding=row["a_refunding"],
        disputed=int(gone["disputed"]) if gone else 0,
        elsewhere=int(gone["elsewhere"]) if gone else 0,
        tender_captured=row["t_captured"],
        tender_refunded=row["t_refunded"],
        tender_refunding=row["t_refunding"],
    )

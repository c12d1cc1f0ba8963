"""Our ledger of an order, read at one moment."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.tables.ledger import (
    AuthorisationRow,
    DisputeRow,
    JournalEntryRow,
    JournalLineRow,
    PaymentOperationRow,
    RedirectRow,
    TenderTotalsRow,
)
from domain.ids import OrderId
from domain.ledger import (
    AuthorisationBalance,
    Dispute,
    JournalEntry,
    OperationEntry,
    OrderMoney,
    RedirectedRefund,
    TenderTotals,
)


async def read_order(engine: AsyncEngine, order: OrderId) -> OrderMoney:
    operation, authorisation, tender, entry = PaymentOperationRow, AuthorisationRow, TenderTotalsRow, JournalEntryRow
    line = func.jsonb_build_object("account", JournalLineRow.account, "amount", JournalLineRow.amount)
    postings = func.jsonb_agg(aggregate_order_by(line, JournalLineRow.account)).label("postings")
    plain = [name for name in JournalEntry.model_fields if name != "postings"]
    fields = [name for name in OperationEntry.model_fields if name != "group"]
    queries = [
        select(*(getattr(operation, name) for name in fields), operation.group_id.label("group"))
        .where(operation.order_id == order)
        .order_by(operation.requested_at, operation.key),
        select(*(getattr(authorisation, name) for name in AuthorisationBalance.model_fields))
        .where(authorisation.order_id == order)
        .order_by(authorisation.created_at, authorisation.id),
        select(*(getattr(tender, name) for name in TenderTotals.model_fields))
        .where(tender.order_id == order)
        .order_by(tender.tender_id),
        select(*(getattr(entry, name) for name in plain), postings)
        .join(JournalLineRow, JournalLineRow.entry_id == entry.id)
        .where(entry.order_id == order)
        .group_by(entry.id)
        .order_by(entry.id),
        select(*(getattr(DisputeRow, name) for name in Dispute.model_fields))
        .where(DisputeRow.order_id == order)
        .order_by(DisputeRow.at, DisputeRow.id),
        select(*(getattr(RedirectRow, name) for name in RedirectedRefund.model_fields))
        .where(RedirectRow.order_id == order)
        .order_by(RedirectRow.at, RedirectRow.key),
    ]
    async with engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
        found = [list((await connection.execute(query)).mappings()) for query in queries]
    return OrderMoney.model_validate(
        {
            "order_id": order,
            "operations": [dict(row) for row in found[0]],
            "authorisations": [dict(row) for row in found[1]],
            "tenders": [dict(row) for row in found[2]],
            "journal": [dict(row) for row in found[3]],
            "disputes": [dict(row) for row in found[4]],
            "redirected": [dict(row) for row in found[5]],
        }
    )

"""The HTTP API as a whole: every router, behind the edge."""

from fastapi import FastAPI

from gateway import docs, edge
from gateway.account import pages
from gateway.applications import (
    accounts,
    applications,
    attention,
    closing,
    documents,
    exporting,
    parties,
    products,
    retention,
    tranches,
    underwriting,
)
from gateway.channels import availability, balances, changes, customers, messages, order_commands, orders, promises
from gateway.ops import (
    approvals,
    backorders,
    brokering,
    data,
    erasures,
    ledger,
    parked,
    reconciliation_runs,
    reconciliations,
    routing,
)
from gateway.ops import messages as undelivered
from gateway.ops import orders as ops
from gateway.returns import appeasements, labels, policies, returns
from gateway.services import Services
from gateway.stores import extras, pickups, settings, shipments, stock, tasks
from gateway.webhooks import receiving

ROUTERS = (
    orders.router,
    order_commands.router,
    changes.router,
    ledger.router,
    messages.router,
    customers.router,
    availability.router,
    balances.router,
    promises.router,
    pickups.router,
    extras.router,
    shipments.router,
    tasks.router,
    settings.router,
    stock.router,
    returns.router,
    labels.router,
    policies.router,
    appeasements.router,
    approvals.router,
    receiving.router,
    applications.router,
    parties.router,
    documents.router,
    attention.router,
    closing.router,
    exporting.router,
    retention.router,
    tranches.router,
    underwriting.router,
    accounts.router,
    products.router,
    ops.router,
    reconciliation_runs.router,
    reconciliations.router,
    erasures.router,
    undelivered.router,
    parked.router,
    data.router,
    backorders.router,
    routing.data,
    brokering.queues,
    brokering.runs,
    routing.router,
    pages.router,
    docs.router,
)


def create_app(services: Services) -> FastAPI:
    """The application that a server runs."""
    app = FastAPI(
        title="Throughline",
        version="1",
        summary="A durable order workflow engine for sellers with many channels.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    edge.install(app, services.edge)
    return app

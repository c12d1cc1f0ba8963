"""The HTTP API as a whole: every router, behind the edge."""

from fastapi import FastAPI

from gateway import docs, edge
from gateway.account import pages
from gateway.applications import (
    accounts,
    applications,
    closing,
    documents,
    exporting,
    parties,
    products,
    underwriting,
)
from gateway.channels import availability, changes, customers, messages, order_commands, orders, promises
from gateway.ops import backorders, brokering, data, erasures, ledger, parked, reconciliations, routing
from gateway.ops import messages as undelivered
from gateway.ops import orders as ops
from gateway.returns import policies, returns
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
    promises.router,
    pickups.router,
    extras.router,
    shipments.router,
    tasks.router,
    settings.router,
    stock.router,
    returns.router,
    policies.router,
    receiving.router,
    applications.router,
    parties.router,
    documents.router,
    closing.router,
    exporting.router,
    underwriting.router,
    accounts.router,
    products.router,
    ops.router,
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

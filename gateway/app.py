"""The HTTP API as a whole: every router, behind the edge."""

from dataclasses import replace

from fastapi import FastAPI

from gateway import edge
from gateway.channels import order_commands, orders
from gateway.outages import OUTAGES
from gateway.services import Services
from gateway.stores import pickups


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
    for router in (orders.router, order_commands.router, pickups.router):
        app.include_router(router)
    edge.install(app, replace(services.edge, outages=(*services.edge.outages, *OUTAGES)))
    return app

"""The one object with everything that the business routers reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from temporalio.client import Client

from adapters.applications.postgres import PostgresApplications
from adapters.archives.port import Archives
from adapters.balances.postgres import PostgresBalances
from adapters.banking.postgres import PostgresBanking
from adapters.documents.port import Documents
from adapters.inbound.port import InboundEvents
from adapters.keys.postgres import PostgresCustomerKeys
from adapters.letters.port import Letters
from adapters.locker.port import Lockers
from adapters.payment.port import Payments
from adapters.policies.port import PolicyPacks
from adapters.postgres.transaction import PostgresTransactions
from adapters.products.postgres import PostgresProducts
from adapters.reconciling.port import Reconciler
from adapters.retention.port import Retention
from adapters.shipping.port import Shipping
from adapters.vault.postgres import PostgresVault
from domain.ids import OrderId
from domain.policy_packs import PolicyPack
from gateway.edge import Edge
from gateway.links import CustomerLink, CustomerLinks, LinkKind

LINK_LIFETIME = timedelta(days=30)
"""A customer's page works a while longer than what it is for, to say that it is over."""


@dataclass(frozen=True)
class Lending:
    """What the routers of applications and accounts reach."""

    applications: PostgresApplications
    products: PostgresProducts
    banking: PostgresBanking
    documents: Documents
    letters: Letters
    archives: Archives
    archive_key: str
    """With which anybody can check an archive of ours."""
    retention: Retention
    policies: PolicyPacks


@dataclass(frozen=True)
class Services:
    """Made once by whoever composes the API."""

    edge: Edge
    temporal: Client
    """May be lazy: the API starts without Temporal and answers 503 until it is there."""
    transactions: PostgresTransactions
    keys: PostgresCustomerKeys
    vault: PostgresVault
    payments: Payments
    balances: PostgresBalances
    events: InboundEvents
    reconciler: Reconciler
    shipping: Shipping
    lockers: Lockers
    policy: PolicyPack
    """Under which new orders run."""
    code_key: bytes
    """From which hand-over codes are derived."""
    webhook_secrets: Mapping[str, str]
    """By kind of system: payment, fraud, carrier, locker, partner, bureau (`whsec_…`)."""
    public_url: str
    """The API as customers' links reach it."""
    lending: Lending

    def now(self) -> datetime:
        return self.edge.clock()

    def customer_link(self, kind: LinkKind, order_id: OrderId, group: int | None, deadline: datetime | None) -> str:
        """The signed address of a customer's page."""
        link = CustomerLink(
            kind=kind, order_id=order_id, group=group, expires_at=(deadline or self.now()) + LINK_LIFETIME
        )
        return f"{self.public_url.rstrip('/')}/c/{CustomerLinks(self.edge.link_secrets).token(link)}"


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


CurrentServices = Annotated[Services, Depends(services_of)]
"""Take it in a handler: `services: CurrentServices`."""

"""The API process: the gateway composed from settings, served by uvicorn on loopback unless told otherwise.

`python -m workers.api`
"""

import asyncio
import hashlib
import hmac
import logging
import os
import sys

import uvicorn
import uvloop
from fastapi import FastAPI
from sqlalchemy import text
from starlette.requests import Request
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from adapters.access.port import PrincipalKind
from adapters.access.postgres import PostgresPrincipals
from adapters.audit.port import AuditOutcome
from adapters.audit.postgres import PostgresAuditLog
from adapters.idempotency.postgres import PostgresCommandRecords
from adapters.reconciling.runs import PostgresReconciler
from domain.actors import Actor, ActorKind, Channel
from gateway.app import create_app
from gateway.edge import Edge
from gateway.ops.codec import CodecReader, CodecUse, codec_router
from gateway.outages import OUTAGES
from gateway.problems import Problem
from gateway.rights import READING
from gateway.sealing import seal_with
from gateway.services import Lending, Services
from workers.codec import PageCodec
from workers.composition import Parts, parts
from workers.draining import DrainingServer, Farewell
from workers.logs import configure_logging
from workers.settings import Settings, key_bytes, ring_bytes
from workflows import options

ANONYMOUS = CodecReader(id="anonymous", may_read=False)
KEYLESS = CodecReader(id="anonymous", may_read=False, keyless=True)


def services(made: Parts, client: Client) -> Services:
    """Everything that the routers reach."""
    settings = made.settings
    master = key_bytes(settings.master_key)
    return Services(
        edge=Edge(
            principals=PostgresPrincipals(made.engine),
            records=PostgresCommandRecords(made.engine),
            audit=PostgresAuditLog(made.engine),
            seal=seal_with(_derived(master, "answers")),
            secret=_derived(master, "edge"),
            link_secrets=ring_bytes(settings.link_key),
            outages=OUTAGES,
            checks={
                "database": lambda: _database_answers(made),
                "temporal": lambda: client.service_client.check_health(),
                "workers": lambda: _workers_poll(client),
            },
            requests_a_minute=settings.rate_limit,
        ),
        temporal=client,
        transactions=made.transactions,
        keys=made.keys,
        vault=made.vault,
        payments=made.payments,
        balances=made.balances,
        events=made.events,
        reconciler=PostgresReconciler(made.engine),
        shipping=made.shipping,
        lockers=made.lockers,
        policy=made.policy,
        code_key=key_bytes(settings.code_key),
        webhook_secrets=settings.webhook_secrets.revealed(),
        public_url=settings.api_url,
        lending=Lending(
            applications=made.applications,
            products=made.products,
            banking=made.banking,
            documents=made.documents,
            letters=made.letters,
            archives=made.archives,
            archive_key=made.archive_key.public,
            retention=made.retention,
            policies=made.policies,
        ),
    )


def compose(made: Parts, client: Client, temporal_ui: str = "") -> FastAPI:
    """The whole application: the gateway's routes, and the codec endpoint for the Temporal UI."""
    wired = services(made, client)
    app = create_app(wired)

    async def authorise(request: Request) -> CodecReader:
        """Operations and auditors may read; a UI that sends no key, or another's, sees that something is there."""
        sent = request.headers.get("authorization", "").strip()
        if not sent:
            return KEYLESS
        try:
            found = await app.state.authenticator.identify(sent)
        except Problem:
            return ANONYMOUS
        principal = found.principal
        may_read = principal.kind is PrincipalKind.OPS and not principal.roles.isdisjoint(READING)
        return CodecReader(id=principal.id, may_read=may_read)

    async def audit(use: CodecUse) -> None:
        await app.state.audit.write(
            Actor(kind=ActorKind.OPS, id=use.reader.id, channel=Channel.OPS),
            f"codec {use.action}",
            ",".join(use.key_ids)[:500] or "-",
            AuditOutcome.DONE if use.allowed else AuditOutcome.REFUSED,
            reason=f"{use.payloads} payloads",
        )

    app.include_router(
        codec_router(
            PageCodec(made.keys), authorise=authorise, audit=audit, origins=[temporal_ui] if temporal_ui else []
        )
    )
    return app


def _derived(master: bytes, purpose: str) -> bytes:
    return hmac.new(master, f"throughline/{purpose}".encode(), hashlib.sha256).digest()


async def _database_answers(made: Parts) -> None:
    async with made.engine.connect() as connection:
        await connection.execute(text("select 1"))


async def _workers_poll(client: Client) -> None:
    """Ready means that somebody takes orders up: the orders queue has a poller."""
    queue = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=options.ORDERS))
    )
    if not queue.pollers:
        raise RuntimeError("no worker polls the orders queue")


async def serve(settings: Settings) -> None:
    async with parts(settings, "throughline-api") as made:
        client = await made.connect(lazy=True)
        app = Farewell(compose(made, client, settings.temporal_ui))
        app.server = DrainingServer(
            uvicorn.Config(
                app,
                host=settings.api_host,
                port=settings.api_port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=int(settings.grace),
                loop="none",
            ),
            settings.drain,
        )
        await app.server.serve()


def main() -> None:
    settings = Settings()
    configure_logging(settings.log_format, settings.log_level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except Exception:
        logging.getLogger("throughline").exception("the API ended")
        sys.stderr.flush()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

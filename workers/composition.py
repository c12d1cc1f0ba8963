"""The parts of an installation, made from its settings: every port with the implementation that stands behind it."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from adapters.applications.postgres import PostgresApplications
from adapters.archives.gathered import GatheredArchives
from adapters.archives.sealing import ArchiveKey
from adapters.balances.postgres import PostgresBalances
from adapters.banking.postgres import PostgresBanking
from adapters.checks.simulator import SimulatedChecks
from adapters.documents.disk import DiskFiles
from adapters.documents.port import Files
from adapters.documents.sealed import SealedDocuments
from adapters.dropship.simulator import SimulatorPartners
from adapters.fraud.simulator import SimulatedScreening
from adapters.http import http_client
from adapters.inventory.merging import MergedReservations
from adapters.keys.master import MasterKeys
from adapters.keys.postgres import PostgresCustomerKeys
from adapters.letters.writing import MailedLetters
from adapters.locker.port import CompartmentRefused, Lockers
from adapters.locker.simulator import SimulatorLockers
from adapters.notification.relay import NoticeRelay
from adapters.notification.render import Details, NoticeRenderer, Recipient
from adapters.notification.smtp import SmtpMailer
from adapters.payment.by_means import by_means
from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.port import Payments
from adapters.payment.simulator import SimulatorPayments
from adapters.payout.simulator import SimulatorPayouts
from adapters.policies.postgres import PostgresPolicyPacks
from adapters.postgres.engine import make_engine
from adapters.postgres.inbound import PostgresInboundEvents
from adapters.postgres.notices import PostgresOutbox
from adapters.postgres.transaction import PostgresTransactions
from adapters.products.postgres import PostgresProducts
from adapters.retention.postgres import PostgresRetention
from adapters.shipping.simulator import SimulatorShipping
from adapters.signing.simulator import SimulatorSignatures
from adapters.vault.lookup import Lookup
from adapters.vault.port import Subject, UnknownSubject
from adapters.vault.postgres import PostgresVault
from domain.balances import number_of
from domain.hand_over_codes import derive_code
from domain.ids import OrderId, StoreId
from domain.notices import LinkKind as NoticeLink
from domain.notices import Notice, NoticeKind
from domain.notices import Place as NoticePlace
from domain.personal import PersonalData
from domain.policy_packs import PACKS, PolicyPack
from gateway.links import CustomerLink, CustomerLinks, LinkKind
from workers.metrics import measured_runtime
from workers.plugin import throughline_plugin
from workers.settings import Settings, key_bytes, ring_bytes

LINK_LIFETIME = timedelta(days=30)
CARDS = "simulator"
"""The payment provider's name in our ledger."""

# What a killed worker had begun to send is taken up when its lease ends, so that must be short; but no lease may end
# while a mail is under way: what is begun in time and may then take its whole time must fit in.
NOTICE_LEASE = timedelta(seconds=25)
BEGIN_SECONDS = 8.0
MAIL_SECONDS = 12.0


@dataclass
class Parts:
    """Everything that the API and the workers share."""

    settings: Settings
    engine: AsyncEngine
    http: httpx.AsyncClient
    keys: PostgresCustomerKeys
    vault: PostgresVault
    transactions: PostgresTransactions
    reservations: MergedReservations
    events: PostgresInboundEvents
    payments: Payments
    balances: PostgresBalances
    shipping: SimulatorShipping
    lockers: Lockers
    partners: SimulatorPartners
    links: CustomerLinks
    screening: SimulatedScreening
    files: Files

    @property
    def policy(self) -> PolicyPack:
        return PACKS[self.settings.policy]

    async def connect(self, *, lazy: bool = False) -> Client:
        """A client of the Temporal server, with our payloads, encryption and failures."""
        return await Client.connect(
            self.settings.temporal_address,
            namespace=self.settings.temporal_namespace,
            plugins=[throughline_plugin(self.keys, sandbox=self.settings.sandbox)],
            lazy=lazy,
            runtime=measured_runtime(self.settings.metrics_host, self.settings.metrics_port),
        )

    @property
    def applications(self) -> PostgresApplications:
        return PostgresApplications(self.engine)

    @property
    def products(self) -> PostgresProducts:
        return PostgresProducts(self.engine)

    @property
    def policies(self) -> PostgresPolicyPacks:
        return PostgresPolicyPacks(self.engine, self.policy.day)

    @property
    def banking(self) -> PostgresBanking:
        return PostgresBanking(self.engine)

    @property
    def documents(self) -> SealedDocuments:
        return SealedDocuments(self.files, self.keys)

    @property
    def archives(self) -> GatheredArchives:
        return GatheredArchives(
            self.applications, self.products, self.documents, self.banking, self.vault, self.archive_key
        )

    @property
    def archive_key(self) -> ArchiveKey:
        return ArchiveKey(hmac.digest(key_bytes(self.settings.master_key), b"throughline/archives", "sha256"))

    @property
    def retention(self) -> PostgresRetention:
        return PostgresRetention(self.engine, self.keys, self.documents, self.banking)

    @property
    def letters(self) -> MailedLetters:
        return MailedLetters(self.documents, self.vault, self.mailer())

    @property
    def checks(self) -> SimulatedChecks:
        return SimulatedChecks()

    @property
    def signatures(self) -> SimulatorSignatures:
        return SimulatorSignatures(self.settings.signing_url, self.http)

    @property
    def payouts(self) -> SimulatorPayouts:
        return SimulatorPayouts(self.settings.payments_url, self.http)

    def mailer(self) -> SmtpMailer:
        return SmtpMailer(
            self.settings.smtp_host,
            self.settings.smtp_port,
            self.settings.mail_from,
            sender_name="Throughline",
            timeout=MAIL_SECONDS,
        )

    def relay(self) -> NoticeRelay:
        code_key = key_bytes(self.settings.code_key)
        return NoticeRelay(
            PostgresOutbox(self.engine, lease=NOTICE_LEASE),
            self.mailer(),
            NoticeRenderer(
                self.settings.mail_templates,
                lambda group_id, serial: derive_code(code_key, group_id, serial),
                self.link,
                lambda balance_id: number_of(code_key, balance_id),
            ),
            recipient_of=self.recipient,
            store_address=self.store_address,
            details_of=self.details,
            begin_within=BEGIN_SECONDS,
        )

    def link(self, kind: NoticeLink, order_id: str, group_id: str | None, deadline: datetime | None) -> str:
        """The signed address of a customer's page; it works a while longer than what it is for, to say so."""
        token = self.links.token(
            CustomerLink(
                kind=LinkKind(kind.value),
                order_id=order_id,
                group=int(group_id.rpartition("/")[2]) if group_id else None,
                expires_at=(deadline or datetime.now(UTC)) + LINK_LIFETIME,
            )
        )
        return f"{self.settings.api_url}/c/{token}"

    async def recipient(self, order_id: OrderId, contact: int | None) -> Recipient | None:
        """The name is the one that the order was placed with; `contact` says where the mail goes since."""
        person = await self._person(Subject(order_id))
        where = person if contact is None else await self._person(Subject(f"{order_id}/contact/{contact}"))
        return Recipient(email=where.email, name=where.name or person.name or "") if person and where else None

    async def store_address(self, store_id: StoreId) -> Recipient | None:
        async with self.transactions.begin() as books:
            place = await books.places.place(store_id)
        return Recipient(email=place.email, name=place.name, locale=place.locale) if place else None

    async def details(self, notice: Notice) -> Details:
        """What the mail says of the store and the goods, as they are when it is sent."""
        async with self.transactions.begin() as books:
            place = await books.places.place(notice.store_id) if notice.store_id else None
            lines = (*notice.facts.lines, *notice.facts.remaining)
            items = await books.items.items(sorted({line.sku for line in lines})) if lines else ()
        names = {item.sku: item.name for item in items}
        code = await self._code_of_operator(notice)
        vehicle = None
        if notice.group_id and notice.kind.value == "store_customer_arrived":
            number = notice.group_id.rpartition("/")[2]
            arrival = await self._person(Subject(f"{notice.order_id}/arrival/{number}"))
            vehicle = arrival.vehicle if arrival else None
        if place is None:
            return Details(names=names, vehicle=vehicle, code=code)
        return Details(
            store=NoticePlace(name=place.name, address=place.address, hours=place.hours_text(notice.locale)),
            zone=place.hours.zone,
            names=names,
            vehicle=vehicle,
            code=code,
        )

    async def _code_of_operator(self, notice: Notice) -> str | None:
        """What opens the compartment of a parcel machine; none once nothing lies in it any more."""
        if notice.facts.compartment_id is None or not notice.kind.shows_code:
            return None
        puts_in = notice.kind is NoticeKind.RETURN_LOCKER
        ask = self.lockers.deposit_code if puts_in else self.lockers.pickup_code
        try:
            return (await ask(notice.facts.compartment_id)).get_secret_value()
        except CompartmentRefused:
            return None

    async def _person(self, subject: Subject) -> PersonalData | None:
        try:
            found = await self.vault.get(subject)
        except UnknownSubject:
            return None
        return found if isinstance(found, PersonalData) else None


def _files(settings: Settings) -> Files:
    if not settings.documents_url:
        return DiskFiles(settings.data / "documents")
    # Only here: the extra that brings the library need not be installed.
    from adapters.documents.objects import object_files

    return object_files(settings.documents_url)


@asynccontextmanager
async def parts(settings: Settings, application: str) -> AsyncIterator[Parts]:
    """Make the parts, and put them away in the end."""
    engine = make_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        overflow=settings.database_pool_overflow,
        application=application,
    )
    http = http_client()
    keys = PostgresCustomerKeys(engine, MasterKeys(key_bytes(settings.master_key)))
    try:
        yield Parts(
            settings=settings,
            engine=engine,
            http=http,
            keys=keys,
            vault=PostgresVault(engine, keys, Lookup(key_bytes(settings.lookup_key))),
            transactions=PostgresTransactions(engine),
            reservations=MergedReservations(engine),
            events=PostgresInboundEvents(engine),
            payments=by_means(
                LedgeredPayments(engine, SimulatorPayments(settings.payments_url, http), CARDS),
                engine,
                key_bytes(settings.code_key),
                settings.api_url,
            ),
            balances=PostgresBalances(engine, key_bytes(settings.code_key), CARDS),
            shipping=SimulatorShipping(settings.carriers_url, http),
            lockers=SimulatorLockers(settings.lockers_url, http),
            partners=SimulatorPartners(settings.partners_url, http),
            links=CustomerLinks(ring_bytes(settings.link_key)),
            screening=SimulatedScreening(),
            files=_files(settings),
        )
    finally:
        await http.aclose()
        await engine.dispose()

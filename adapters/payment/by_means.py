"""One `Payments` over several: each operation goes to whoever holds the money that it is about."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.balances.provider import PROVIDER as BALANCES
from adapters.balances.provider import BalancePayments
from adapters.clock import Clock, system_clock
from adapters.payment.exchange import PROVIDER as EXCHANGES
from adapters.payment.exchange import ExchangeCredits
from adapters.payment.financing import AUTHORISATION, FinancingPayments
from adapters.payment.financing import PROVIDER as LOANS
from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.port import (
    AuthoriseRequest,
    CaptureRequest,
    ListedAuthorisations,
    Payments,
    ProviderDispute,
    ProviderEvent,
    RefundRequest,
    VoidRequest,
)
from domain.balances import OWN_BALANCE
from domain.ids import OperationKey, OrderId
from domain.ledger import Dispute, OrderGoods, OrderStatement
from domain.money import Minor
from domain.payments import Authorisation, AuthorisationId, Capture, Refund, Void
from domain.returns.exchanging import PREFIX
from domain.terms import FINANCING


class PaymentsByMeans:
    """The `Payments` port. `others`: by how their tokens and the ids of their authorisations begin."""

    def __init__(self, provider: Payments, others: Sequence[tuple[str, Payments]]) -> None:
        self._provider = provider
        self._others = others

    def _of(self, name: str) -> Payments:
        return next((each for prefix, each in self._others if name.startswith(prefix)), self._provider)

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        return await self._of(request.token).authorise(request)

    async def capture(self, request: CaptureRequest) -> Capture:
        return await self._of(request.authorisation_id).capture(request)

    async def void(self, request: VoidRequest) -> Void:
        return await self._of(request.authorisation_id).void(request)

    async def refund(self, request: RefundRequest) -> Refund:
        return await self._of(request.authorisation_id).refund(request)

    async def authorisation(self, authorisation_id: AuthorisationId) -> Authorisation:
        return await self._of(authorisation_id).authorisation(authorisation_id)

    async def at_provider(self, authorisation_id: AuthorisationId) -> Authorisation:
        return await self._of(authorisation_id).at_provider(authorisation_id)

    async def listed(self, *, after: str, limit: int) -> ListedAuthorisations:
        """One after the other; a page's place begins with the number of whose it is."""
        number, _, place = after.partition(":")
        at, all_of_them = int(number or 0), list(dict.fromkeys([self._provider, *(each for _, each in self._others)]))
        page = await all_of_them[at].listed(after=place, limit=limit)
        if page.after is not None:
            return ListedAuthorisations(page.items, f"{at}:{page.after}")
        return ListedAuthorisations(page.items, f"{at + 1}:" if at + 1 < len(all_of_them) else None)

    async def do_again(self, authorisation_id: AuthorisationId) -> Minor:
        return await self._of(authorisation_id).do_again(authorisation_id)

    async def free_stray(self, authorisation_id: AuthorisationId, *, key: OperationKey) -> Minor:
        return await self._of(authorisation_id).free_stray(authorisation_id, key=key)

    # What providers say by themselves, and what is read, is the provider's and the whole ledger's.

    async def record_external(self, event: ProviderEvent) -> bool:
        return await self._provider.record_external(event)

    async def record_dispute(self, event: ProviderDispute) -> bool:
        return await self._provider.record_dispute(event)

    async def open_disputes(self, limit: int) -> list[Dispute]:
        return await self._provider.open_disputes(limit)

    async def close_dispute(self, dispute: str, at: datetime, by: str, reason: str) -> bool:
        return await self._provider.close_dispute(dispute, at, by, reason)

    async def statement(self, order_id: OrderId, goods: OrderGoods | None = None) -> OrderStatement:
        return await self._provider.statement(order_id, goods)


def by_means(
    provider: Payments, engine: AsyncEngine, secret: bytes, page: str, clock: Clock = system_clock
) -> PaymentsByMeans:
    """Cards at `provider`; gift cards, store credit, the credit of exchanges and loans are our own.

    `secret`: what the numbers of balances are hashed with. `page`: where customers go on with an application.
    """
    balances = LedgeredPayments(engine, BalancePayments(engine, secret, clock=clock), BALANCES, clock=clock)
    exchanges = LedgeredPayments(engine, ExchangeCredits(engine), EXCHANGES, clock=clock)
    loans = LedgeredPayments(engine, FinancingPayments(engine, page, clock=clock), LOANS, clock=clock)
    return PaymentsByMeans(
        provider, [(OWN_BALANCE, balances), (PREFIX, exchanges), (FINANCING, loans), (AUTHORISATION, loans)]
    )

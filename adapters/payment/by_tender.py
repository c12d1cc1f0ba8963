"""One `Payments` over several providers: cards go to theirs, gift cards and store credit are our own."""

from datetime import datetime

from adapters.balances.provider import is_hold
from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.port import (
    AuthoriseRequest,
    CaptureRequest,
    ProviderDispute,
    ProviderEvent,
    RefundRequest,
    VoidRequest,
)
from domain.balances import read_token
from domain.ids import OrderId
from domain.ledger import Dispute, OrderGoods, OrderStatement
from domain.payments import Authorisation, AuthorisationId, Capture, Refund, Void


class PaymentsByTender:
    """The `Payments` port. What a provider tells or disputes is about cards: a balance is changed by us alone."""

    def __init__(self, cards: LedgeredPayments, balances: LedgeredPayments) -> None:
        self.cards = cards
        self.balances = balances

    def _of(self, authorisation: AuthorisationId) -> LedgeredPayments:
        return self.balances if is_hold(authorisation) else self.cards

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        return await (self.cards if read_token(request.token) is None else self.balances).authorise(request)

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

    async def record_external(self, event: ProviderEvent) -> bool:
        return await self.cards.record_external(event)

    async def record_dispute(self, event: ProviderDispute) -> bool:
        return await self.cards.record_dispute(event)

    async def open_disputes(self, limit: int) -> list[Dispute]:
        return await self.cards.open_disputes(limit)

    async def close_dispute(self, dispute: str, at: datetime, by: str, reason: str) -> bool:
        return await self.cards.close_dispute(dispute, at, by, reason)

    async def statement(self, order_id: OrderId, goods: OrderGoods | None = None) -> OrderStatement:
        return await self.cards.statement(order_id, goods)

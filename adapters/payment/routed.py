"""Several providers behind one port: who holds the money is told from the token, and from an authorisation's id."""

from collections.abc import Mapping

from adapters.payment.provider import Outcome, PaymentProvider
from domain.ids import OperationKey
from domain.money import Money
from domain.payments import Authorisation, AuthorisationId, Capture, Refund, Void


class Route:
    """`token`, `authorisation`: how those of this provider begin."""

    def __init__(self, provider: PaymentProvider, *, token: str, authorisation: str) -> None:
        self.provider = provider
        self.token = token
        self.authorisation = authorisation


class RoutedPayments:
    """A `PaymentProvider`. What belongs to no route is the usual provider's."""

    def __init__(self, usual: PaymentProvider, routes: Mapping[str, Route]) -> None:
        self._usual = usual
        self._routes = routes

    async def authorise(
        self, *, reference: str, token: str, amount: Money, key: OperationKey, extend: AuthorisationId | None = None
    ) -> Authorisation:
        provider = next(
            (each.provider for each in self._routes.values() if token.startswith(each.token)),
            self._usual,
        )
        return await provider.authorise(reference=reference, token=token, amount=amount, key=key, extend=extend)

    async def capture(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Capture:
        return await self._of(authorisation).capture(authorisation, amount, key=key)

    async def void(self, authorisation: AuthorisationId, *, amount: Money | None, key: OperationKey) -> Void:
        return await self._of(authorisation).void(authorisation, amount=amount, key=key)

    async def refund(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Refund:
        return await self._of(authorisation).refund(authorisation, amount, key=key)

    async def refund_settled(self, *, reference: str, settled: str, amount: Money, key: OperationKey) -> Refund:
        return await self._usual.refund_settled(reference=reference, settled=settled, amount=amount, key=key)

    async def find(self, key: OperationKey) -> Outcome | None:
        """Those of our own house are asked first: they cost a look into our database."""
        for route in self._routes.values():
            if (found := await route.provider.find(key)) is not None:
                return found
        return await self._usual.find(key)

    async def authorisation(self, authorisation: AuthorisationId) -> Authorisation:
        return await self._of(authorisation).authorisation(authorisation)

    def _of(self, authorisation: AuthorisationId) -> PaymentProvider:
        return next(
            (each.provider for each in self._routes.values() if authorisation.startswith(each.authorisation)),
            self._usual,
        )

"""The provider port spoken in calls and answers; what carries them (HTTP, or the engine itself) is a subclass's."""

from abc import ABC, abstractmethod
from typing import Any, NoReturn

from adapters.payment.provider import (
    AmountMismatch,
    Declined,
    KeyConflict,
    ListedAuthorisations,
    NotUnderstood,
    Outcome,
    OutcomeUnknown,
    Unavailable,
    UnknownPayment,
)
from adapters.simulators.payment.wire import Call
from adapters.simulators.wire import Answer
from domain.ids import OperationKey
from domain.money import Money
from domain.payments import (
    Authorisation,
    AuthorisationId,
    Capture,
    DeclineReason,
    OperationKind,
    OperationStatus,
    Refund,
    Void,
)

_MISMATCHES = {"amount_too_large", "amount_invalid", "currency_mismatch"}


class SpokenPayments(ABC):
    """Implements `adapters.payment.provider.PaymentProvider`."""

    @abstractmethod
    async def _carry(self, call: Call) -> Answer:
        """Bring a call to the provider. Raises `Unavailable` if it cannot have arrived, `OutcomeUnknown` if it may."""

    async def authorise(
        self, *, reference: str, token: str, amount: Money, key: OperationKey, extend: AuthorisationId | None = None
    ) -> Authorisation:
        body = {"reference": reference, "token": token, **_money(amount)}
        if extend is not None:
            body["extend"] = extend
        return Authorisation.model_validate(await self._ask(OperationKind.AUTHORISE, body, key=key))

    async def capture(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Capture:
        answer = await self._carry(Call(OperationKind.CAPTURE, _money(amount), authorisation, key))
        if answer.body.get("code") == "already_captured" and not answer.lost:
            captured = Money(amount=answer.body["captured"], currency=answer.body["currency"])
            if captured != amount:
                raise AmountMismatch(f"All is captured already: {captured}, not {amount}.", available=0)
            nothing = Money(amount=0, currency=amount.currency)
            return Capture(
                id=answer.body["id"], authorisation_id=authorisation, amount=amount, remaining=nothing, already=True
            )
        return _capture(_content(answer))

    async def void(self, authorisation: AuthorisationId, *, amount: Money | None, key: OperationKey) -> Void:
        body = _money(amount) if amount is not None else {}
        return _void(await self._ask(OperationKind.VOID, body, authorisation, key))

    async def refund(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Refund:
        return _refund(await self._ask(OperationKind.REFUND, _money(amount), authorisation, key))

    async def refund_settled(self, *, reference: str, settled: str, amount: Money, key: OperationKey) -> Refund:
        body = {"reference": reference, "settled": settled, **_money(amount)}
        return _refund(await self._ask(OperationKind.REFUND, body, key=key))

    async def find(self, key: OperationKey) -> Outcome | None:
        answer = await self._look(Call("find", key=key))
        if answer.body.get("code") == "unknown_operation":
            return None
        found = _content(answer)
        kind = OperationKind(found["operation"])
        if found["status"] == OperationStatus.FAILED and not found["answer"]:
            raise Declined(_reason(found["reason"]))
        match kind:
            case OperationKind.AUTHORISE:
                return Authorisation.model_validate(found["answer"])
            case OperationKind.CAPTURE:
                return _capture(found["answer"])
            case OperationKind.VOID:
                return _void(found["answer"])
            case OperationKind.REFUND:
                return _refund(found["answer"])

    async def authorisation(self, authorisation: AuthorisationId) -> Authorisation:
        answer = await self._look(Call("authorisation", authorisation_id=authorisation))
        return Authorisation.model_validate(_content(answer))

    async def listed(self, *, after: str, limit: int) -> ListedAuthorisations:
        answer = _content(await self._look(Call("listed", {"after": after, "limit": limit})))
        return ListedAuthorisations(
            [Authorisation.model_validate(each) for each in answer["items"]], answer["next"] or None
        )

    async def _look(self, call: Call) -> Answer:
        """A question has no effect, so a lost answer leaves nothing unknown: it may simply be asked again."""
        try:
            answer = await self._carry(call)
        except OutcomeUnknown as fault:
            raise Unavailable from fault
        if answer.lost:
            raise Unavailable
        return answer

    async def _ask(
        self,
        verb: OperationKind,
        body: dict[str, Any],
        authorisation: AuthorisationId | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        return _content(await self._carry(Call(verb, body, authorisation, key)))


def _content(answer: Answer) -> dict[str, Any]:
    if answer.lost:
        raise OutcomeUnknown
    return answer.body if answer.status in (200, 201) else _raise(answer)


def _raise(answer: Answer) -> NoReturn:
    code = answer.body.get("code")
    if answer.status == 402:
        raise Declined(_reason(answer.body.get("reason")))
    if answer.status == 429 or answer.status >= 500:
        raise Unavailable(answer.retry_after)
    if code == "unknown_authorisation":
        raise UnknownPayment
    if code == "key_conflict":
        raise KeyConflict
    if code == "wrong_state":
        raise Declined(DeclineReason.OTHER)
    if code in _MISMATCHES:
        raise AmountMismatch(answer.body["message"], available=answer.body.get("available"))
    raise NotUnderstood(answer.status, code)


def _reason(word: Any) -> DeclineReason:
    return DeclineReason(word) if word in set(DeclineReason) else DeclineReason.OTHER


def _money(amount: Money) -> dict[str, Any]:
    return amount.model_dump()


def _amount(answer: dict[str, Any], field: str = "amount") -> Money:
    return Money(amount=answer[field], currency=answer["currency"])


def _capture(answer: dict[str, Any]) -> Capture:
    return Capture(
        id=answer["id"],
        authorisation_id=answer["authorisation_id"],
        amount=_amount(answer),
        remaining=_amount(answer, "remaining"),
    )


def _void(answer: dict[str, Any]) -> Void:
    return Void(id=answer["id"], authorisation_id=answer["authorisation_id"], amount=_amount(answer))


def _refund(answer: dict[str, Any]) -> Refund:
    return Refund(
        id=answer["id"],
        authorisation_id=answer["authorisation_id"],
        amount=_amount(answer),
        status=OperationStatus(answer["status"]),
    )

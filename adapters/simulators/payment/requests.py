"""The bodies that the provider takes: strict, and nothing unknown in them."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.money import Currency

Amount = Annotated[int, Field(strict=True, gt=0, le=10**15)]
Name = Annotated[str, Field(min_length=1, max_length=255)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AuthoriseBody(_Body):
    reference: Name
    token: Name
    amount: Amount
    currency: Currency
    extend: Name | None = None


class CaptureBody(_Body):
    amount: Amount
    currency: Currency


class VoidBody(_Body):
    """Nothing in it: all that is left."""

    amount: Amount | None = None
    currency: Currency | None = None


class RefundBody(_Body):
    """Of an authorisation, or of a charge `settled` by a channel for our `reference`."""

    authorisation_id: Name | None = None
    reference: Name | None = None
    settled: Name | None = None
    amount: Amount
    currency: Currency

    @model_validator(mode="after")
    def _names_what_is_refunded(self) -> Self:
        by_settled = self.reference is not None and self.settled is not None
        if (self.authorisation_id is not None) == by_settled:
            raise ValueError("give authorisation_id, or reference and settled")
        return self


class PayoutBody(_Body):
    """Money to the account behind `token`."""

    reference: Name
    token: Name
    amount: Amount
    currency: Currency


class ActionBody(_Body):
    outcome: Annotated[str, Field(pattern="^(approve|decline)$")]


class DisputeBody(_Body):
    authorisation_id: Name
    amount: Amount | None = None

"""A customer who opened a link: the order as it is now, in the customer's words, and what a form may do to it."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from starlette.requests import Request
from temporalio.workflow import UpdateMethodMultiParam

from adapters.notification.format import Formats, cleaned
from adapters.places.port import Place
from adapters.vault.port import Subject
from domain.actors import Actor, ActorKind, Channel
from domain.ids import CommandId, LineId, OrderId, derived_id
from domain.personal import PersonalData
from domain.refusals import Refused
from domain.views import GroupView, OrderView
from gateway import commands
from gateway.account.rendering import Words, formats_for, language_of, words_in
from gateway.commands import Ended, StillWorking
from gateway.links import CustomerLink
from gateway.problems import not_found, of_refusal
from gateway.services import Services
from gateway.showing import person_shown
from workflows.messages import Command
from workflows.order import OrderWorkflow

Sent = TypeVar("Sent", bound=Command)
Answer = TypeVar("Answer")

Form = Mapping[str, str]


class Outcome(NamedTuple):
    """What a form came to, in a sentence."""

    text: str
    tone: str = "good"
    status: int = 200


class NotDone(Exception):
    def __init__(self, outcome: Outcome):
        self.outcome = outcome


@dataclass(frozen=True)
class Visit:
    services: Services
    token: str
    link: CustomerLink
    order: OrderView
    words: Words
    formats: Formats
    names: Mapping[str, str]
    """Of the items, by SKU."""
    place: Place | None
    """The store of the link's pickup."""
    person: PersonalData | None

    @property
    def group(self) -> GroupView | None:
        return next((group for group in self.order.groups if group.n == self.link.group), None)

    @property
    def name(self) -> str | None:
        return cleaned(self.person.name) if self.person and self.person.name else None

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.CUSTOMER, id=self.order.customer_ref, channel=Channel.LINK)

    def when(self, at: datetime | None) -> str | None:
        return self.formats.when(at) if at else None

    def goods(self, lines: Iterable[tuple[LineId, int]]) -> list[dict[str, Any]]:
        skus = {line.line_id: line.sku for line in self.order.lines}
        return [
            {"quantity": n, "name": cleaned(self.names.get(skus.get(line, ""), skus.get(line, line)))}
            for line, n in lines
            if n
        ]

    def owed(self) -> list[dict[str, Any]]:
        return self.goods((line.line_id, line.quantity) for line in self.group.lines) if self.group else []

    def command_id(self, form: Form) -> CommandId:
        """The same for the same form, however often it is sent: each shown form has a number of its own (`once`)."""
        sent = [f"{name}={value}" for name, value in sorted(form.items())]
        return CommandId(derived_id("link", self.token, *sent))

    async def send(self, do: UpdateMethodMultiParam[[OrderWorkflow, Sent], Answer], command: Sent) -> Answer:
        """Raises `NotDone` with what to tell the customer."""
        refused = self.words["refused"]
        try:
            return await commands.update(self.services.temporal, self.order.order_id, do, command)
        except Ended:
            raise NotDone(Outcome(refused["not-allowed-now"], "bad", 409)) from None
        except StillWorking:
            raise NotDone(Outcome(refused["pending"], "", 202)) from None
        except Refused as fault:
            text = refused.get(fault.refusal.kind.value, refused["other"])
            raise NotDone(Outcome(text, "bad", of_refusal(fault.refusal).status)) from None

    async def again(self) -> "Visit":
        """The same visit, with the order as it is after the act."""
        return await _visit(self.services, self.token, self.link, None, self.formats.locale)


def _proposed(order: OrderView) -> set[str]:
    return {group.proposal.sku for group in order.groups if group.proposal is not None}


def new_form() -> str:
    return secrets.token_hex(8)


async def visit(services: Services, request: Request, token: str) -> Visit:
    """Raises 404 for a link that we never made, 410 for one that is over, 429 for too many requests."""
    link: CustomerLink = request.app.state.links.read(token, services.now())
    request.app.state.rate_limit.count(f"link/{link.order_id}")
    return await _visit(services, token, link, request.headers.get("accept-language"), None)


async def _visit(services: Services, token: str, link: CustomerLink, accepted: str | None, locale: str | None) -> Visit:
    order_id = OrderId(link.order_id)
    async with services.transactions.begin() as books:
        order = await books.records.order(order_id)
        if order is None:
            raise not_found()
        notices = [] if locale else await books.outbox.list_for_order(order_id)
        items = await books.items.items(sorted({line.sku for line in order.lines} | _proposed(order)))
        group = next((group for group in order.groups if group.n == link.group), None)
        store_id = group.store_id if group else order.groups[0].store_id if order.groups else None
        place = await books.places.place(store_id) if store_id else None
    spoken = locale or (notices[0].notice.locale if notices else None)
    language = language_of(spoken, accepted)
    return Visit(
        services=services,
        token=token,
        link=link,
        order=order,
        words=words_in(language),
        formats=formats_for(spoken, language, place.hours.zone if place else None),
        names={item.sku: item.name for item in items},
        place=place,
        person=await person_shown(services, Subject(order_id)),
    )

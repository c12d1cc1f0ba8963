"""What ops can search running and closed orders by. Typed, registered at start-up, and free of personal data."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

from domain.lending.application import Application
from domain.lending.clocks import ClockName
from domain.order import Order
from domain.terms import OrderTerms

STATUS = SearchAttributeKey.for_keyword("OrderStatus")
CHANNEL = SearchAttributeKey.for_keyword("OrderChannel")
EXTERNAL_ID = SearchAttributeKey.for_keyword("OrderExternalId")
STORES = SearchAttributeKey.for_keyword_list("OrderStores")
WAITING_FOR = SearchAttributeKey.for_keyword_list("OrderWaitingFor")
WHO_MUST_ACT = SearchAttributeKey.for_keyword_list("OrderWhoMustAct")
DEADLINE = SearchAttributeKey.for_datetime("OrderDeadline")
APPLICATION_STAGE = SearchAttributeKey.for_keyword("ApplicationStage")
"""Where an application is, or its outcome once it has one."""
APPLICATION_PRODUCT = SearchAttributeKey.for_keyword("ApplicationProduct")

_TYPES = {
    STATUS.name: "Keyword",
    CHANNEL.name: "Keyword",
    EXTERNAL_ID.name: "Keyword",
    STORES.name: "KeywordList",
    WAITING_FOR.name: "KeywordList",
    WHO_MUST_ACT.name: "KeywordList",
    DEADLINE.name: "Datetime",
    APPLICATION_STAGE.name: "Keyword",
    APPLICATION_PRODUCT.name: "Keyword",
}


def search_attributes() -> dict[str, str]:
    """Names and types as `temporal operator search-attribute create` wants them."""
    return dict(_TYPES)


def at_start(terms: OrderTerms) -> TypedSearchAttributes:
    """What is known before the first task; set by whoever starts the workflow, so that it costs no event."""
    stores = sorted({pickup.store_id for pickup in terms.pickups})
    return TypedSearchAttributes(
        [
            SearchAttributePair(STATUS, "placing"),
            SearchAttributePair(CHANNEL, terms.channel.value),
            SearchAttributePair(EXTERNAL_ID, terms.external_id),
            # Where something ships from is not known yet, and an empty list is nothing that a worker can read.
            *([SearchAttributePair(STORES, stores)] if stores else []),
        ]
    )


def carried(order: Order) -> TypedSearchAttributes:
    """All that is known now, for the next run of a long order.

    Left to itself the server hands on an attribute that was unset as an empty value, which no worker can read.
    """
    known: list[tuple[SearchAttributeKey, object]] = [  # type: ignore[type-arg]
        (CHANNEL, order.terms.channel.value),
        (EXTERNAL_ID, order.terms.external_id),
        *_present(order),
    ]
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in known if value is not None])


def _present(order: Order) -> list[tuple[SearchAttributeKey, object]]:  # type: ignore[type-arg]
    waits = order.view().waiting_for
    return [
        (STATUS, order.status.value),
        (STORES, sorted({group.store_id for group in order.groups if group.store_id}) or None),
        (WAITING_FOR, sorted({wait.kind.value for wait in waits}) or None),
        (WHO_MUST_ACT, sorted({wait.who for wait in waits}) or None),
        (DEADLINE, min((wait.deadline for wait in waits if wait.deadline), default=None)),
    ]


PASSING = ("notice", "checks")


def of_application(application: Application) -> TypedSearchAttributes:
    """An application's, for the next run of a long one."""
    known = [(CHANNEL, application.channel.value), (APPLICATION_PRODUCT, application.product.product)]
    present = [*known, *_present_of_application(application)]
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in present if value is not None])


def _present_of_application(application: Application) -> list[tuple[SearchAttributeKey, object]]:  # type: ignore[type-arg]
    """What it waits for, under the names that orders have, so that one search finds both; not what takes a moment."""
    waits = [wait for wait in application.waits() if wait.kind not in PASSING]
    if application.review_is_late and not workflow.patched("a late review is waited for"):
        waits = [wait for wait in waits if wait.kind != ClockName.REVIEW.value]
    return [
        (APPLICATION_STAGE, (application.outcome or application.stage).value),
        (WAITING_FOR, sorted({wait.kind for wait in waits}) or None),
        (WHO_MUST_ACT, sorted({wait.who for wait in waits}) or None),
        (DEADLINE, min((wait.deadline for wait in waits if wait.deadline), default=None)),
    ]


class Visible:
    """The values that ops can search by, and which of them have changed since they were last shown."""

    def __init__(self) -> None:
        self._shown: dict[str, object] = {}

    def changes(self, order: Order) -> list[SearchAttributeUpdate]:  # type: ignore[type-arg]
        return self._changes(_present(order))

    def changes_of_application(self, application: Application) -> list[SearchAttributeUpdate]:  # type: ignore[type-arg]
        return self._changes(_present_of_application(application))

    def _changes(self, present: list[tuple[SearchAttributeKey, object]]) -> list[SearchAttributeUpdate]:  # type: ignore[type-arg]
        updates = []
        for key, value in present:
            if self._shown.get(key.name) != value:
                updates.append(key.value_unset() if value is None else key.value_set(value))
                self._shown[key.name] = value
        return updates

"""Notices hold facts, know their audience, and name what happened once for ever."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from domain.ids import GroupId, OrderId, StoreId
from domain.notices import Audience, Notice, NoticeFacts, NoticeKind, notice_key

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def notice(kind: NoticeKind = NoticeKind.READY_FOR_PICKUP, **fields: object) -> Notice:
    order = OrderId("o1")
    values = {"key": notice_key(order, kind, 1), "kind": kind, "order_id": order, "at": AT} | fields
    return Notice.model_validate(values)


def test_a_key_says_what_happened_and_nothing_else() -> None:
    assert notice_key(OrderId("o1"), "ready", 1) == "o1:ready:1"


def test_twelve_kinds_are_for_the_store_and_all_others_for_the_customer() -> None:
    for_store = {kind for kind in NoticeKind if kind.audience is Audience.STORE}
    assert for_store == {kind for kind in NoticeKind if kind.name.startswith("STORE_")}
    assert len(for_store) == 12


def test_a_notice_to_a_store_names_the_store() -> None:
    with pytest.raises(ValidationError, match="store_id"):
        notice(NoticeKind.STORE_NEW_ORDER)
    assert notice(NoticeKind.STORE_NEW_ORDER, store_id=StoreId("S001")).audience is Audience.STORE


def test_a_code_belongs_to_a_group() -> None:
    with pytest.raises(ValidationError, match="group_id"):
        notice(facts=NoticeFacts(code_serial=1))
    assert notice(facts=NoticeFacts(code_serial=1), group_id=GroupId("pickup/o1/1")).facts.code_serial == 1


def test_no_kind_for_the_store_shows_the_code() -> None:
    assert not [kind for kind in NoticeKind if kind.audience is Audience.STORE and kind.shows_code]


@pytest.mark.parametrize(
    "kind", [NoticeKind.READY_FOR_PICKUP, NoticeKind.PICKUP_EXPIRED, NoticeKind.REFUND_DONE, NoticeKind.CHOICE_NEEDED]
)
def test_what_concerns_money_or_rights_cannot_be_declined(kind: NoticeKind) -> None:
    assert not kind.may_be_declined


def test_a_reminder_can_be_declined() -> None:
    assert NoticeKind.PICKUP_REMINDER.may_be_declined


def test_a_copy_has_its_number_and_is_never_too_late() -> None:
    later = datetime(2026, 11, 23, tzinfo=UTC)
    copy = notice(until=AT).copy_for(2, later)
    assert (copy.key, copy.at, copy.until) == (f"{notice().key}#2", later, None)
    assert copy.copy_for(3, later).key == f"{notice().key}#3"


@pytest.mark.parametrize("field", ["email", "name", "phone"])
def test_facts_have_no_room_for_a_person(field: str) -> None:
    with pytest.raises(ValidationError, match="extra"):
        NoticeFacts.model_validate({field: "x"})


@pytest.mark.parametrize("locale", ["../../etc", "de/AT", "", "e" * 40])
def test_a_locale_is_a_language_tag_and_no_path(locale: str) -> None:
    with pytest.raises(ValidationError, match="locale"):
        notice(locale=locale)

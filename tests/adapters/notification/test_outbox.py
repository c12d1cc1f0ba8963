"""The contract of the outbox, on both implementations."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from adapters.notification.port import NoticeState, Outbox, OutboxEntry, UnknownNotice
from domain.actors import Actor, ActorKind, Channel
from domain.ids import GroupId, OrderId
from domain.money import Money
from domain.notices import Notice, NoticeFacts, NoticeKind, NoticeLine

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
LEASE = timedelta(minutes=2)
ORDER = OrderId("o1")
OPS = Actor(kind=ActorKind.OPS, id="ops-1", channel=Channel.OPS)
MakeNotice = Callable[..., Notice]


async def only(outbox: Outbox) -> OutboxEntry:
    (entry,) = await outbox.list_for_order(ORDER)
    return entry


async def test_what_is_added_comes_out_unchanged(outbox: Outbox, make_notice: MakeNotice) -> None:
    facts = NoticeFacts(
        order_number="W-1001",
        lines=(NoticeLine(sku="SHOE-42", quantity=2, name="<b>Shoe</b> \u202eevil"),),
        total=Money(amount=9998, currency="EUR"),
        deadline=AT + timedelta(days=3),
        zone="Europe/Berlin",
        code_serial=2,
        choices=("wait", "cancel"),
    )
    notice = make_notice(NoticeKind.READY_FOR_PICKUP, facts=facts, until=AT + timedelta(days=3), locale="de-AT")
    await outbox.add([notice])
    (claimed,) = await outbox.claim(10, AT)
    assert claimed.notice == notice
    assert (claimed.attempts, claimed.first_attempt_at) == (0, AT)


async def test_a_key_is_kept_once_for_ever(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.add([make_notice(), make_notice(locale="de")])
    await outbox.claim(10, AT)
    await outbox.sent(make_notice().key, AT, "<id>")
    await outbox.add([make_notice(locale="fr")])
    entry = await only(outbox)
    assert entry.notice.locale == "en"
    assert await outbox.claim(10, AT + timedelta(days=1)) == []


async def test_nothing_is_claimed_before_its_time(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.add([make_notice()])
    assert await outbox.claim(10, AT - timedelta(seconds=1)) == []
    assert len(await outbox.claim(10, AT)) == 1


async def test_the_oldest_come_first_and_no_more_than_asked(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.add([make_notice(number=n, at=AT - timedelta(minutes=n)) for n in (1, 3, 2)])
    first = await outbox.claim(2, AT)
    assert [one.notice.key for one in first] == [make_notice(number=n).key for n in (3, 2)]
    assert [one.notice.key for one in await outbox.claim(2, AT)] == [make_notice(number=1).key]


async def test_a_lease_keeps_others_away_until_it_ends(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.add([make_notice()])
    assert len(await outbox.claim(10, AT)) == 1
    assert await outbox.claim(10, AT + LEASE - timedelta(seconds=1)) == []
    (again,) = await outbox.claim(10, AT + LEASE)
    assert again.first_attempt_at == AT


async def test_claims_side_by_side_share_nothing(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.add([make_notice(number=n) for n in range(20)])
    batches = await asyncio.gather(*(outbox.claim(8, AT) for _ in range(4)))
    keys = [one.notice.key for batch in batches for one in batch]
    assert len(keys) == len(set(keys)) == 20


async def test_a_failure_is_tried_again_at_the_time_given(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.add([make_notice()])
    await outbox.claim(10, AT)
    again = AT + timedelta(seconds=5)
    await outbox.failed(make_notice().key, AT, "smtp_451", again)
    entry = await only(outbox)
    assert (entry.state, entry.attempts, entry.last_error) == (NoticeState.PENDING, 1, "smtp_451")
    assert entry.next_attempt_at == await outbox.next_due_at() == again
    assert await outbox.claim(10, AT + timedelta(seconds=4)) == []
    (claimed,) = await outbox.claim(10, again)
    assert claimed.attempts == 1


async def test_what_is_sent_stays_sent(outbox: Outbox, make_notice: MakeNotice) -> None:
    key = make_notice().key
    await outbox.add([make_notice()])
    await outbox.claim(10, AT)
    await outbox.sent(key, AT, "<id>")
    # A slower relay that held an earlier lease comes late with worse news.
    await outbox.failed(key, AT, "smtp_451", AT)
    await outbox.gave_up(key, AT, "smtp_550")
    await outbox.suppressed(key, AT, "erased")
    entry = await only(outbox)
    assert (entry.state, entry.message_id, entry.settled_at) == (NoticeState.SENT, "<id>", AT)
    assert await outbox.next_due_at() is None


async def test_what_was_given_up_is_listed_for_people(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.add([make_notice(number=n) for n in (1, 2, 3)])
    await outbox.claim(10, AT)
    for number in (1, 2):
        await outbox.gave_up(make_notice(number=number).key, AT, "smtp_550 5.1.1")
    failed = await outbox.list_failed(10)
    assert [one.notice.key for one in failed] == [make_notice(number=n).key for n in (2, 1)]
    assert (failed[0].state, failed[0].last_error) == (NoticeState.FAILED, "smtp_550 5.1.1")
    assert len(await outbox.list_failed(1)) == 1


async def test_a_copy_is_a_notice_of_its_own_and_says_who_asked(outbox: Outbox, make_notice: MakeNotice) -> None:
    key = make_notice().key
    await outbox.add([make_notice()])
    await outbox.claim(10, AT)
    await outbox.sent(key, AT, "<id>")
    later = AT + timedelta(hours=1)
    assert await outbox.resend(key, later, OPS) == f"{key}#2"
    assert await outbox.resend(f"{key}#2", later, OPS) == f"{key}#3"
    original, copy, _ = await outbox.list_for_order(ORDER)
    assert (original.state, original.requested_by) == (NoticeState.SENT, None)
    assert (copy.state, copy.requested_by, copy.notice.at) == (NoticeState.PENDING, OPS, later)
    assert [one.notice.key for one in await outbox.claim(10, later)] == [f"{key}#2", f"{key}#3"]


async def test_copies_asked_for_at_once_get_numbers_of_their_own(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.add([make_notice()])
    keys = await asyncio.gather(*(outbox.resend(make_notice().key, AT, OPS) for _ in range(4)))
    assert sorted(keys) == [f"{make_notice().key}#{n}" for n in (2, 3, 4, 5)]


async def test_only_what_exists_can_be_sent_again(outbox: Outbox) -> None:
    with pytest.raises(UnknownNotice):
        await outbox.resend("o1:never:1", AT, OPS)


async def test_reminders_stop_when_they_are_pointless(outbox: Outbox, make_notice: MakeNotice) -> None:
    other = GroupId("pickup/o1/2")
    await outbox.add(
        [
            make_notice(NoticeKind.PICKUP_REMINDER),
            make_notice(NoticeKind.PICKUP_REMINDER, number=2, group_id=other),
            make_notice(NoticeKind.READY_FOR_PICKUP),
            make_notice(NoticeKind.PICKUP_REMINDER, order_id=OrderId("o2")),
        ]
    )
    await outbox.withdraw(ORDER, [NoticeKind.PICKUP_REMINDER], AT, GroupId("pickup/o1/1"))
    states = {one.notice.key: one.state for one in await outbox.list_for_order(ORDER)}
    assert states == {
        "o1:pickup_reminder:1": NoticeState.SUPPRESSED,
        "o1:pickup_reminder:2": NoticeState.PENDING,
        "o1:ready_for_pickup:1": NoticeState.PENDING,
    }
    await outbox.withdraw(ORDER, [NoticeKind.PICKUP_REMINDER], AT)
    keys = [one.notice.key for one in await outbox.claim(10, AT)]
    assert sorted(keys) == ["o1:ready_for_pickup:1", "o2:pickup_reminder:1"]


async def test_an_addition_wakes_who_waits(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.wait_for_work(0.01)
    waiting = asyncio.create_task(outbox.wait_for_work(30))
    await asyncio.sleep(0)
    await outbox.add([make_notice()])
    assert await asyncio.wait_for(waiting, 5)


async def test_what_came_while_nobody_waited_is_not_missed(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.wait_for_work(0.01)
    await outbox.add([make_notice()])
    assert await asyncio.wait_for(outbox.wait_for_work(30), 5)


async def test_a_known_key_wakes_nobody(outbox: Outbox, make_notice: MakeNotice) -> None:
    await outbox.add([make_notice()])
    await outbox.wait_for_work(0.01)
    await outbox.add([make_notice()])
    assert not await outbox.wait_for_work(0.05)

"""The relay: each notice once, troubles apart from each other, and an honest note of what became of it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.notification.memory import MemoryMailer, MemoryOutbox
from adapters.notification.port import Mailer, Message, NoticeState, Outbox, OutboxEntry, Rejected, Unavailable
from adapters.notification.relay import NoticeRelay, pause
from adapters.notification.render import Details, NoticeRenderer, Recipient
from adapters.notification.smtp import SmtpMailer
from domain.ids import OrderId, StoreId
from domain.notices import Notice, NoticeFacts, NoticeKind, Place

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
ORDER = OrderId("o1")
MakeNotice = Callable[..., Notice]
CUSTOMER = Recipient("customer@example.org", "Test Customer", frozenset(NoticeKind))


class People:
    """Who is who; `customer` none is an erased one."""

    customer: Recipient | None = Recipient("customer@example.org", "Test Customer")
    store: Recipient | None = Recipient("s001@example.com")
    fault: Exception | None = None

    async def recipient_of(self, _order: OrderId, _contact: int | None) -> Recipient | None:
        if self.fault:
            raise self.fault
        return self.customer

    async def store_address(self, _store: StoreId) -> Recipient | None:
        return self.store


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


def relay(outbox: Outbox, mailer: Mailer, people: People, templates: Path | None = None, **options: Any) -> NoticeRelay:
    renderer = NoticeRenderer(templates, lambda *_: "12345678", lambda *_: "https://shop.example/c/t")
    return NoticeRelay(
        outbox, mailer, renderer, recipient_of=people.recipient_of, store_address=people.store_address, **options
    )


async def only(outbox: Outbox) -> OutboxEntry:
    (entry,) = await outbox.list_for_order(ORDER)
    return entry


async def test_what_waits_is_sent_to_whom_it_concerns_and_noted(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    await outbox.add([make_notice(), make_notice(NoticeKind.STORE_NEW_ORDER)])
    result = await relay(outbox, mailer, people).run_once(AT)
    assert (result.sent, result.retried, result.suppressed, result.gave_up) == (2, 0, 0, ())
    assert (result.more, result.next_due_at) == (False, None)
    assert {one.to for one in mailer.messages} == {"customer@example.org", "s001@example.com"}
    for entry in await outbox.list_for_order(ORDER):
        assert entry.state is NoticeState.SENT
        assert entry.message_id == f"<{entry.notice.key}@memory>"


@pytest.mark.parametrize(("own", "language"), [(None, "en"), ("de-AT", "de-AT")])
async def test_a_store_is_written_to_in_its_own_language_not_in_its_customers(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice, own: str | None, language: str
) -> None:
    people.store = Recipient("s001@example.com", locale=own)
    asked: list[str] = []

    async def details(notice: Notice) -> Details:
        asked.append(notice.locale)
        return Details()

    await outbox.add(
        [make_notice(kind, locale="de") for kind in (NoticeKind.STORE_NEW_ORDER, NoticeKind.PICKUP_EXPIRED)]
    )
    await relay(outbox, mailer, people, details_of=details).run_once(AT)
    languages = {one.to: one.headers["Content-Language"] for one in mailer.messages}
    assert languages == {"s001@example.com": language, "customer@example.org": "de"}
    assert sorted(asked) == sorted([own or "en", "de"]), "opening hours too"


async def test_two_relays_at_once_send_each_notice_once(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    await outbox.add([make_notice(number=n) for n in range(30)])
    both = [relay(outbox, mailer, people, batch=7) for _ in range(2)]

    async def empty(one: NoticeRelay) -> int:
        sent = 0
        while (result := await one.run_once(AT)).sent:
            sent += result.sent
        return sent

    assert sum(await asyncio.gather(*map(empty, both))) == 30
    keys = [one.key for one in mailer.messages]
    assert len(keys) == len(set(keys)) == 30


async def test_the_server_puts_it_off_then_takes_it_one_mail(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    mailer.faults = [Unavailable("smtp_451")]
    await outbox.add([make_notice()])
    one = relay(outbox, mailer, people)
    result = await one.run_once(AT)
    assert (result.retried, result.next_due_at) == (1, AT + timedelta(seconds=5))
    assert (await one.run_once(AT + timedelta(seconds=4))).sent == 0
    assert (await one.run_once(AT + timedelta(seconds=5))).sent == 1
    assert (await one.run_once(AT + timedelta(days=1))).sent == 0
    assert len(mailer.messages) == 1
    assert (await only(outbox)).attempts == 2


async def test_the_servers_own_wish_is_honoured(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    mailer.faults = [Unavailable("smtp_451", retry_after=120)]
    await outbox.add([make_notice()])
    result = await relay(outbox, mailer, people).run_once(AT)
    assert result.next_due_at == AT + timedelta(seconds=120)


def test_pauses_double_up_to_a_quarter_of_an_hour() -> None:
    seconds = [pause(attempts).total_seconds() for attempts in range(10)]
    assert seconds == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert pause(100_000) == timedelta(minutes=15)
    assert pause(0, 3) == timedelta(seconds=5)


async def test_a_final_refusal_is_work_for_a_person(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    mailer.faults = [Rejected("smtp_550 5.1.1")]
    await outbox.add([make_notice()])
    result = await relay(outbox, mailer, people).run_once(AT)
    (undelivered,) = result.gave_up
    assert (undelivered.key, undelivered.order_id, undelivered.reason) == (make_notice().key, ORDER, "smtp_550 5.1.1")
    assert [one.notice.key for one in await outbox.list_failed(5)] == [make_notice().key]
    assert (await relay(outbox, mailer, people).run_once(AT + timedelta(days=2))).sent == 0


async def test_a_server_away_for_a_day_is_given_up_only_after_trying(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    await outbox.add([make_notice()])
    one = relay(outbox, mailer, people)
    # Nothing of ours ran for two days: that is no try in vain, and the day begins with the first.
    at = AT + timedelta(days=2)
    begin = at
    while (await only(outbox)).state is NoticeState.PENDING:
        mailer.faults = [Unavailable("smtp_down")]
        result = await one.run_once(at)
        at = result.next_due_at or at
    assert timedelta(hours=24) <= at - begin < timedelta(hours=24, minutes=15)
    assert [undelivered.reason for undelivered in result.gave_up] == ["smtp_down"]
    assert mailer.messages == []


async def test_an_outage_of_hours_delays_and_loses_nothing(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    await outbox.add([make_notice(number=n) for n in range(5)])
    one = relay(outbox, mailer, people)
    at = AT
    while at < AT + timedelta(hours=5):
        mailer.faults = [Unavailable("smtp_down")] * 5
        at = (await one.run_once(at)).next_due_at or at
    mailer.faults = []
    assert (await one.run_once(at)).sent == 5
    assert len({message.key for message in mailer.messages}) == len(mailer.messages) == 5


@pytest.mark.parametrize(
    ("customer", "reason"),
    [
        (None, "erased"),
        (Recipient(None, "Nobody"), "no_address"),
        (Recipient("", "Nobody"), "no_address"),
        (CUSTOMER, "opted_out"),
    ],
)
async def test_who_is_gone_or_does_not_want_it_gets_nothing(
    customer: Recipient | None,
    reason: str,
    outbox: Outbox,
    mailer: MemoryMailer,
    people: People,
    make_notice: MakeNotice,
) -> None:
    people.customer = customer
    await outbox.add([make_notice(NoticeKind.PICKUP_REMINDER)])
    result = await relay(outbox, mailer, people).run_once(AT)
    assert (result.suppressed, mailer.messages) == (1, [])
    entry = await only(outbox)
    assert (entry.state, entry.last_error) == (NoticeState.SUPPRESSED, reason)


async def test_what_must_be_said_is_said_whatever_was_declined(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    people.customer = CUSTOMER
    await outbox.add([make_notice(NoticeKind.PICKUP_EXPIRED), make_notice(NoticeKind.REFUND_STARTED)])
    assert (await relay(outbox, mailer, people).run_once(AT)).sent == 2


async def test_an_erased_customer_leaves_the_stores_work_alone(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    people.customer = None
    await outbox.add([make_notice(NoticeKind.STORE_PUT_BACK)])
    assert (await relay(outbox, mailer, people).run_once(AT)).sent == 1


async def test_a_store_without_an_address_is_noted(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    people.store = None
    await outbox.add([make_notice(NoticeKind.STORE_NEW_ORDER)])
    await relay(outbox, mailer, people).run_once(AT)
    assert (await only(outbox)).last_error == "no_address"


async def test_a_reminder_that_comes_too_late_does_not_come(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    until = AT + timedelta(hours=1)
    await outbox.add([make_notice(NoticeKind.PICKUP_REMINDER, until=until)])
    mailer.faults = [Unavailable("smtp_down")]
    one = relay(outbox, mailer, people)
    await one.run_once(until)
    assert (await one.run_once(until + timedelta(seconds=5))).suppressed == 1
    assert (mailer.messages, (await only(outbox)).last_error) == ([], "too_late")


async def test_a_look_up_in_trouble_is_tried_again_and_leaks_nothing(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    people.fault = ConnectionError("no way to the vault for customer@example.org")
    await outbox.add([make_notice()])
    one = relay(outbox, mailer, people)
    assert (await one.run_once(AT)).retried == 1
    assert (await only(outbox)).last_error == "error_ConnectionError"
    people.fault = None
    assert (await one.run_once(AT + timedelta(seconds=5))).sent == 1


async def test_one_broken_template_keeps_no_other_notice_waiting(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice, tmp_path: Path
) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "collected.jinja").write_text("{% block subject %}{{ oops")
    await outbox.add([make_notice(NoticeKind.COLLECTED), make_notice()])
    result = await relay(outbox, mailer, people, templates=tmp_path).run_once(AT)
    assert (result.sent, result.retried) == (1, 1)
    assert [one.key for one in mailer.messages] == [make_notice().key]


async def test_what_a_notice_leaves_out_is_looked_up(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    async def details_of(notice: Notice) -> Details:
        return Details(store=Place(name=f"Store {notice.store_id}"))

    await outbox.add([make_notice(NoticeKind.READY_FOR_PICKUP, facts=NoticeFacts(code_serial=1))])
    await relay(outbox, mailer, people, details_of=details_of).run_once(AT)
    (message,) = mailer.messages
    assert "Store S001" in message.text
    assert "\nCode: 12345678\n" in message.text


class SlowMailer(MemoryMailer):
    """Counts how many mails are under way at once, and waits until told."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = self.most = 0
        self.three, self.go_on = asyncio.Event(), asyncio.Event()

    async def send(self, message: Message) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == 3:
            self.three.set()
        await self.go_on.wait()
        self.under_way -= 1
        await super().send(message)


async def test_mails_go_side_by_side_but_no_more_than_allowed(
    memory_outbox: MemoryOutbox, people: People, make_notice: MakeNotice
) -> None:
    mailer = SlowMailer()
    await memory_outbox.add([make_notice(number=n) for n in range(9)])
    running = asyncio.create_task(relay(memory_outbox, mailer, people, side_by_side=3).run_once(AT))
    await asyncio.wait_for(mailer.three.wait(), 5)
    mailer.go_on.set()
    assert (await running).sent == 9
    assert mailer.most == 3


async def test_nothing_is_begun_that_could_outlast_the_lease(
    memory_outbox: MemoryOutbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    await memory_outbox.add([make_notice()])
    result = await relay(memory_outbox, mailer, people, begin_within=0).run_once(AT)
    assert (result.sent, result.retried, mailer.messages) == (0, 0, [])
    later = AT + timedelta(minutes=2)
    assert result.next_due_at == later
    assert (await relay(memory_outbox, mailer, people).run_once(later)).sent == 1


async def test_a_full_batch_says_that_there_may_be_more(
    outbox: Outbox, mailer: MemoryMailer, people: People, make_notice: MakeNotice
) -> None:
    await outbox.add([make_notice(number=n) for n in range(3)])
    one = relay(outbox, mailer, people, batch=2)
    assert (await one.run_once(AT)).more
    assert not (await one.run_once(AT)).more


class ForgetfulOutbox(MemoryOutbox):
    """Loses the database right after the mail server's answer."""

    async def sent(self, key: str, at: datetime, message_id: str) -> None:
        raise ConnectionError("gone")


async def test_a_fall_between_answer_and_note_repeats_under_the_same_message_id(
    people: People, make_notice: MakeNotice, mail_server: Any
) -> None:
    outbox = ForgetfulOutbox()
    await outbox.add([make_notice()])
    mailer = SmtpMailer("127.0.0.1", mail_server.port, "shop@example.com")
    one = relay(outbox, mailer, people)
    for at in (AT, AT + timedelta(minutes=2)):
        with pytest.raises(ConnectionError):
            await one.run_once(at)
    await mailer.aclose()
    first, second = mail_server.received
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


async def test_from_the_transaction_to_the_mail_box(
    postgres_outbox: Any, people: People, make_notice: MakeNotice, mail_server: Any
) -> None:
    mailer = SmtpMailer("127.0.0.1", mail_server.port, "shop@example.com")
    one = relay(postgres_outbox, mailer, people)
    mail_server.answers.append("451 4.7.1 later")
    facts = NoticeFacts(order_number="W-1001", code_serial=1)
    await postgres_outbox.add([make_notice(NoticeKind.READY_FOR_PICKUP, facts=facts, locale="de")])
    assert await one.wait_for_work(5)
    assert (await one.run_once(AT)).retried == 1
    assert (await one.run_once(AT + timedelta(seconds=5))).sent == 1
    await mailer.aclose()
    (mail,) = mail_server.received
    assert mail["Subject"] == "Abholbereit: Ihre Bestellung W-1001"
    assert "Code: 12345678" in mail.get_body(("plain",)).get_content().splitlines()

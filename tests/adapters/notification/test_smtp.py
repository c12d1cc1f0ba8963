"""Mail against a real SMTP server: taken, put off, refused, away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.notification.port import InlineImage, Message, Rejected, Unavailable
from adapters.notification.smtp import SmtpMailer

PNG = b"\x89PNG\r\n\x1a\nnot really"
Mailers = Callable[..., SmtpMailer]


def message(**fields: Any) -> Message:
    values: dict[str, Any] = {
        "key": "o1:ready_for_pickup:1",
        "to": "customer@example.org",
        "to_name": "Jürgen Müller",
        "subject": "Abholbereit: Bestellung W-1001 ✓",
        "text": "Guten Tag,\n\nCode: 12345678\n",
        "html": '<p>Grüße <img src="cid:code"></p>',
        "at": datetime(2026, 11, 22, 10, tzinfo=UTC),
        "headers": {"Auto-Submitted": "auto-generated"},
        "images": (InlineImage("code", "image/png", PNG),),
    }
    return Message(**values | fields)


@pytest.fixture
async def mailers() -> AsyncIterator[Mailers]:
    made: list[SmtpMailer] = []

    def make(port: int, **options: Any) -> SmtpMailer:
        mailer = SmtpMailer("127.0.0.1", port, "shop@example.com", sender_name="Shop", **options)
        made.append(mailer)
        return mailer

    yield make
    for mailer in made:
        await mailer.aclose()


async def test_a_mail_arrives_whole(mail_server: Any, mailers: Mailers) -> None:
    await mailers(mail_server.port).send(message())
    (mail,) = mail_server.received
    assert mail_server.addressed == [["customer@example.org"]]
    assert mail["To"] == "Jürgen Müller <customer@example.org>"
    assert mail["From"] == "Shop <shop@example.com>"
    assert mail["Subject"] == "Abholbereit: Bestellung W-1001 ✓"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert "Code: 12345678" in mail.get_body(("plain",)).get_content().splitlines()
    assert "Grüße" in mail.get_body(("html",)).get_content()
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert (picture["Content-ID"], picture.get_content()) == ("<code>", PNG)


async def test_copies_of_one_event_carry_one_message_id(mail_server: Any, mailers: Mailers) -> None:
    await mailers(mail_server.port).send(message())
    await mailers(mail_server.port).send(message())
    await mailers(mail_server.port).send(message(key="o1:ready_for_pickup:1#2"))
    first, again, asked_for = [mail["Message-ID"] for mail in mail_server.received]
    assert first == again == mailers(mail_server.port).message_id(message())
    assert asked_for != first
    assert first.endswith("@example.com>")
    assert "o1" not in first


async def test_a_busy_server_takes_it_later_over_the_same_connection(mail_server: Any, mailers: Mailers) -> None:
    mail_server.answers.append("451 4.7.1 try again, customer@example.org")
    mailer = mailers(mail_server.port)
    with pytest.raises(Unavailable) as busy:
        await mailer.send(message())
    assert busy.value.reason == "smtp_451 4.7.1"
    await mailer.send(message())
    assert len(mail_server.received) == len(mail_server.connections) == 1


async def test_an_unknown_address_is_final_and_not_repeated_in_the_fault(mail_server: Any, mailers: Mailers) -> None:
    mail_server.refused["customer@example.org"] = "550 5.1.1 no such user customer@example.org"
    mailer = mailers(mail_server.port)
    with pytest.raises(Rejected) as refused:
        await mailer.send(message())
    assert refused.value.reason == "smtp_550 5.1.1"
    assert "customer" not in f"{refused.value!r}"
    await mailer.send(message(to="other@example.org"))
    assert mail_server.addressed == [["other@example.org"]]


async def test_a_refused_content_is_final(mail_server: Any, mailers: Mailers) -> None:
    mail_server.answers.append("554 5.7.1 looks like spam")
    with pytest.raises(Rejected, match=r"^smtp_554 5\.7\.1$"):
        await mailers(mail_server.port).send(message())


async def test_a_server_that_is_down_is_unavailable(closed_port: int, mailers: Mailers) -> None:
    with pytest.raises(Unavailable, match="smtp_down"):
        await mailers(closed_port).send(message())


async def test_mails_one_after_the_other_share_a_connection(mail_server: Any, mailers: Mailers) -> None:
    mailer = mailers(mail_server.port)
    for number in range(3):
        await mailer.send(message(key=f"k{number}"))
    assert (len(mail_server.received), len(mail_server.connections)) == (3, 1)


async def test_mails_side_by_side_have_a_connection_each_and_keep_only_some(mail_server: Any, mailers: Mailers) -> None:
    mailer = mailers(mail_server.port, keep=2)
    await asyncio.gather(*(mailer.send(message(key=f"k{number}")) for number in range(4)))
    assert len(mail_server.connections) == 4
    await asyncio.gather(*(mailer.send(message(key=f"m{number}")) for number in range(2)))
    assert (len(mail_server.received), len(mail_server.connections)) == (6, 4)


async def test_a_kept_connection_that_died_is_replaced(mail_server: Any, mailers: Mailers) -> None:
    mailer = mailers(mail_server.port)
    await mailer.send(message(key="k1"))
    mail_server.connections[0].close()
    await mailer.send(message(key="k2"))
    assert (len(mail_server.received), len(mail_server.connections)) == (2, 2)


async def test_a_server_that_says_goodbye_is_unavailable(mail_server: Any, mailers: Mailers) -> None:
    mail_server.answers.append("421 4.3.2 shutting down")
    mailer = mailers(mail_server.port)
    with pytest.raises(Unavailable, match="smtp_421"):
        await mailer.send(message())
    await mailer.send(message())
    assert len(mail_server.connections) == 2


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "@example.org", "a@", "a@b\r\nBcc: c@example.org", "a b@example.org", "a@b, c@d", "a@" + "x" * 300],
)
async def test_what_is_no_address_is_refused_before_it_is_sent(
    address: str, mail_server: Any, mailers: Mailers
) -> None:
    with pytest.raises(Rejected, match="bad_address"):
        await mailers(mail_server.port).send(message(to=address))
    assert mail_server.connections == []


@pytest.mark.parametrize("field", ["subject", "to_name"])
async def test_no_header_can_be_split(field: str, mail_server: Any, mailers: Mailers) -> None:
    with pytest.raises(Rejected, match="bad_"):
        await mailers(mail_server.port).send(message(**{field: "x\r\nBcc: other@example.org"}))
    assert mail_server.received == []


async def test_addresses_of_the_whole_world_are_served(mail_server: Any, mailers: Mailers) -> None:
    mailer = mailers(mail_server.port)
    await mailer.send(message(to="info@bücher.example"))
    await mailer.send(message(to="jürgen@example.org"))
    assert mail_server.addressed == [["info@xn--bcher-kva.example"], ["jürgen@example.org"]]


async def _server(handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> asyncio.Server:
    return await asyncio.start_server(handle, "127.0.0.1", 0)


async def test_a_server_that_never_answers_costs_no_more_than_the_time_out(mailers: Mailers) -> None:
    writers: list[asyncio.StreamWriter] = []

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await _server(silent)
    with pytest.raises(Unavailable, match="smtp_timeout"):
        await mailers(server.sockets[0].getsockname()[1], timeout=0.2).send(message())
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()


async def test_a_server_that_turns_us_away_at_the_door_says_nothing_about_the_mail(mailers: Mailers) -> None:
    async def turn_away(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 not you\r\n")
        await writer.drain()
        writer.close()

    server = await _server(turn_away)
    with pytest.raises(Unavailable, match="smtp_connect_554"):
        await mailers(server.sockets[0].getsockname()[1]).send(message())
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("answer", ["535 5.7.8 wrong password", "454 4.7.0 not now"])
async def test_a_failed_login_is_ours_to_mend_and_gives_up_no_mail(answer: str, mailers: Mailers) -> None:
    async def guard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := await reader.readline():
            known = line.upper().startswith(b"EHLO")
            writer.write(b"250-mail\r\n250 AUTH PLAIN\r\n" if known else answer.encode() + b"\r\n")
        writer.close()

    server = await _server(guard)
    mailer = mailers(server.sockets[0].getsockname()[1], username="shop", password="wrong")
    with pytest.raises(Unavailable, match=f"smtp_connect_{answer[:3]}"):
        await mailer.send(message())
    server.close()
    await server.wait_closed()

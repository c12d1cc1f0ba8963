"""The mail catcher as a process: what it keeps, what it shows, and how it refuses."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest

from adapters.http import http_client
from adapters.simulators.mail.mailbox import Mailbox
from tests.adapters.simulators.process import Running, start, started, stop

MODULE = "adapters.simulators.mail"


@pytest.fixture(scope="module")
async def catcher() -> AsyncIterator[Running]:
    async with started(MODULE, "--smtp-port", "0", "--http-port", "0") as running:
        yield running


@pytest.fixture
async def box(catcher: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(catcher.url, timeout=10) as client:
        yield client
        await client.delete("/faults")


def mail(to: str, subject: str = "Ready for pickup", html: str | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "shop@example.org"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{to}.{abs(hash(subject))}>"
    message.set_content("Grüße\n\nCode: 12345678\n")
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


async def send(catcher: Running, message: EmailMessage, recipients: list[str] | None = None) -> None:
    port = int(catcher.ready.rpartition(":")[2])
    await aiosmtplib.send(message, hostname="127.0.0.1", port=port, recipients=recipients, timeout=10)


async def found(box: httpx.AsyncClient, to: str) -> list[dict[str, Any]]:
    return list((await box.get("/messages", params={"to": to})).json()["items"])


async def test_a_mail_is_kept_as_its_reader_sees_it(catcher: Running, box: httpx.AsyncClient) -> None:
    sent = mail("a@example.org", "Größe Ü", "<p>Hello</p>")
    await send(catcher, sent)
    (item,) = await found(box, "A@example.org")
    assert {"id", "at", "to", "from", "subject", "text", "html", "message_id"} == item.keys()
    assert (item["to"], item["from"], item["subject"]) == ("a@example.org", "shop@example.org", "Größe Ü")
    assert "Code: 12345678" in item["text"].splitlines()
    assert item["html"].strip() == "<p>Hello</p>"
    assert item["message_id"] == sent["Message-ID"]


async def test_two_mails_are_two_mails_newest_last_and_each_recipient_has_their_own(
    catcher: Running, box: httpx.AsyncClient
) -> None:
    for subject in ("first", "second", "second"):
        await send(catcher, mail("b@example.org", subject), ["b@example.org", "c@example.org"])
    for to in ("b@example.org", "c@example.org"):
        assert [item["subject"] for item in await found(box, to)] == ["first", "second", "second"]


@pytest.mark.parametrize("code", [451, 550])
async def test_a_planted_refusal_strikes_that_many_times(catcher: Running, box: httpx.AsyncClient, code: int) -> None:
    to = f"refused-{code}@example.org"
    await box.post("/faults", json={"code": code, "count": 2, "to": to})
    await send(catcher, mail("spared@example.org"))
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await send(catcher, mail(to))
        assert refused.value.recipients[0].code == code
    assert await found(box, to) == []
    await send(catcher, mail(to))
    assert len(await found(box, to)) == 1


async def test_a_server_that_is_down_refuses_connections_until_it_is_up(
    catcher: Running, box: httpx.AsyncClient
) -> None:
    assert (await box.post("/faults", json={"mode": "down"})).json()["mode"] == "down"
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await send(catcher, mail("down@example.org"))
    await box.post("/faults", json={"mode": "up"})
    await send(catcher, mail("down@example.org"))
    assert len(await found(box, "down@example.org")) == 1


async def test_the_inbox_shows_markup_only_inside_a_closed_frame(catcher: Running, box: httpx.AsyncClient) -> None:
    await send(catcher, mail("page@example.org", "<script>1</script>", '<p title="x">Hi</p><script>2</script>'))
    inbox = await box.get("/", params={"to": "page@example.org"})
    (item,) = await found(box, "page@example.org")
    page = await box.get(f"/mail/{item['id']}")
    for answer in (inbox, page):
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox=" in page.text
    assert "allow-scripts" not in page.text
    assert "&lt;p title=&#34;x&#34;&gt;Hi" in page.text
    assert (await box.get("/mail/mail_of_nobody")).status_code == 404


async def test_a_strange_character_set_does_not_lose_the_mail(catcher: Running, box: httpx.AsyncClient) -> None:
    message = mail("strange@example.org")
    message.replace_header("Content-Type", 'text/plain; charset="klingon-8"')
    await send(catcher, message)
    (item,) = await found(box, "strange@example.org")
    assert "12345678" in item["text"]


async def test_a_file_keeps_the_mails_over_a_restart_and_a_clear_empties_both(tmp_path: Path) -> None:
    options = ["--smtp-port", "0", "--http-port", "0", "--data", str(tmp_path / "mails.jsonl")]
    running = await start(MODULE, *options)
    try:
        await send(running, mail("kept@example.org"))
    finally:
        assert await stop(running) == 0
    async with started(MODULE, *options) as again, http_client(again.url, timeout=10) as box:
        assert len(await found(box, "kept@example.org")) == 1
        await box.delete("/messages")
        assert (await box.get("/messages")).json() == {"items": []}
    async with started(MODULE, *options) as third, http_client(third.url, timeout=10) as box:
        assert (await box.get("/messages")).json() == {"items": []}


def test_a_subject_that_was_folded_after_its_name_begins_with_its_first_word() -> None:
    mailbox = Mailbox(lambda: datetime(2026, 11, 22, tzinfo=UTC))
    mailbox.take("a@b.example", ["c@d.example"], b"Subject:\r\n =?utf-8?q?Verf=C3=BCgbar?=\r\n\r\nText\r\n")
    assert [message.subject for message in mailbox._messages] == ["Verf\u00fcgbar"]

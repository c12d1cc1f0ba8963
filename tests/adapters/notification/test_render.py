"""Every template in every language, with much and with nothing to say; and names that want to be more than names."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import TemplateError

from adapters.notification.format import Formats, cleaned
from adapters.notification.port import Message
from adapters.notification.render import BUILT_IN, Details, NoticeRenderer, Recipient
from domain.ids import Sku
from domain.locker_stays import CounterReason
from domain.lockers import CompartmentId, LockerId
from domain.money import Money
from domain.notices import LinkKind, Notice, NoticeFacts, NoticeKind, NoticeLine, Place

CODE = "12345678"
LINK = "https://shop.example/c/token?a=1&b=2"
NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
CUSTOMER = Recipient("customer@example.org", "Test Customer")
MakeNotice = Callable[..., Notice]
HOSTILE = "<script>alert(1)</script>{{ 7*7 }}{% raw %}\u202ebad\u2066\r\nBcc: x@example.org\r\n\r\nCode: 99999999\x00"


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


FULL = NoticeFacts(
    order_number="W-1001",
    lines=(NoticeLine(sku="SHOE-42", quantity=2, name="Trail shoe"), NoticeLine(sku="SOCK-1", quantity=1)),
    remaining=(NoticeLine(sku="CAP-1", quantity=3, name="Cap"),),
    total=eur(9998),
    charged=eur(4999),
    released=eur(4998),
    secured=eur(4997),
    refund=eur(1),
    fee=eur(250),
    due=eur(100_000),
    ready_at=NOON,
    previous_ready_at=NOON,
    deadline=datetime(2026, 11, 30, 17, tzinfo=UTC),
    zone="Europe/Berlin",
    store=Place(name="Berlin Mitte", address="Friedrichstr. 100\n10117 Berlin", hours="Mon-Sat 9-18\nSun closed"),
    location="Shelf B3",
    bay="7",
    curbside=True,
    id_needed=True,
    carrier="Swift",
    tracking_number="SW987654325DE",
    delivery_by=NOON,
    code_serial=1,
    link_kind=LinkKind.CHOICE,
    reason="not_in_stock",
    choice="wait",
    choices=("other_store", "wait", "cancel"),
    default_choice="cancel",
)


@cache
def renderer(templates: Path | None = None) -> NoticeRenderer:
    return NoticeRenderer(templates, lambda _group, _serial: CODE, lambda *_: LINK)


class Shape(HTMLParser):
    """Whether every element that is opened is closed, and what they are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def well_made(message: Message) -> None:
    """What holds for every mail whatever it says."""
    assert message.subject
    assert message.subject == cleaned(message.subject)
    for part in (message.text, message.html, message.subject):
        assert not re.search(r"None|Undefined|\{\{|\{%|&amp;amp;|&amp;lt;|datetime", part)
    assert "\n\n\n" not in message.text
    assert not re.search(r"[<>]|&[a-z]+;|&#", message.text)
    assert not re.search(r"\bundefined\b| ,| \.\s|\(\)", message.text)
    assert "table" in Shape(message.html).seen


@pytest.mark.parametrize(("locale", "words"), [("en", "in stock again"), ("de", "wieder vorrätig")])
def test_who_waited_for_stock_reads_that_it_came(locale: str, words: str, make_notice: MakeNotice) -> None:
    facts = FULL.model_copy(update={"choice": "in_stock"})
    message = renderer().render(make_notice(NoticeKind.CHOICE_APPLIED, facts=facts, locale=locale), CUSTOMER, Details())
    assert words in message.text


@pytest.mark.parametrize(
    ("locale", "choice", "words"),
    [
        ("en", "wait", "we look for it a little longer"),
        ("de", "wait", "wir suchen noch etwas länger danach"),
        ("en", "reship", "we send the items again"),
        ("de", "refund", "wir erstatten die Artikel"),
    ],
)
def test_what_is_decided_about_a_parcel_is_not_said_in_the_words_of_a_choice(
    locale: str, choice: str, words: str, make_notice: MakeNotice
) -> None:
    facts = FULL.model_copy(update={"choice": choice})
    message = renderer().render(make_notice(NoticeKind.CLAIM_DECIDED, facts=facts, locale=locale), CUSTOMER, Details())
    assert words in message.text


@pytest.mark.parametrize(("carrier", "shown"), [("kestrel", "Kestrel Post"), ("Own van", "Own van")])
def test_a_carrier_is_called_by_its_name(carrier: str, shown: str, make_notice: MakeNotice) -> None:
    facts = FULL.model_copy(update={"carrier": carrier})
    message = renderer().render(make_notice(NoticeKind.SHIPPED, facts=facts), CUSTOMER, Details())
    assert f"Carrier: {shown}\n" in message.text


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_kind_is_written_in_every_language_with_all_facts_and_with_none(
    kind: NoticeKind, locale: str, make_notice: MakeNotice
) -> None:
    full = renderer().render(make_notice(kind, facts=FULL, locale=locale), CUSTOMER, Details(vehicle="red van"))
    bare = renderer().render(make_notice(kind, facts=NoticeFacts(), locale=locale), Recipient("a@example.org"))
    for message, number in ((full, "W-1001"), (bare, "o1")):
        well_made(message)
        assert number in message.subject
        assert message.headers["Content-Language"] == locale
    assert full.text != bare.text


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_english_and_german_differ(kind: NoticeKind, make_notice: MakeNotice) -> None:
    english, german = (renderer().render(make_notice(kind, locale=one), CUSTOMER) for one in ("en", "de"))
    assert english.subject != german.subject
    shared = {*english.text.splitlines()} & {*german.text.splitlines()}
    assert {line for line in shared if line.strip("-")} == {"Throughline Demo Shop"}


def test_both_languages_have_the_same_files_and_words() -> None:
    import tomllib

    files = [{path.name for path in (BUILT_IN / one).iterdir()} for one in ("en", "de")]
    assert files[0] == files[1] == {*(f"{kind}.jinja" for kind in NoticeKind), "words.toml"}

    def keys(words: dict[str, Any]) -> set[str]:
        return {f"{name}.{inner}" for name, value in words.items() if isinstance(value, dict) for inner in value} | {
            name for name, value in words.items() if not isinstance(value, dict)
        }

    english, german = (tomllib.loads((BUILT_IN / one / "words.toml").read_text("utf-8")) for one in ("en", "de"))
    assert keys(english) == keys(german)


@pytest.mark.parametrize("kind", list(NoticeKind))
@pytest.mark.parametrize("locale", ["en", "de", "fr"])
def test_the_code_stands_on_a_line_of_its_own_where_it_belongs_and_nowhere_else(
    kind: NoticeKind, locale: str, make_notice: MakeNotice
) -> None:
    message = renderer().render(make_notice(kind, facts=FULL, locale=locale), CUSTOMER)
    if kind.shows_code:
        # A carrier's counter scans the parcel's number, which stands on every label.
        code = FULL.tracking_number if kind is NoticeKind.RETURN_LABEL else CODE
        assert re.findall(r"^Code: (\w{8,})$", message.text, re.MULTILINE) == [code]
        assert str(code) in message.html
        (picture,) = message.images
        assert picture.data.startswith(b"\x89PNG")
        assert f"cid:{picture.cid}" in message.html
    else:
        assert CODE not in message.text + message.html + message.subject
        assert message.images == ()


def test_the_code_of_the_right_group_and_serial_is_asked_for(make_notice: MakeNotice) -> None:
    asked: list[tuple[str, int]] = []

    def code_of(group_id: str, serial: int) -> str:
        asked.append((group_id, serial))
        return CODE

    facts = NoticeFacts(code_serial=3)
    NoticeRenderer(None, code_of, lambda *_: LINK).render(make_notice(NoticeKind.CODE_RESENT, facts=facts), CUSTOMER)
    assert asked == [("pickup/o1/1", 3)]


@pytest.mark.parametrize("kind", list(NoticeKind))
@pytest.mark.parametrize("locale", ["en", "de"])
def test_a_hostile_name_stays_a_name(kind: NoticeKind, locale: str, make_notice: MakeNotice) -> None:
    lines = (NoticeLine(sku=Sku(HOSTILE), quantity=1, name=HOSTILE),)
    place = Place(name=HOSTILE, address=HOSTILE, hours=HOSTILE)
    facts = FULL.model_copy(
        update={"order_number": HOSTILE, "lines": lines, "remaining": lines, "store": place}
        | {"location": HOSTILE, "bay": HOSTILE, "code_serial": None}
    )
    message = renderer().render(
        make_notice(kind, facts=facts, locale=locale), Recipient("a@example.org", HOSTILE), Details(vehicle=HOSTILE)
    )
    assert "\n" not in message.subject + message.to_name
    assert "\r" not in message.subject + message.to_name
    assert not {"script"} & Shape(message.html).seen
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in message.html
    assert "{{ 7*7 }}" in message.text
    assert "49" not in message.subject
    for part in (message.subject, message.text, message.html, message.to_name):
        assert not set(part) & {"\u202e", "\u2066", "\x00", "\r"}
    assert not re.search(r"^\s*Bcc:", message.subject + message.to_name, re.MULTILINE)
    # Addresses and hours may have lines, but no line of theirs can pose as the code.
    number = [FULL.tracking_number] if kind is NoticeKind.RETURN_LABEL else []
    assert re.findall(r"^Code: (.*)$", message.text, re.MULTILINE) == number


@pytest.mark.parametrize("name", ["", "مريم", "O'Brien & Søns", "陳大文"])
def test_names_of_the_whole_world_are_kept(name: str, make_notice: MakeNotice) -> None:
    message = renderer().render(make_notice(), Recipient("a@example.org", name))
    assert message.to_name == name
    assert f"Hello {name},".replace(" ,", ",") in message.text


@pytest.mark.parametrize(
    ("locale", "greeting", "tag", "time"),
    [
        ("de-AT", "Guten Tag", "de-AT", "Montag, 30. November 2026, 18:00 MEZ"),
        ("de", "Guten Tag", "de", "Montag, 30. November 2026, 18:00 MEZ"),
        ("de_CH", "Guten Tag", "de-CH", "Montag, 30. November 2026, 18:00 MEZ"),
        ("en-GB", "Hello", "en-GB", "Monday, 30 November 2026, 18:00 CET"),
        ("en-US", "Hello", "en-US", "Monday, November 30, 2026, 6:00 PM CET"),
        ("fr-FR", "Hello", "en", "Monday, November 30, 2026, 6:00 PM CET"),
        ("de-XX-nonsense", "Guten Tag", "de", "Montag, 30. November 2026, 18:00 MEZ"),
    ],
)
def test_a_language_falls_back_and_never_mixes(
    locale: str, greeting: str, tag: str, time: str, make_notice: MakeNotice
) -> None:
    message = renderer().render(make_notice(NoticeKind.WINDOW_EXTENDED, facts=FULL, locale=locale), CUSTOMER)
    assert greeting in message.text
    assert time in message.text
    assert time in message.html
    assert message.headers["Content-Language"] == tag


@pytest.mark.parametrize(
    ("zone", "instant", "shown"),
    [
        ("Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "02:30 CEST"),
        ("Europe/Berlin", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "02:30 CET"),
        ("Asia/Kolkata", datetime(2026, 11, 23, 11, tzinfo=UTC), "16:30 IST"),
        ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC), "03:00 EDT"),
        (None, datetime(2026, 11, 23, 11, tzinfo=UTC), "11:00 UTC"),
        ("No/Where", datetime(2026, 11, 23, 11, tzinfo=UTC), "11:00 UTC"),
        ("../../etc/passwd", datetime(2026, 11, 23, 11, tzinfo=UTC), "11:00 UTC"),
    ],
)
def test_times_are_the_stores_own(zone: str | None, instant: datetime, shown: str) -> None:
    assert Formats("en-GB", "en", zone).when(instant).endswith(f", {shown}")


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "shown"),
    [
        ("en-GB", 9998, "EUR", "€99.98"),
        ("de-DE", 123_456_7, "EUR", "12.345,67\N{NO-BREAK SPACE}€"),
        ("en-US", 5, "USD", "$0.05"),
        ("en-GB", 1500, "JPY", "JP¥1,500"),
        ("en-GB", 1234, "KWD", "KWD\N{NO-BREAK SPACE}1.234"),
        ("en-GB", 1999, "RSD", "RSD\N{NO-BREAK SPACE}19.99"),
        ("en-GB", -250, "GBP", "-£2.50"),
        ("en-GB", 9_007_199_254_740_993, "EUR", "€90,071,992,547,409.93"),
    ],
)
def test_money_is_shown_to_the_minor_unit(locale: str, amount: int, currency: str, shown: str) -> None:
    assert Formats(locale, locale[:2], None).money({"amount": amount, "currency": currency}) == shown


def test_what_the_notice_leaves_out_may_be_looked_up(make_notice: MakeNotice) -> None:
    facts = NoticeFacts(lines=(NoticeLine(sku="A", quantity=1), NoticeLine(sku="B", quantity=1, name="Known")))
    details = Details(store=Place(name="Köln Dom"), zone="Europe/Berlin", names={Sku("A"): "Found", Sku("B"): "Other"})
    text = renderer().render(make_notice(facts=facts), CUSTOMER, details).text
    assert "Köln Dom" in text
    assert "Found (A)" in text
    assert "Known (B)" in text


def test_a_link_is_escaped_in_html_and_plain_in_text(make_notice: MakeNotice) -> None:
    asked: list[tuple[Any, ...]] = []

    def link_of(*args: Any) -> str:
        asked.append(args)
        return LINK

    message = NoticeRenderer(None, lambda *_: CODE, link_of).render(
        make_notice(NoticeKind.CHOICE_NEEDED, facts=FULL), CUSTOMER
    )
    assert f"\n{LINK}\n" in message.text
    assert f'href="{LINK.replace("&", "&amp;")}"' in message.html
    assert asked == [(LinkKind.CHOICE, "o1", "pickup/o1/1", FULL.deadline)]


def test_an_unknown_reason_is_left_out_rather_than_shown_raw(make_notice: MakeNotice) -> None:
    facts = NoticeFacts(reason="brand_new_reason", choices=("unheard_of", "wait"))
    message = renderer().render(make_notice(NoticeKind.CHOICE_NEEDED, facts=facts), CUSTOMER)
    assert "brand_new" not in message.text
    assert "unheard_of" not in message.text


def test_a_seller_replaces_one_template_some_words_and_the_look(tmp_path: Path, make_notice: MakeNotice) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "order_confirmed.jinja").write_text(
        "{% block subject %}Yay {{ order_number }}{% endblock %}{% block title %}Yay{% endblock %}"
        "{% block lead %}We got it.{% endblock %}"
    )
    (tmp_path / "en" / "words.toml").write_text('greeting = "Ahoy"\n[reasons]\nclosed = "the shop has sailed"\n')
    (tmp_path / "theme.toml").write_text('brand = "Pirate & Co"\n[colours]\nbrand = "#000000"\n')
    mine = renderer(tmp_path)
    confirmed = mine.render(make_notice(), CUSTOMER)
    assert confirmed.subject == "Yay W-1001"
    assert "Ahoy Test Customer," in confirmed.text
    assert "Pirate &amp; Co" in confirmed.html
    assert "background:#000000" in confirmed.html
    closed = mine.render(make_notice(NoticeKind.ORDER_CANCELLED, facts=NoticeFacts(reason="closed")), CUSTOMER)
    assert "the shop has sailed" in closed.text
    assert "Your order is cancelled" in closed.text
    assert "W-1001" in renderer().render(make_notice(), CUSTOMER).subject.removeprefix("Yay")


@pytest.mark.parametrize(
    "lead", ["{{ misspelled }}", "{{ fee }}", "{{ ''.__class__.__mro__ }}", "{{ lines.append(1) }}"]
)
def test_a_sellers_template_that_goes_wrong_says_so_and_reaches_nothing(
    lead: str, tmp_path: Path, make_notice: MakeNotice
) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "order_confirmed.jinja").write_text(
        "{% block subject %}S{% endblock %}{% block title %}T{% endblock %}{% block lead %}" + lead + "{% endblock %}"
    )
    with pytest.raises((TemplateError, TypeError)):
        renderer(tmp_path).render(make_notice(), CUSTOMER)


def test_no_message_shows_its_person_or_code_in_a_log(make_notice: MakeNotice) -> None:
    message = renderer().render(make_notice(NoticeKind.READY_FOR_PICKUP, facts=FULL), CUSTOMER)
    assert not re.search(r"customer@|Test Customer|12345678", f"{message!r} {CUSTOMER!r}")


def test_a_very_long_name_makes_no_endless_subject(make_notice: MakeNotice) -> None:
    message = renderer().render(make_notice(facts=NoticeFacts(order_number="9" * 5000)), CUSTOMER)
    assert len(message.subject) <= 150


@pytest.mark.parametrize(("locale", "where"), [("en", "at the till of"), ("de", "an der Kasse der Filiale")])
def test_who_paid_in_the_store_reads_that_the_refund_waits_there(
    make_notice: MakeNotice, locale: str, where: str
) -> None:
    facts = FULL.model_copy(update={"at_till": True})
    message = renderer().render(make_notice(NoticeKind.REFUND_STARTED, facts=facts, locale=locale), CUSTOMER)
    assert where in message.text
    other = renderer().render(make_notice(NoticeKind.REFUND_STARTED, facts=FULL, locale=locale), CUSTOMER)
    assert where not in other.text


@pytest.mark.parametrize(("locale", "label"), [("en", "We wait until"), ("de", "Wir warten bis")])
def test_who_waits_is_not_asked_to_collect(make_notice: MakeNotice, locale: str, label: str) -> None:
    facts = FULL.model_copy(update={"choice": "wait", "ready_at": None})
    message = renderer().render(make_notice(NoticeKind.CHOICE_APPLIED, facts=facts, locale=locale), CUSTOMER)
    assert f"{label}:" in message.text


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("kind", list(NoticeKind))
def test_no_mail_names_a_button_which_its_plain_text_has_not(
    make_notice: MakeNotice, kind: NoticeKind, locale: str
) -> None:
    text = renderer().render(make_notice(kind, facts=FULL, locale=locale), CUSTOMER).text
    assert not [word for word in ("button", "Schaltfläche", "Knopf") if word in text]


def test_what_was_paid_at_the_till_is_not_said_to_be_debited(make_notice: MakeNotice) -> None:
    text = renderer().render(make_notice(NoticeKind.COLLECTED, facts=FULL, locale="de"), CUSTOMER).text
    assert "abgebucht" not in text.casefold()


@pytest.mark.parametrize("locale", ["en", "de"])
def test_the_code_of_a_parcel_machine_is_its_operators(locale: str, make_notice: MakeNotice) -> None:
    facts = NoticeFacts(locker_id=LockerId("L001"), compartment_id=CompartmentId("cmp_1"), code_serial=1)
    kinds = (NoticeKind.READY_IN_LOCKER, NoticeKind.PICKUP_REMINDER, NoticeKind.PICKUP_EXPIRING)
    for kind in kinds:
        message = renderer().render(make_notice(kind, facts=facts, locale=locale), CUSTOMER, Details(code="204731"))
        assert re.findall(r"^Code: (\d+)$", message.text, re.MULTILINE) == ["204731"]
        assert "L001" in message.text
        assert "L001" in message.html
        assert CODE not in message.text + message.html
    # Nothing lies in it any more: nobody has a code.
    gone = renderer().render(make_notice(NoticeKind.READY_IN_LOCKER, facts=facts, locale=locale), CUSTOMER, Details())
    assert "Code:" not in gone.text
    assert gone.images == ()
    well_made(gone)


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("reason", list(CounterReason))
def test_every_reason_for_the_counter_has_words(reason: CounterReason, locale: str, make_notice: MakeNotice) -> None:
    bare, full = (
        renderer().render(
            make_notice(NoticeKind.COUNTER_INSTEAD, facts=NoticeFacts(reason=each), locale=locale), CUSTOMER
        )
        for each in (None, reason.value)
    )
    assert len(full.text) > len(bare.text)

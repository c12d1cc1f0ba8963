"""`/c/{token}`: customers' pages, which work without script, once, and in their language."""

import re
from datetime import timedelta

import httpx
import pytest

from adapters.places.port import Pause
from adapters.vault.port import Subject
from domain.groups import WaitsFor
from domain.holds import Hold, HoldKind
from domain.ids import HoldId, OrderId
from domain.intake import TenderType
from domain.notices import Notice, NoticeKind, notice_key
from domain.personal import PersonalData
from domain.refusals import RefusalKind
from domain.views import NextAction
from gateway.links import LinkKind
from tests.gateway.api.conftest import Shop, a_store, place
from tests.gateway.api.engine import answers_with_group, refused
from workflows import messages


def link(shop: Shop, kind: LinkKind, order_id: str, group: int | None = 1) -> str:
    return shop.services.customer_link(kind, OrderId(order_id), group, None)


def said(answer: httpx.Response) -> str:
    found = re.search(r'role="status">(.*?)</p>', answer.text)
    return found[1] if found else ""


def form(answer: httpx.Response) -> str:
    found = re.search(r'name="once" value="(\w+)"', answer.text)
    assert found
    return found[1]


async def ready(shop: Shop, web: httpx.AsyncClient) -> str:
    order_id = await place(shop, web)
    group, now = shop.engine.of(order_id).order.group(1), shop.services.now()
    group.accepted_at = group.picking_at = group.ready_at = now
    group.deadline, group.latest_deadline = now + timedelta(days=7), now + timedelta(days=14)
    await shop.engine.write(order_id)
    return order_id


async def waiting(shop: Shop, web: httpx.AsyncClient) -> str:
    order_id = await place(shop, web)
    group = shop.engine.of(order_id).order.group(1)
    for units in group.units.values():
        units.open, units.allocated = units.allocated, 0
    group.waits_for, group.choose_by = WaitsFor.CHOICE, shop.services.now() + timedelta(days=2)
    await shop.engine.write(order_id)
    return order_id


async def test_a_page_is_locked_down(shop: Shop, web: httpx.AsyncClient) -> None:
    page = await shop.client().get(link(shop, LinkKind.ARRIVAL, await ready(shop, web)))
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text


@pytest.mark.parametrize("kind", list(LinkKind))
async def test_links_that_are_over_or_not_ours_say_so_on_a_page(
    kind: LinkKind, shop: Shop, web: httpx.AsyncClient
) -> None:
    url = link(shop, kind, await place(shop, web))
    german = shop.client(**{"Accept-Language": "de-CH,de;q=0.9"})
    forged = await german.get(url[:-2] + "xx")
    assert forged.status_code == 404
    assert "funktioniert nicht" in forged.text
    shop.pass_time(days=31)
    over = await shop.client().get(url)
    assert over.status_code == 410
    assert "expired" in over.text
    assert (await shop.client().post(url, data={"option": "cancel"})).status_code == 410


async def test_the_choice_offers_other_stores_and_is_made_once(shop: Shop, web: httpx.AsyncClient) -> None:
    await shop.stock("SHOE", "S2", 1)
    await shop.stock("SHOE", "S3", 9)
    order_id = await waiting(shop, web)
    running = shop.engine.of(order_id)

    def moved(order: object) -> None:
        running.order.group(1).waits_for = None

    running.answers["choose"] = answers_with_group(shop.engine, order_id, moved)
    url, customer = link(shop, LinkKind.CHOICE, order_id), shop.client()
    page = await customer.get(url)
    near, _, far = page.text.partition("<details>")
    assert ("Store S2" in near, "Store S3" in near, "Store S3" in far) == (True, False, True), "111 km is far"
    assert near.index('value="cancel"') < near.index("Store S2"), "seen without scrolling"
    assert "Wednesday, November 25, 2026, 11:00" in page.text
    chosen = {"once": form(page), "option": "other_store", "store_id": "S3"}
    for _ in range(2):
        answer = await customer.post(url, data=chosen)
        assert (answer.status_code, said(answer)[:9]) == (200, "Thank you")
    first, second = running.commands
    assert first.command_id == second.command_id, "the order answers the same form with its first answer"
    assert isinstance(first, messages.Choose)
    assert (first.option, first.store_id, first.n) == ("other_store", "S3", 1)
    assert (first.actor.channel, first.actor.kind) == ("link", "customer")


async def test_the_customer_has_the_items_sent_to_an_address_that_only_the_vault_knows(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    order_id = await waiting(shop, web)
    running, url, customer = shop.engine.of(order_id), link(shop, LinkKind.CHOICE, order_id), shop.client()
    running.answers["choose"] = answers_with_group(shop.engine, order_id)
    page = await customer.get(url)
    home = {"name": "Ann Example", "line1": "Secret Lane 5", "postal_code": "10115", "city": "Berlin", "country": "de"}
    sent = {"once": form(page), "option": "ship"} | home
    answer = await customer.post(url, data=sent | {"country": "Germany"})
    assert (answer.status_code, running.commands) == (422, [])
    answer = await customer.post(url, data=sent)
    assert (answer.status_code, said(answer)[:37]) == (200, "The items are sent to you once the sh"), "not paid yet"
    [command] = running.commands
    assert isinstance(command, messages.Choose)
    assert (command.option, command.n) == ("ship", 1)
    assert "Secret" not in command.model_dump_json()
    assert command.way is not None
    assert command.way.address is not None
    assert command.way.address.destination.country == "DE"
    kept = await shop.services.vault.get(Subject(f"{order_id}/address/{command.way.address.origin}"))
    assert isinstance(kept, PersonalData)
    assert "Secret Lane 5" in kept.address


async def test_nobody_is_offered_what_the_order_would_refuse(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await waiting(shop, web)
    url, customer = link(shop, LinkKind.CHOICE, order_id), shop.client()
    assert 'value="ship"' in (await customer.get(url)).text
    running = shop.engine.of(order_id)
    for tender in running.order.tenders:
        tender.type = TenderType.PAY_IN_STORE
    await shop.engine.write(order_id)
    page = await customer.get(url)
    assert 'value="ship"' not in page.text, "it is to be paid in the store"
    assert 'value="wait"' in page.text


async def test_a_page_speaks_the_language_of_the_order(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await waiting(shop, web)
    notice = Notice(
        key=notice_key(OrderId(order_id), "choice"),
        kind=NoticeKind.CHOICE_NEEDED,
        order_id=OrderId(order_id),
        locale="de-DE",
        at=shop.services.now(),
    )
    async with shop.services.transactions.begin() as books:
        await books.outbox.add([notice])
    page = await shop.client(**{"Accept-Language": "en"}).get(link(shop, LinkKind.CHOICE, order_id))
    assert '<html lang="de">' in page.text
    assert "Mittwoch, 25. November 2026, 11:00 MEZ" in page.text


async def test_a_refusal_is_told_in_words(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await waiting(shop, web)
    shop.engine.of(order_id).answers["choose"] = lambda _: refused(RefusalKind.OUT_OF_STOCK)
    answer = await shop.client().post(
        link(shop, LinkKind.CHOICE, order_id), data={"once": "1", "option": "other_store"}
    )
    assert (answer.status_code, said(answer)[:11]) == (409, "These items")


async def test_an_answer_after_the_order_has_ended_is_told_kindly(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await waiting(shop, web)
    shop.engine.of(order_id).over = True
    answer = await shop.client().post(link(shop, LinkKind.CHOICE, order_id), data={"once": "1", "option": "wait"})
    assert (answer.status_code, said(answer)) == (409, "This is not possible any more.")


async def test_who_arrives_says_where_and_in_what(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await ready(shop, web)
    running = shop.engine.of(order_id)
    running.answers["arrived"] = answers_with_group(shop.engine, order_id)
    answer = await shop.client().post(
        link(shop, LinkKind.ARRIVAL, order_id), data={"once": "1", "bay": "4", "vehicle": "blue van"}
    )
    assert answer.status_code == 200
    [command] = running.commands
    assert isinstance(command, messages.Arrive)
    assert command.bay == "4"
    kept = await shop.services.vault.get(Subject(f"{order_id}/arrival/1"))
    assert kept == PersonalData(vehicle="blue van")


async def test_the_window_is_moved_to_a_closing_time_up_to_the_last_day(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await ready(shop, web)
    running = shop.engine.of(order_id)
    url, customer = link(shop, LinkKind.EXTENSION, order_id), shop.client()
    days = re.findall(r'<option value="(.*?)"', (await customer.get(url)).text)
    assert days[0].startswith("2026-11-30T17:00:00")
    assert days[-1].startswith("2026-12-05T17:00:00")

    def extend(order: object) -> None:
        running.order.group(1).deadline = shop.services.now() + timedelta(days=9)

    running.answers["extend"] = answers_with_group(shop.engine, order_id, extend)
    answer = await customer.post(url, data={"once": "1", "until": days[1].replace("&#43;", "+")})
    assert (answer.status_code, said(answer)[:5]) == (200, "Done.")
    for nonsense in ("tomorrow", "2026-12-01T17:00:00", ""):
        assert (await customer.post(url, data={"once": "1", "until": nonsense})).status_code == 422


async def test_a_held_order_is_paid_and_a_card_number_is_never_taken(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    until = shop.services.now() + timedelta(minutes=30)
    running.order.holds.append(
        Hold(
            hold_id=HoldId("h1"),
            kind=HoldKind.PAYMENT,
            reason="pays",
            owner="customer",
            since=shop.services.now(),
            deadline=until,
        )
    )
    running.order.next_action = NextAction(kind="confirm_payment", url="https://bank.example/3ds", deadline=until)
    await shop.engine.write(order_id)
    running.answers["pay"] = lambda _: messages.OrderAnswer(version=9, status=running.order.status)
    url, customer = link(shop, LinkKind.PAYMENT, order_id, None), shop.client()
    page = await customer.get(url)
    assert "€99.98" in page.text
    assert 'href="https://bank.example/3ds"' in page.text
    card = await customer.post(url, data={"once": "1", "token": "4111 1111 1111 1111"})
    assert card.status_code == 422
    assert "4111" not in card.text
    assert running.commands == []
    assert (await customer.post(url, data={"once": "1", "token": "tok_ok"})).status_code == 200
    [command] = running.commands
    assert isinstance(command, messages.Pay)
    assert [(tender.token, tender.amount) for tender in command.tenders] == [("tok_ok", 9998)]


async def test_names_are_escaped_and_an_erased_person_stays_erased(shop: Shop, web: httpx.AsyncClient) -> None:
    customer = {"ref": "C-markup", "name": "<b>{{7*7}}</b>\u202eEve"}
    order_id = await place(shop, web, customer=customer)
    url = link(shop, LinkKind.ARRIVAL, order_id)
    page = (await shop.client().get(url)).text
    assert "&lt;b&gt;{{7*7}}&lt;/b&gt;Eve" in page
    keys = await shop.services.keys.erase("C-markup", shop.services.now())  # type: ignore[arg-type]
    await shop.services.vault.forget(keys)
    assert "erased" in (await shop.client().get(url)).text


@pytest.mark.parametrize("raw", [b"option=%ff%fe", "option=é".encode(), b"a=1&" * 50, b"x" * 20_000, b"option=a%00b"])
async def test_forms_that_no_page_sends_are_refused(raw: bytes, shop: Shop, web: httpx.AsyncClient) -> None:
    url = link(shop, LinkKind.CHOICE, await waiting(shop, web))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await shop.client().post(url, content=raw, headers=headers)
    assert answer.status_code in (400, 413)
    assert answer.headers["content-type"].startswith("text/html")


async def test_the_nearest_store_is_offered_first_though_a_farther_one_has_more(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    async with shop.services.transactions.begin() as books:
        await books.places.put(a_store("S5", latitude=52.9))
    await shop.stock("SHOE", "S2", 1)
    await shop.stock("SHOE", "S5", 9)
    page = await shop.client().get(link(shop, LinkKind.CHOICE, await waiting(shop, web)))
    assert page.text.index("Store S2") < page.text.index("Store S5")
    async with shop.services.transactions.begin() as books:
        await books.places.put(a_store("S5", pause=Pause()))


async def test_where_every_store_with_the_goods_is_far_that_is_said(shop: Shop, web: httpx.AsyncClient) -> None:
    await shop.stock("SHOE", "S2", 0)
    await shop.stock("SHOE", "S3", 9)
    page = await shop.client().get(link(shop, LinkKind.CHOICE, await waiting(shop, web)))
    assert "No store near has these items now." in page.text
    assert page.text.index("<details>") < page.text.index("Store S3")


async def test_who_has_chosen_to_wait_is_not_asked_again_and_sees_stores_before_the_end_of_it(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    await shop.stock("SHOE", "S2", 1)
    order_id = await waiting(shop, web)
    shop.engine.of(order_id).order.group(1).waits_for = WaitsFor.STOCK
    await shop.engine.write(order_id)
    page = (await shop.client().get(link(shop, LinkKind.CHOICE, order_id))).text
    assert ("<h1>We wait for your items</h1>" in page, "Please choose" in page) == (True, False)
    assert "If they have not come by Wednesday" in page
    assert ('value="wait"' in page, page.index("Store S2") < page.index('value="cancel"')) == (False, True)


async def test_stores_abroad_or_beyond_the_policy_s_distance_are_not_offered(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    async with shop.services.transactions.begin() as books:
        await books.places.put(a_store("S1", country="DE"))
        await books.places.put(a_store("S6", country="PL", latitude=52.51))
        await books.places.put(a_store("S8", country="DE", latitude=58))
    for store, units in (("S2", 1), ("S6", 9), ("S8", 9)):
        await shop.stock("SHOE", store, units)
    page = (await shop.client().get(link(shop, LinkKind.CHOICE, await waiting(shop, web)))).text
    assert [store in page for store in ("Store S2", "Store S6", "Store S8")] == [True, False, False]
    async with shop.services.transactions.begin() as books:
        for store in ("S6", "S8"):
            await books.places.put(a_store(store, pause=Pause()))


async def test_the_front_door_leads_to_the_contract(shop: Shop) -> None:
    answer = await shop.client().get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")

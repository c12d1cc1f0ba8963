"""One order of the demo and the people around it, each act one call over HTTP."""

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from workers.demo.callers import LOOK_AGAIN, PATIENCE, Callers, Refused, Unexpected
from workers.sample.items import ITEMS, KITS

PACE = 0.4
"""Seconds between two acts, so that a person can follow."""
PRICES: dict[str, int] = {item.sku: item.price or 0 for item in (*ITEMS, *KITS)}
GERMAN_SPEAKING = ("S001", "S002", "S003")
CURRENCIES = {"S004": "GBP", "S005": "GBP"} | dict.fromkeys(("S006", "S007", "S008", "S009", "S010"), "USD")

Basket = dict[str, int]
"""Units by SKU; the lines of the order are numbered in this order, from 1."""
Address = dict[str, str]


class Scene:
    """What customers, channels and stores do with one order; `notes` hears each act in words."""

    def __init__(
        self,
        callers: Callers,
        channel: str,
        external_id: str,
        store_id: str,
        basket: Basket,
        notes: Callable[[str], None],
        *,
        address: Address | None = None,
        pace: float = PACE,
    ) -> None:
        self.callers = callers
        self.shop = callers.channel(channel)
        self.channel = channel
        self.external_id = external_id
        self.store_id = store_id
        self.basket = basket
        self.address = address
        self.order: dict[str, Any] = {}
        self.exchange: dict[str, Any] = {}
        """The return that something else is wanted instead of."""
        self.email = f"{external_id.lower()}@customers.example.org"
        self.notes = notes
        self._pace = pace
        self._codes: set[str] = set()
        self._last_act = time.monotonic()

    # --- the customer, through a channel -----------------------------------------------------------------------------

    def body(
        self,
        *,
        tender: str = "tok_ok",
        method: str = "pickup",
        mode: str = "counter",
        locker: str | None = None,
        ships: Collection[str] | None = None,
        service: str = "standard",
        person: dict[str, str] | None = None,
        customer: str | None = None,
    ) -> dict[str, Any]:
        """The order as its channel sends it. `tender` is a card's token, or `pay_in_store`.

        The SKUs in `ships` are shipped (all, where there is no store), by `service`; the customer collects the others,
        by `method`, from the machine `locker` where one is named.
        """
        shipped = ships if ships is not None else (() if self.store_id else self.basket)
        collected = {"method": method, "store_id": self.store_id} | ({"mode": mode} if method == "pickup" else {})
        if locker:
            collected |= {"mode": "locker", "locker_id": locker}
        ways = {
            "f1": {"id": "f1"} | collected,
            "f2": {"id": "f2", "method": "ship", "address": self.address, "service": service},
        }
        german = self.store_id in GERMAN_SPEAKING or not self.store_id
        lines = [
            {
                "line_id": str(n),
                "sku": sku,
                "quantity": quantity,
                "unit_price": PRICES[sku],
                "fulfilment": "f2" if sku in shipped else "f1",
            }
            for n, (sku, quantity) in enumerate(self.basket.items(), start=1)
        ]
        total = sum(PRICES[sku] * quantity for sku, quantity in self.basket.items())
        payment = {"type": "pay_in_store"} if tender == "pay_in_store" else {"type": "card", "token": tender}
        return {
            "channel": self.channel,
            "external_id": self.external_id,
            "placed_at": datetime.now(UTC).isoformat(),
            "currency": CURRENCIES.get(self.store_id, "EUR"),
            "locale": "de-DE" if german else "en-GB",
            "customer": {
                "ref": customer or f"C-{self.external_id}",
                "name": f"Customer {self.external_id}",
                "email": self.email,
                "phone": "+49301234567",
            },
            "lines": lines,
            "fulfilments": [way for name, way in ways.items() if any(line["fulfilment"] == name for line in lines)],
            "total": total,
            "tenders": [payment | {"amount": total}],
            **({"pickup": {"person": person}} if person else {}),
        }

    async def place(self, **how: Any) -> None:
        body = self.body(**how)
        self.notes("places the order")
        self.order = await self.shop.post("/v1/orders", body)
        # A shop that is not sure whether its request arrived sends it again, and gets the same order.
        again = await self.shop.post("/v1/orders", body)
        if again["order_id"] != self.order_id:
            raise Unexpected("The same order, sent twice, became two orders.")
        await self._pause()

    async def is_refused(self, kind: str, **how: Any) -> Refused:
        self.notes("places the order")
        await self._pause()
        refused = await self.shop.refused("/v1/orders", self.body(**how), kind)
        self.notes(f"hears: {kind.replace('-', ' ')}")
        return refused

    async def confirms_with_bank(self) -> None:
        self.notes("confirms with the bank")
        await self.callers.bank_asks(self.order["next_action"]["url"], approve=True)

    async def chooses(self, option: str) -> None:
        await self.asks("choice", {"option": option}, f"chooses: {option.replace('_', ' ')}")

    async def cancels(self) -> dict[str, Any]:
        """Look at what a cancel would do, then do it: both answers are the same plan."""
        path = f"/v1/orders/{self.order_id}/cancel"
        preview = await self.shop.post(path, {"reason": "customer", "preview": True})
        self.notes("cancels")
        done: dict[str, Any] = await self.shop.post(path, {"reason": "customer"})
        if preview.get("plan", preview) != done.get("plan", done):
            raise Unexpected("A cancel did something else than its preview had said.")
        return done

    async def asks(self, what: str, body: dict[str, Any], words: str) -> Any:
        """The channel has something done with the order; what it is answered."""
        self.notes(words)
        answer = await self.shop.post(f"/v1/orders/{self.order_id}/{what}", body)
        await self._pause()
        return answer

    async def arrives(self, bay: str, vehicle: str) -> None:
        self.notes("waits at the kerb")
        await self.shop.post(self._pickup(1, "arrived"), {"bay": bay, "vehicle": vehicle})
        await self._pause()

    async def pays_at_the_till(self) -> None:
        self.notes("pays at the till")
        tender = {"type": "pay_in_store", "amount": self.order["total"]}
        await self.callers.channel("pos").post(f"/v1/orders/{self.order_id}/payments", {"tenders": [tender]})
        await self._pause()

    async def code(self) -> str:
        """The code as the customer reads it in the mail."""
        code = await self.callers.newest_code(self.email, not_one_of=self._codes)
        self._codes.add(code)
        return code

    # --- the store ---------------------------------------------------------------------------------------------------

    async def accepts(self, n: int = 1) -> None:
        await self._store(n, "accept", {}, "accepts")

    async def rejects(self, reason: str, n: int = 1) -> None:
        await self._store(n, "reject", {"reason": reason}, "has none")

    async def picks(self, lines: dict[str, int] | None = None, n: int = 1) -> None:
        """Pick these units per line, or all that the pickup has."""
        found = lines or {line["line_id"]: line["quantity"] for line in self.group(n)["lines"]}
        units = sum(found.values())
        await self._store(n, "pick", {"lines": _listed(found)}, f"picks {units} unit{'s' if units > 1 else ''}")

    async def makes_ready(self, n: int = 1, shelf: str = "shelf A-12") -> None:
        await self._store(n, "ready", {"location": shelf}, "makes it ready")

    async def is_made_ready(self, n: int = 1) -> str:
        """Accepted, picked and made ready; the code that the customer then gets."""
        await self.accepts(n)
        await self.picks(n=n)
        await self.makes_ready(n)
        return await self.code()

    async def hands_over(self, code: str, lines: dict[str, int] | None = None, n: int = 1, **more: Any) -> None:
        body = {"code": code} | ({"lines": _listed(lines)} if lines else {}) | more
        words = "hands over a part" if lines else "hands it over"
        await self._store(n, "hand-over", body, words)

    async def refuses_wrong_code(self, code: str, n: int = 1) -> None:
        wrong = f"{(int(code) + 1) % 10**8:08d}"
        store_id = self.group(n)["store_id"]
        self.notes(f"{store_id} sees a wrong code")
        await self.callers.store(store_id).refused(self._pickup(n, "hand-over"), {"code": wrong}, "wrong-code")
        await self._pause()

    async def puts_back(self, n: int = 1) -> None:
        await self._store(n, "put-back", {}, "puts it back")

    async def receives(self, sku: str, quantity: int, place: str | None = None) -> None:
        at = place or self.store_id
        body = {"kind": "receipt", "sku": sku, "store_id": at, "quantity": quantity, "reason": "delivery"}
        await self.acts(at, "/v1/stock/movements", body, f"receives {quantity} units")

    async def _store(self, n: int, verb: str, body: dict[str, Any], words: str) -> None:
        await self.look()
        await self.acts(self.group(n)["store_id"], self._pickup(n, verb), body, words)

    async def acts(self, place: str, path: str, body: dict[str, Any], words: str) -> Any:
        """A place does something; what it is answered."""
        self.notes(f"{place} {words}")
        answer = await self.callers.store(place).post(path, body)
        await self._pause()
        return answer

    # --- the returns desk --------------------------------------------------------------------------------------------

    async def brings_back(self, store_id: str, lines: dict[str, int], refund_to: str | None = None) -> None:
        """To any store; the money goes back the way it was paid, or to where the customer wants it."""
        self.notes(f"brings {sum(lines.values())} back to {store_id}")
        desk = self.callers.store(store_id)
        wanted = [each | {"reason": "no_longer_wanted"} for each in _listed(lines)]
        asked = await desk.post("/v1/returns", {"order_id": self.order_id, "lines": wanted, "via": "store"})
        await self._pause()
        self.notes(f"{store_id} puts it on the shelf")
        came = [each | {"condition": "new", "disposition": "restock"} for each in _listed(lines)]
        await desk.post(f"/v1/returns/{asked['return_id']}/receive", {"store_id": store_id, "lines": came})
        await self._is_paid_back(store_id, asked["return_id"], refund_to)

    async def is_appeased(self, amount: int, reason: str) -> None:
        """The call centre gives something back; nothing has to come for it."""
        self.notes("complains, and gets something back")
        body = {"amount": amount, "reason": reason}
        await self.callers.channel("call_centre").post(f"/v1/orders/{self.order_id}/appeasements", body)
        await self.until(lambda order: order["payment"]["refunded"] == amount, "the goodwill has gone back")

    async def sends_back(self, lines: dict[str, int]) -> None:
        """By post, under a label that the customer was mailed; paid back where it arrives."""
        self.notes("wants to send a part back")
        wanted = [each | {"reason": "wrong_size"} for each in _listed(lines)]
        asked = await self.shop.post("/v1/returns", {"order_id": self.order_id, "lines": wanted, "via": "post"})
        path = f"/v1/returns/{asked['return_id']}"
        labelled = await self._return_reaches(path, lambda view: view["parcel"]["label"] == "bought")
        self.notes("takes the parcel to the carrier")
        await self.callers.carrier_picks_up(labelled["parcel"]["tracking_number"])
        there = await self._return_reaches(path, lambda view: view["parcel"]["status"] == "delivered")
        store_id = there["store_id"]
        came = [each | {"condition": "new", "disposition": "restock"} for each in _listed(lines)]
        await self.acts(store_id, f"{path}/receive", {"store_id": store_id, "lines": came}, "takes the parcel in")
        await self._is_paid_back(store_id, asked["return_id"])

    async def _return_reaches(self, path: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        ends = time.monotonic() + PATIENCE
        while not reached(view := dict(await self.shop.get(path))):
            if time.monotonic() > ends:
                raise Unexpected(f"Waited {PATIENCE:g} s in vain for a return; it is {view['status']}.")
            await asyncio.sleep(LOOK_AGAIN)
        return view

    async def claims_missing(self, store_id: str, lines: dict[str, int]) -> None:
        """There is nothing to bring back: the claim is settled by a store."""
        self.notes("misses a part of it")
        wanted = [each | {"reason": "missing"} for each in _listed(lines)]
        asked = await self.shop.post(
            "/v1/returns", {"order_id": self.order_id, "kind": "claim", "lines": wanted, "via": "post"}
        )
        await self._pause()
        await self._is_paid_back(store_id, asked["return_id"])

    async def exchanges(self, store_id: str, lines: dict[str, int], sku: str, *, advance: bool = False) -> None:
        """For something else, of which a store keeps as many; with `advance` it goes out first, against a card."""
        self.notes(f"wants {sku} instead" + (", and first" if advance else ""))
        wanted = [
            each | {"reason": "wrong_size", "wanted": {"sku": sku, "quantity": each["quantity"]}}
            for each in _listed(lines)
        ]
        body: dict[str, Any] = {"order_id": self.order_id, "kind": "exchange", "lines": wanted, "via": "store"}
        body |= {"store_id": store_id, "deliver": {"method": "pickup", "store_id": store_id}}
        if advance:
            body |= {"advance": True, "tenders": [{"type": "card", "token": "tok_expires_7d", "amount": 0}]}
        self.exchange = await self.shop.post("/v1/returns", body)
        await self._pause()

    async def pays_difference(self) -> None:
        exchange = self.exchange["exchange"]
        self.notes("pays the difference")
        tenders = [{"type": "card", "token": "tok_ok", "amount": exchange["due"]}]
        await self.shop.post(f"/v1/orders/{exchange['order_id']}/payments", {"tenders": tenders})
        await self._pause()

    async def gives_back(self, store_id: str, lines: dict[str, int]) -> None:
        self.notes(f"brings {sum(lines.values())} back to {store_id}")
        came = [each | {"condition": "new", "disposition": "restock"} for each in _listed(lines)]
        path = f"/v1/returns/{self.exchange['return_id']}/receive"
        await self.callers.store(store_id).post(path, {"store_id": store_id, "lines": came})
        await self._pause()

    async def gets_what_it_wanted(self, store_id: str) -> None:
        """The replacement is an order like any other: made ready, and fetched with a code of its own."""
        first, self.order = self.order, {"order_id": self.exchange["exchange"]["order_id"]}
        await self.until(lambda order: not order["holds"], "the replacement goes on")
        await self.hands_over(await self.is_made_ready())
        await self.until_over()
        self.order = first

    async def _is_paid_back(self, store_id: str, return_id: str, refund_to: str | None = None) -> None:
        self.notes(f"{store_id} pays back" + (f" as {refund_to.replace('_', ' ')}" if refund_to else ""))
        body = {"refund_to": refund_to} if refund_to else {}
        await self.callers.store(store_id).post(f"/v1/returns/{return_id}/settle", body)
        await self.until(lambda order: order["payment"]["refunded"] > 0, "the money has gone back")

    # --- looking -----------------------------------------------------------------------------------------------------

    @property
    def order_id(self) -> str:
        return str(self.order["order_id"])

    async def look(self) -> dict[str, Any]:
        self.order = await self.shop.get(f"/v1/orders/{self.order_id}")
        return self.order

    async def until_group(self, status: str, n: int = 1) -> None:
        await self.until(
            lambda order: any(group["n"] == n and group["status"] == status for group in order["groups"]),
            f"part {n} is {status}",
        )

    async def until_waiting_for_choice(self) -> int:
        """The number of the part for which the customer may now choose."""
        await self.until(lambda order: _asked(order) is not None, "the customer is asked")
        await self._pause()
        return int(_asked(self.order) or 0)

    async def until_over(self) -> None:
        """Units and money are where they stay."""
        await self.until(lambda order: order["status"] in ("completed", "cancelled"), "the order has ended")

    async def until(self, reached: Callable[[dict[str, Any]], bool], what: str) -> None:
        ends = time.monotonic() + PATIENCE
        while not reached(await self.look()):
            if time.monotonic() > ends:
                raise Unexpected(f"Waited {PATIENCE:g} s in vain until {what}; it is {self._in_words()}.")
            await asyncio.sleep(LOOK_AGAIN)

    def _in_words(self) -> str:
        groups = ", ".join(f"part {group['n']} {group['status']}" for group in self.order["groups"])
        return f"{self.order['status']} ({groups})"

    def group(self, n: int) -> dict[str, Any]:
        for group in self.order["groups"]:
            if group["n"] == n:
                return dict(group)
        raise Unexpected(f"The order has no part {n}.")

    def _pickup(self, n: int, verb: str) -> str:
        return f"/v1/pickups/{self.order_id}/{n}/{verb}"

    async def _pause(self) -> None:
        """Give people time to see an act; a machine that is slow by itself is not slowed down further."""
        left = self._last_act + self._pace - time.monotonic()
        await asyncio.sleep(max(0.0, left))
        self._last_act = time.monotonic()


def _asked(order: dict[str, Any]) -> int | None:
    asked = any(wait["kind"] == "choice" for wait in order["waiting_for"])
    return next((group["n"] for group in order["groups"] if asked and group["status"] == "waiting"), None)


def _listed(lines: dict[str, int]) -> list[dict[str, Any]]:
    return [{"line_id": line, "quantity": quantity} for line, quantity in lines.items()]

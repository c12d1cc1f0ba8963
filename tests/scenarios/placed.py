"""An order that was taken, with the shortcuts that every story needs."""

import re
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from tests.scenarios.world import World

Json = dict[str, Any]
CODE = re.compile(r"^Code: (\d{8})\s*$", re.MULTILINE)


class Placed:
    def __init__(self, world: "World", body: Json, answer: Json, as_: str):
        self.world = world
        self.body = body
        self.answer = answer
        self.id: str = answer["order_id"]
        self.external_id: str = body["external_id"]
        self.as_ = as_
        self.store: str = body["fulfilments"][0].get("store_id", "")
        self.mailbox: str = body["customer"]["email"]

    # --- what is seen ------------------------------------------------------------------------------------------------

    async def view(self) -> Json:
        answer = await self.world.channel("GET", f"/v1/orders/{self.id}", as_=self.as_)
        assert answer.status_code == 200, answer.text
        view: Json = answer.json()
        return view

    async def status(self) -> str:
        return str((await self.view())["status"])

    async def line(self, line_id: str = "1") -> Json:
        return next(line for line in (await self.view())["lines"] if line["line_id"] == line_id)

    async def group(self, n: int = 1) -> Json:
        return next(group for group in (await self.view())["groups"] if group["n"] == n)

    async def waits(self) -> list[str]:
        return [wait["what"] for wait in (await self.view())["waiting_for"]]

    async def reaches(self, *statuses: str, **more: float) -> Json:
        async def look() -> Json | None:
            view = await self.view()
            return view if view["status"] in statuses else None

        found: Json = await self.world.until(f"order {self.id} is {statuses}", look, **more)
        return found

    async def group_reaches(self, *statuses: str, n: int = 1, **more: float) -> Json:
        async def look() -> Json | None:
            group = next((each for each in (await self.view())["groups"] if each["n"] == n), None)
            return group if group and group["status"] in statuses else None

        found: Json = await self.world.until(f"group {n} of {self.id} is {statuses}", look, **more)
        return found

    async def timeline(self) -> list[Json]:
        answer = await self.world.channel("GET", f"/v1/orders/{self.id}/timeline?limit=200", as_=self.as_)
        items: list[Json] = answer.json()["items"]
        return items

    async def events(self, *kinds: str) -> list[str]:
        """The names of all events, or of those of some kinds, in order."""
        return [item["event"] for item in await self.timeline() if not kinds or item["event"] in kinds]

    async def event(self, kind: str) -> Json:
        """The last event of a kind, once it is there."""

        async def look() -> Json | None:
            return next((item for item in reversed(await self.timeline()) if item["event"] == kind), None)

        found: Json = await self.world.until(f"{kind} is in the timeline of {self.id}", look)
        return found

    # --- what is done ------------------------------------------------------------------------------------------------

    async def code(self, newest: int = 1) -> str:
        """The hand-over code as the customer reads it in the mail; `newest`: how many codes must have been sent."""

        async def look() -> str | None:
            seen: list[str] = []
            for mail in await self.world.mails(self.mailbox):
                seen += [found for found in CODE.findall(mail["text"]) if found not in seen]
            return seen[newest - 1] if len(seen) >= newest else None

        found: str = await self.world.until("the mail with the code comes", look)
        return found

    async def does(self, command: str, body: Json | None = None, **more: Any) -> Json:
        """A store's command that is carried out."""
        answer = await self.world.store(self, command, body, **more)
        assert answer.status_code == 200, (command, answer.text)
        pickup: Json = answer.json()
        return pickup

    async def pick(self, n: int = 1, store: str | None = None, **quantities: int) -> Json:
        """`_1=2` picks two units of line 1; without any, all that is owed."""
        found = {name.removeprefix("_"): quantity for name, quantity in quantities.items()}
        wanted = found or {line["line_id"]: line["quantity"] for line in (await self.group(n))["lines"]}
        lines = [{"line_id": line, "quantity": quantity} for line, quantity in wanted.items()]
        return await self.does("pick", {"lines": lines}, n=n, store=store)

    async def make_ready(self, *, quantity: int | None = None, n: int = 1, store: str | None = None) -> Json:
        """The store accepts, picks and stages."""
        await self.does("accept", n=n, store=store)
        await self.pick(n, store, **({"_1": quantity} if quantity is not None else {}))
        return await self.does("ready", {"location": "A1"}, n=n, store=store)

    async def hand_over(self, code: str, *, n: int = 1, store: str | None = None, **body: Any) -> httpx.Response:
        """`lines` and `refused` may be given as quantities by line."""
        for name in ("lines", "refused"):
            if isinstance(body.get(name), dict):
                body[name] = [{"line_id": line, "quantity": quantity} for line, quantity in body[name].items()]
        return await self.world.store(self, "hand-over", {"code": code, **body}, n=n, store=store)

    async def is_handed_over(self, code: str, **more: Any) -> Json:
        answer = await self.hand_over(code, **more)
        assert answer.status_code == 200, answer.text
        pickup: Json = answer.json()
        return pickup

    async def ask(self, command: str, body: Json, **more: Any) -> httpx.Response:
        """A command on the whole order by the channel that placed it."""
        path = f"/v1/orders/{self.id}/{command}"
        return await self.world.channel("POST", path, body, **({"as_": self.as_} | more))

    async def choose(self, option: str, **more: Any) -> httpx.Response:
        return await self.ask("choice", {"option": option, **more})

    async def cancel(self, *, key: str | None = None, **body: Any) -> httpx.Response:
        return await self.ask("cancel", {"reason": "customer", **body}, idempotency=key)

    # --- how it must end ---------------------------------------------------------------------------------------------

    async def told(self, *kinds: str) -> None:
        """Exactly these messages went to the customer, in this order, each as one mail."""
        await self._told("customer", None, self.mailbox, kinds)

    async def store_told(self, *kinds: str, store: str | None = None) -> None:
        """Exactly these messages went to a store, each as one mail."""
        place = store or self.store
        await self._told("store", place, f"{place.lower()}@stores.example", kinds)

    async def _told(self, audience: str, store: str | None, mailbox: str, kinds: tuple[str, ...]) -> None:
        messages: list[Json] = []

        async def look() -> bool:
            answer = await self.world.channel("GET", f"/v1/orders/{self.id}/messages", as_=self.as_)
            messages[:] = [
                message
                for message in answer.json()["items"]
                if message["audience"] == audience and store in (None, message["store_id"])
            ]
            return len(messages) >= len(kinds) and all(message["state"] != "pending" for message in messages)

        await self.world.until(f"{kinds} were sent for {self.id}", look)
        sent = [message["kind"] for message in messages if message["state"] == "sent"]
        assert sent == list(kinds)
        mails = [mail for mail in await self.world.mails(mailbox) if self.external_id in mail["subject"]]
        assert len(mails) == len(kinds), [mail["subject"] for mail in mails]
        assert len({mail["message_id"] for mail in mails}) == len(kinds), "a mail came twice"

    async def money_rests(
        self, *, authorised: int = 0, captured: int = 0, refunded: int = 0, till: int = 0, till_back: int = 0
    ) -> None:
        """The provider, our ledger and the order tell the same, nothing is held any more, and no rule is broken.

        All numbers are totals in minor units; what was authorised and not captured was voided. `till` was paid in a
        store, `till_back` paid back there: no provider saw that.
        """
        voided = authorised - captured
        expected = {"authorise": authorised, "capture": captured, "void": voided, "refund": refunded}
        assert await self.world.money(self.id) == expected
        statement = await self.world.until("our ledger has no open operation", self._settled_statement)
        assert statement["violations"] == []
        for name, amount in (("authorised", authorised), ("captured", captured), ("voided", voided)):
            assert sum(tender[name] for tender in statement["tenders"]) == amount, (name, statement["tenders"])
        assert sum(tender["refunded"] for tender in statement["tenders"]) == refunded
        assert (await self.view())["payment"] == {
            "authorised": 0,
            "captured": captured + till,
            "refunded": refunded + till_back,
            "voided": voided,
            "due": 0,
        }
        await self._within_ceilings()

    async def _settled_statement(self) -> Json | None:
        answer = await self.world.ops("GET", f"/v1/orders/{self.id}/ledger")
        assert answer.status_code == 200, answer.text
        statement: Json = answer.json()
        open_ones = [each for each in statement["operations"] if each["status"] == "pending"]
        return None if open_ones else statement

    async def _within_ceilings(self) -> None:
        held: dict[str, int] = {}
        for entry in await self.world.provider_ledger(self.id):
            if entry["status"] == "succeeded" and entry["operation"] in ("authorise", "capture", "void"):
                sign = 1 if entry["operation"] == "authorise" else -1
                held[entry["authorisation_id"]] = held.get(entry["authorisation_id"], 0) + sign * entry["amount"]
        assert set(held.values()) <= {0}, held

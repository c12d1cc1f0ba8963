"""An applicant and the lender's people, who speak HTTP only."""

import asyncio
import os
import sys
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from tests.scenarios.placed import Json
from tests.scenarios.world import World

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PATIENCE = 60.0
SAID = ("stage", "outcome", "overlays", "missing", "waiting_for", "decision", "interventions")
AMOUNT = {"amount": 1_000_000, "term_months": 36, "purpose": "car"}
ADDRESS = {"line1": "1 Way", "postal_code": "10001", "city": "New York", "region": "NY", "country": "US"}


def person(ref: str) -> Json:
    return {
        "name": "Pat Example",
        "email": f"{ref.lower()}@example.org",
        "birth_date": "1985-04-12",
        "address": ADDRESS,
    }


class Applied:
    """One application, seen from outside."""

    def __init__(self, world: World, ref: str, view: Json):
        self.world = world
        self.ref = ref
        self.id: str = view["application_id"]

    @classmethod
    async def begun(cls, world: World, behaviour: str = "GOOD", product: str = "personal-loan") -> "Applied":
        ref = f"P-{uuid.uuid4().hex[:10]}-{behaviour}"
        party = {"ref": ref, **person(ref)}
        body = {"product": product, "channel": "web", "party": party, "locale": "en"}
        answer = await world.channel("POST", "/v1/applications", body)
        assert answer.status_code == 201, answer.text
        return cls(world, ref, answer.json())

    async def call(self, method: str, path: str, body: Json | None = None, *, by: str = "web") -> httpx.Response:
        """`by`: a channel, or a person of the office."""
        under = path.startswith("/v1/")
        url = path if under else f"/v1/applications/{self.id}{path}"
        return await self.world.call(method, url, self._key(by), body)

    async def says(self, *words: str, by: str = "web") -> str:
        """What `throughline …` prints for them."""
        surroundings = {
            **os.environ,
            "THROUGHLINE_URL": self.world.record["api"],
            "THROUGHLINE_KEY": self._key(by),
            "COLUMNS": "200",
        }
        command = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "workers.cli", *words),
            env=surroundings,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await command.communicate()
        assert command.returncode == 0, err.decode()
        return out.decode()

    def _key(self, by: str) -> str:
        keys = self.world.keys
        staff = {**keys["ops"], **keys["underwriters"]}
        found: str = staff.get(by) or keys[by]
        return found

    async def done(self, method: str, path: str, body: Json | None = None, *, by: str = "web") -> Json:
        answer = await self.call(method, path, body, by=by)
        assert answer.status_code in (200, 201), answer.text
        shown: Json = answer.json()
        return shown

    async def refused(self, method: str, path: str, body: Json | None = None, *, by: str = "web") -> tuple[int, str]:
        answer = await self.call(method, path, body, by=by)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["type"].rpartition("/")[2]

    async def review(self, command: str, body: Json | None = None, *, by: str = "una") -> Json:
        return await self.done("POST", f"/v1/underwriting/applications/{self.id}/{command}", body or {}, by=by)

    async def answers(self, by: str = "web", **changed: Any) -> None:
        """Every step of a personal loan."""
        steps = {
            "applicant": person(self.ref),
            "amount": AMOUNT,
            "income": {"monthly_income": 600_000},
            "obligations": {"monthly_obligations": 40_000},
            "consents": {"credit_report": True, "electronic": True},
        }
        for name, body in steps.items():
            await self.done("PUT", f"/steps/{name}", body | changed.get(name, {}), by=by)

    async def upload(self, doc: str, content: bytes = PDF, *, by: str = "web") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.world.keys[by]}", "content-type": "application/pdf"}
        url = f"{self.world.record['api']}/v1/applications/{self.id}/documents/{doc}/content"
        while True:
            answer = await self.world.http.put(url, content=content, headers=headers)
            if answer.status_code not in (202, 503):
                return answer
            await asyncio.sleep(float(answer.headers["retry-after"]) / 4)

    async def documents(self) -> None:
        """Everything that is asked for comes and is accepted."""
        for each in (await self.shown())["documents"]:
            answer = await self.upload(each["doc"])
            assert answer.status_code == 200, answer.text
            await self.done("POST", f"/documents/{each['doc']}/accept", {}, by="ada")

    async def submitted(self, **changed: Any) -> None:
        await self.answers(**changed)
        await self.done("POST", "/submit", {})
        await self.documents()

    async def shown(self, by: str = "ada") -> Json:
        return await self.done("GET", "", by=by)

    async def comes_to(self, condition: Callable[[Json], Any], by: str = "ada") -> Json:
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            view = await self.shown(by)
            if condition(view):
                return view
            assert asyncio.get_running_loop().time() < end, {name: view[name] for name in SAID}
            await asyncio.sleep(0.2)

    async def stage(self, stage: str) -> Json:
        return await self.comes_to(lambda view: view["stage"] == stage)

    async def ends(self) -> Json:
        return await self.comes_to(
            lambda view: view["outcome"] and all(each["state"] != "pending" for each in view["notices"])
        )

    async def closed(self) -> list[Json]:
        """The whole timeline of one that ended, to the archive, which is its last entry."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            told: list[Json] = (await self.done("GET", "/timeline", by="ada"))["items"]
            if any(each["event"] == "archived" for each in told):
                return told
            assert asyncio.get_running_loop().time() < end, [each["event"] for each in told]
            await asyncio.sleep(0.2)

    async def agreed(self) -> None:
        await self.stage("offered")
        await self.done("POST", "/offer/accept", {})
        await self.stage("signing")
        await self.done("POST", "/sign", {})

    async def letters(self) -> list[str]:
        return [each["kind"] for each in (await self.shown())["notices"]]

    async def mails(self) -> list[Json]:
        found = await self.world.http.get(f"{self.world.record['mail']}/messages?to={person(self.ref)['email']}")
        items: list[Json] = found.json()["items"]
        return items

    async def payouts(self) -> list[Json]:
        found = await self.world.http.get(f"{self.world.record['payments']}/ledger?reference={self.id}")
        entries: list[Json] = found.json()["entries"]
        return [each for each in entries if each["operation"] == "payout"]

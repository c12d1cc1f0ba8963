"""A loan that is paid out in parts, from a definition that was only published, as its people see it."""

import uuid

import yaml

from adapters.products.reading import FOLDER
from tests.scenarios.applied import Applied
from tests.scenarios.playing import story
from tests.scenarios.world import World

PARTS = [
    {"name": "land", "title": "the land", "percent": 50},
    {"name": "roof", "title": "the roof", "percent": 30, "released": True},
    {"name": "keys", "title": "the keys", "percent": 20, "released": True},
]


@story
async def test_each_part_is_released_by_the_office_and_withdrawing_stops_the_rest(world: World) -> None:
    definition = yaml.safe_load((FOLDER / "personal-loan.yaml").read_text())
    name = f"house-{uuid.uuid4().hex[:8]}"
    definition |= {"product": name, "title": "House", "tranches": PARTS, "drawing_days": 100}
    published = await world.call("POST", "/v1/products", world.keys["ops"]["max"], definition)
    assert published.status_code == 201, published.text
    loan = await Applied.begun(world, product=name)
    await loan.submitted()
    await loan.agreed()
    drawn = await loan.comes_to(lambda view: [each["kind"] for each in view["waiting_for"]] == ["tranche"], by="app")
    assert [(each["state"], each["amount"]) for each in drawn["tranches"]] == [
        ("drawn", 500_000),
        ("planned", 300_000),
        ("planned", 200_000),
    ]
    reason = {"reason": "the surveyor saw it"}
    assert await loan.refused("POST", "/tranches/2/release", reason) == (403, "forbidden")
    assert await loan.refused("POST", "/tranches/9/release", reason, by="ada") == (404, "not-found")
    assert await loan.refused("POST", "/tranches/0/release", reason, by="ada") == (422, "validation")
    said = await loan.says("apply", "release-part", loan.id, "2", "--reason", "the surveyor saw it", by="ada")
    assert "the roof" in said
    await loan.comes_to(lambda view: view["tranches"][1]["state"] == "drawn")
    account = f"/v1/accounts/{drawn['account_id']}"
    balances = await loan.done("GET", f"{account}/balances", by="branch")
    assert (balances["principal"], balances["drawn"], balances["undrawn"]) == (800_000, 800_000, 200_000)
    assert "undrawn" in await loan.says("account", "balances", drawn["account_id"], by="ada")
    await loan.done("POST", "/withdraw", {"reason": "no keys"}, by="call_centre")
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"], end["tranches"][2]["state"]) == ("originated", 1, "lapsed")
    assert [each["amount"] for each in await loan.payouts()] == [490_000, 300_000]
    schedule = (await loan.done("GET", f"{account}/schedule"))["items"]
    assert (sum(each["principal"] for each in schedule), schedule[-1]["balance"]) == (800_000, 0)
    subjects = [each["subject"] for each in await loan.mails()]
    assert subjects.count("A part of your loan is paid out") == 2
    assert subjects.count("No further part of your loan is paid out") == 1

"""Lists of applications come in pages that neither repeat nor lose anything."""

from tests.scenarios.applied import Applied
from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.world import World


async def pages(loan: Applied, path: str, by: str) -> list[Json]:
    """Everything, read one by one."""
    items: list[Json] = []
    cursor = ""
    while True:
        page = await loan.done("GET", f"{path}limit=1{cursor}", by=by)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


@story
async def test_a_customers_applications_are_read_page_by_page_the_newest_first(world: World) -> None:
    first = await Applied.begun(world)
    party = {"ref": first.ref, "name": "Pat Example", "email": "pat@example.org"}
    started = []
    for _ in range(2):
        body = {"product": "personal-loan", "channel": "web", "party": party, "locale": "en"}
        started.append((await world.channel("POST", "/v1/applications", body)).json()["application_id"])
    found = await pages(first, f"/v1/applications?customer={first.ref}&", "web")
    assert [each["application_id"] for each in found] == [*reversed(started), first.id]
    forged = await first.call("GET", f"/v1/applications?customer={first.ref}&cursor={'A' * 30}")
    assert (forged.status_code, forged.json()["errors"][0]["pointer"]) == (422, "/query/cursor")


@story
async def test_the_queue_and_an_accounts_lists_have_pages_too(world: World) -> None:
    loan = await Applied.begun(world, "THIN")
    await loan.submitted()
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    queue = await pages(loan, "/v1/underwriting/queue?", "una")
    ids = [each["application_id"] for each in queue]
    assert loan.id in ids
    assert len(ids) == len(set(ids))
    await loan.review("decide", {"decision": "approve"})
    await loan.agreed()
    account = (await loan.ends())["account_id"]
    schedule = f"/v1/accounts/{account}/schedule"
    whole = await loan.done("GET", schedule)
    page = await loan.done("GET", f"{schedule}?limit=30")
    rest = await loan.done("GET", f"{schedule}?limit=30&cursor={page['next_cursor']}")
    assert [*page["items"], *rest["items"]] == whole["items"]

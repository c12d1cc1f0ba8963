"""The file of an application after its end: its archive, legal holds, and what an erasure leaves for its time."""

import io
import zipfile

from adapters.archives.sealing import is_genuine
from tests.scenarios.applied import Applied, person
from tests.scenarios.playing import story
from tests.scenarios.world import World


@story
async def test_the_archive_of_a_closed_application_proves_itself_and_holds_its_people(world: World) -> None:
    loan = await Applied.begun(world)
    await loan.done("POST", "/withdraw", {})
    await loan.comes_to(lambda view: view["archive"])
    kept = await loan.done("GET", "/retention", by="ada")
    archive = await loan.call("GET", f"/export/{kept['archive']['sha256']}", by="ada")
    assert is_genuine(archive.content, kept["public_key"])
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert person(loan.ref)["email"] in opened.read("parties.json").decode()
    assert kept["keep_until"] > "2028"
    assert await loan.refused("GET", "/retention") == (403, "forbidden")
    assert "archive" not in await loan.shown(by="web")


@story
async def test_operations_hold_a_file_and_only_a_manager_releases_it(world: World) -> None:
    loan = await Applied.begun(world)
    held = await loan.done("POST", "/holds", {"reason": "a complaint"}, by="ada")
    assert await loan.refused("POST", "/holds", {"reason": "no"}) == (403, "forbidden")
    release = f"/holds/{held['hold_id']}/release"
    assert await loan.refused("POST", release, {"reason": "settled"}, by="ada") == (403, "forbidden")
    released = await loan.done("POST", release, {"reason": "settled"}, by="max")
    assert (released["set_by"], released["released_by"], released["released_for"]) == ("ada", "max", "settled")
    told = [each["event"] for each in (await loan.done("GET", "/timeline", by="ada"))["items"]]
    assert told[-2:] == ["legal_hold_set", "legal_hold_released"]
    assert all("hold" not in each["event"] for each in (await loan.done("GET", "/timeline"))["items"])


@story
async def test_an_erasure_waits_for_what_runs_and_leaves_what_the_law_keeps(world: World) -> None:
    loan = await Applied.begun(world)
    erasure = {"customer_ref": loan.ref, "reason": "asked for it"}
    answer = await loan.call("POST", "/v1/ops/erasures", erasure, by="ada")
    assert (answer.status_code, answer.json()["current"]) == (409, {"open_applications": [loan.id]})
    await loan.done("POST", "/withdraw", {})
    await loan.comes_to(lambda view: view["archive"])
    erased = await loan.done("POST", "/v1/ops/erasures", erasure, by="ada")
    assert [(each["application_id"], each["held"]) for each in erased["retained"]] == [(loan.id, False)]
    assert erased["retained"][0]["keep_until"] > "2028"
    again = await loan.call("GET", "/notices/1", by="ada")
    assert "Pat Example" in again.text, "the duty to keep a file outlives the wish to be forgotten"

import httpx
import pytest


async def test_pages_follow_each_other_to_the_end(web: httpx.AsyncClient) -> None:
    seen: list[int] = []
    cursor: str | None = None
    for _ in range(3):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await web.get("/v1/things", params=params)).json()
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == [0, 1, 2, 3, 4]
    assert cursor is None


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "", "99999999999999999999"])
async def test_a_limit_is_1_to_200(web: httpx.AsyncClient, limit: str) -> None:
    response = await web.get("/v1/things", params={"limit": limit})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/query/limit"


@pytest.mark.parametrize("cursor", ["x", "%00", "AAAAAAAAAAAAAAAAAAAAAFswXQ", "\u00e9", "", "a" * 1001])
async def test_a_cursor_that_we_never_gave_is_refused(web: httpx.AsyncClient, cursor: str) -> None:
    response = await web.get("/v1/things", params={"cursor": cursor})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/query/cursor"


async def test_a_cursor_of_other_filters_is_refused(web: httpx.AsyncClient) -> None:
    cursor = (await web.get("/v1/things", params={"limit": 1, "sku": "A"})).json()["next_cursor"]
    assert (await web.get("/v1/things", params={"cursor": cursor, "sku": "A"})).status_code == 200
    assert (await web.get("/v1/things", params={"cursor": cursor, "sku": "B"})).status_code == 422
    assert (await web.get("/v1/things", params={"cursor": cursor})).status_code == 422

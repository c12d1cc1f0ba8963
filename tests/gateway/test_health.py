import asyncio
from typing import Any

import pytest

from gateway import health


async def well() -> None:
    pass


async def broken() -> None:
    raise ConnectionError("host db-7.internal, password=hunter2")


async def silent() -> None:
    await asyncio.Event().wait()


async def test_alive_needs_neither_key_nor_system(world: Any) -> None:
    world.checks = {"database": broken}
    world.open()
    async with world.client() as anyone:
        assert (await anyone.get("/healthz")).json() == {"status": "alive"}


async def test_ready_when_every_system_answers(world: Any) -> None:
    world.checks = {"database": well, "temporal": well}
    world.open()
    async with world.client() as anyone:
        response = await anyone.get("/readyz")
    assert response.status_code == 200
    assert response.json()["checks"] == {"database": "ok", "temporal": "ok"}


async def test_not_ready_names_what_is_away_and_nothing_of_its_insides(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SECONDS_A_CHECK", 0.05)
    router = health.health_router({"database": broken, "temporal": silent, "pollers": well}, seconds=0.05)
    world.app.include_router(router)
    world.open()
    async with world.client() as anyone:
        response = await anyone.get("/readyz")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["checks"] == {"database": "away", "temporal": "away", "pollers": "ok"}
    assert "hunter2" not in response.text

"""Whose key the command line uses, by the name that was given."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from gateway.cli import account, apply

KEYS = {"web": "key-web", "ops": {"ada": "key-ada"}, "underwriters": {"una": "key-una"}, "stores": {"S001": "key-s"}}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The keys that requests came with."""
    (tmp_path / "stack.json").write_text(json.dumps({"api": "http://127.0.0.1:1", "keys": KEYS}))
    monkeypatch.setenv("THROUGHLINE_DATA", str(tmp_path))
    monkeypatch.delenv("THROUGHLINE_KEY", raising=False)
    keys: list[str] = []

    def request(_: httpx.Client, *__: Any, headers: dict[str, str], **___: Any) -> httpx.Response:
        keys.append(headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(404, json={"title": "Not found", "detail": ""})

    monkeypatch.setattr(httpx.Client, "request", request)
    return keys


@pytest.mark.parametrize(("name", "key"), [("web", "key-web"), ("ada", "key-ada"), ("una", "key-una")])
def test_applications_and_accounts_are_read_as_a_channel_or_as_somebody_of_the_office(
    asked: list[str], name: str, key: str
) -> None:
    CliRunner().invoke(apply.app, ["--as", name, "show", "a"])
    CliRunner().invoke(account.app, ["--as", name, "payoff", "a"])
    assert asked == [key, key]


def test_nobody_is_asked_for_by_a_name_that_is_none(asked: list[str]) -> None:
    told = CliRunner().invoke(apply.app, ["--as", "S001", "show", "a"])
    assert (told.exit_code, asked) == (1, [])

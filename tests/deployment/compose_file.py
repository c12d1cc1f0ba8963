"""docker-compose.yml as Compose understands it: variables filled in from a `.env`, names without a value passed on."""

import base64
import re
import secrets
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"

Json = dict[str, Any]
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?:(:[-?])([^}]*))?\}")
_KEY = re.compile(r"_KEY$")


class Missing(Exception):
    """A variable that must be set is not."""


def raw() -> Json:
    found: Json = yaml.safe_load(FILE.read_text())
    return found


def variables() -> dict[str, str]:
    """All that the file asks `.env` for, with how it asks: `:?` must be set, `:-` has a default."""
    return {name: how for name, how, _ in _VARIABLE.findall(FILE.read_text())}


def example() -> dict[str, str]:
    """What `.env.example` sets; an empty text for what the reader must fill in."""
    return dict(_pair(line) for line in EXAMPLE.read_text().splitlines() if re.match(r"[A-Z_]+=", line))


def offered() -> set[str]:
    """All names in `.env.example`, set or commented out."""
    return set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))


def filled_in() -> dict[str, str]:
    """A `.env` as a reader makes it who does as `.env.example` says."""
    return {name: value or _secret(name) for name, value in example().items()}


def services(env: dict[str, str]) -> dict[str, Json]:
    """The services as Compose would start them. Raises `Missing`."""
    return {name: _service(service, env) for name, service in raw()["services"].items()}


def command(service: Json) -> list[str]:
    words = service["command"]
    return words.split() if isinstance(words, str) else [str(word) for word in words]


def _service(service: Json, env: dict[str, str]) -> Json:
    whole: Json = _with_values(service, env)
    whole["environment"] = {
        name: str(env[name] if value is None else value)
        for name, value in whole.get("environment", {}).items()
        if value is not None or name in env
    }
    return whole


def _with_values(node: Any, env: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _with_values(value, env) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_values(value, env) for value in node]
    return _VARIABLE.sub(lambda found: _value(env, *found.groups()), node) if isinstance(node, str) else node


def _value(env: dict[str, str], name: str, how: str | None, otherwise: str | None) -> str:
    if env.get(name):
        return env[name]
    if how == ":-":
        return otherwise or ""
    raise Missing(name)


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name, value


def _secret(name: str) -> str:
    if name.startswith("THROUGHLINE_WEBHOOK_SECRETS__"):
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return base64.b64encode(secrets.token_bytes(32)).decode() if _KEY.search(name) else secrets.token_hex(24)

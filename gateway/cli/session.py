"""One way from the command line to the API: which address, which key, and what to say when something is wrong."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.markup import escape

errors = Console(stderr=True)

TIMEOUT = 30.0

Url = Annotated[
    str | None, typer.Option("--url", help="The API; else that of the running stack.", envvar="THROUGHLINE_URL")
]
ApiKey = Annotated[
    str | None, typer.Option("--key", help="An API key; else one of the stack's.", envvar="THROUGHLINE_KEY")
]
Data = Annotated[Path, typer.Option("--data", help="The stack's data folder.", envvar="THROUGHLINE_DATA")]
Once = Annotated[
    str | None,
    typer.Option("--once", help="The Idempotency-Key: the same one repeats a command without a second effect."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for scripts.")]
DEFAULT_DATA = Path(".throughline")
OFFICE = ("ops", "underwriters")


def fail(what: str, remedy: str = "") -> NoReturn:
    """One line that says what to do, and exit code 1."""
    errors.print(f"[red]✗[/] {escape(what)}{' ' + escape(remedy) if remedy else ''}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


@dataclass
class Session:
    """The caller of a group of commands."""

    url: str | None
    key: str | None
    data: Path
    wanted: tuple[str, ...]
    """Where in `stack.json` the key stands, e.g. `("stores", "S001")`."""
    once: str | None = None
    office: bool = False
    """Whether it may also be a person of the office whose key is wanted."""
    _record: dict[str, Any] | None = field(default=None, init=False)

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        return _answer(self._got(path, params))

    def pages(self, path: str, most: int, **params: Any) -> Iterator[dict[str, Any]]:
        """The items of a list, page by page, `most` of them."""
        cursor: str | None = None
        left = most
        while left > 0:
            answer = self.get(path, limit=min(left, 200), cursor=cursor, **params)
            yield from answer["items"]
            left -= len(answer["items"])
            cursor = answer["next_cursor"]
            if cursor is None:
                return

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        content = {name: value for name, value in (body or {}).items() if value is not None}
        return self._ask("POST", path, json=content, headers={"Idempotency-Key": self.once or uuid.uuid4().hex})

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("PUT", path, json=dict(body))

    def delete(self, path: str) -> dict[str, Any]:
        return self._ask("DELETE", path)

    def upload(self, path: str, content: bytes) -> dict[str, Any]:
        return self._ask("PUT", path, content=content, headers={"Content-Type": "application/octet-stream"})

    def file(self, path: str, **params: Any) -> bytes:
        """What is no JSON: a letter, an archive."""
        response = self._got(path, params)
        if not response.is_success:
            _answer(response)
        return response.content

    def _got(self, path: str, params: Mapping[str, Any]) -> httpx.Response:
        return self._sent("GET", path, params={name: value for name, value in params.items() if value is not None})

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return _answer(self._sent(method, path, **more))

    def _sent(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        url = (self.url or str(self._stack()["api"])).rstrip("/")
        given = {"Authorization": f"Bearer {self.key or self._key()}", **(headers or {})}
        try:
            # Proxies of the surroundings have no business between a person and their own API.
            with httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False) as client:
                return client.request(method, path, headers=given, **more)
        except httpx.TimeoutException:
            fail(f"The API at {url} does not answer.", "Try again; a command with --once has no second effect.")
        except (httpx.HTTPError, httpx.InvalidURL):
            fail(f"There is no API at {url}.", "Start it with `throughline up`, or name another with --url.")

    def _stack(self) -> dict[str, Any]:
        if self._record is None:
            file = self.data / "stack.json"
            try:
                self._record = json.loads(file.read_text())
            except FileNotFoundError:
                fail(f"No stack runs in {self.data}.", "Start it with `throughline up`, or give --url and --key.")
            except (OSError, ValueError):
                fail(f"{file} cannot be read.", "Is it yours? Else give --url and --key.")
        return self._record or {}

    def _key(self) -> str:
        places = [self.wanted, *((group, *self.wanted) for group in (OFFICE if self.office else ()))]
        for place in places:
            found: Any = self._stack().get("keys", {})
            for name in place:
                found = found.get(name) if isinstance(found, dict) else None
            if isinstance(found, dict) and found:
                found = next(iter(found.values()))
            if isinstance(found, str):
                return found
        fail(f"The stack has no key for {' '.join(self.wanted)}.", "Give one with --key.")


def _answer(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        fail(f"The API answered {response.status_code} with something else than JSON.", "Is --url right?")
    if response.is_success:
        return body if isinstance(body, dict) else {"items": body}
    faults = [f"{each['pointer'] or '/'}: {each['reason']}." for each in body.get("errors", ())[:5]]
    what = f"{body.get('title', response.reason_phrase)}: {' '.join(faults) or body.get('detail', '')}"
    if response.status_code in (429, 503) and "retry-after" in response.headers:
        what += f" Try again in {response.headers['retry-after']} s."
    fail(what)


def session_of(context: typer.Context) -> Session:
    session: Session = context.obj
    return session


def as_channel(
    context: typer.Context,
    url: Url = None,
    key: ApiKey = None,
    as_: Annotated[str, typer.Option("--as", help="The channel whose key is used.")] = "web",
    data: Data = DEFAULT_DATA,
    once: Once = None,
) -> None:
    """The options of a group of commands that channels give: `app.callback(help=…)(as_channel)`."""
    context.obj = Session(url, key, data, (as_,), once)


def as_channel_or_office(
    context: typer.Context,
    url: Url = None,
    key: ApiKey = None,
    as_: Annotated[
        str, typer.Option("--as", help="The channel, or the person of the office, whose key is used.")
    ] = "web",
    data: Data = DEFAULT_DATA,
    once: Once = None,
) -> None:
    """Those of a group of commands some of which the office gives, and reads more by."""
    context.obj = Session(url, key, data, (as_,), once, office=True)

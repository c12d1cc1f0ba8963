"""What the pages under docs/ say is true: their examples run as they stand, their links and lists are whole."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from temporalio.client import Client

from workers.settings import PREFIX, EmbeddedSettings, Settings
from workers.stack.stack import Stack

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
PLAYED = (
    "README.md",
    "docs/tutorial.md",
    "docs/tutorial-product.md",
    "docs/how-to/channels.md",
    "docs/how-to/stores.md",
    "docs/how-to/lockers.md",
    "docs/how-to/ops.md",
)
KEPT_RUNNING = ("make up", "make demo", "make test")
PATIENCE = 120.0

_EXAMPLE = re.compile(r"^```bash\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
_SAVED = re.compile(r"Save this as `([^`]+)`:\n\n```\w+\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_QUERY = re.compile(r"--query '([^']+)'")


class Example(NamedTuple):
    typed: str
    answers: str


def examples(page: str) -> list[Example]:
    found = [Example(*match) for match in _EXAMPLE.findall((ROOT / page).read_text())]
    return [example for example in found if not example.typed.lstrip("# ").startswith(KEPT_RUNNING)]


def fits(said: str, expected: str) -> bool:
    """Line by line; `…` stands for anything in its line, and as a whole line for any lines. Spaces count as one."""
    pattern = ""
    for line in expected.strip().splitlines():
        parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
        pattern += r"(?:.*\n)*" if line.strip() == "…" else ".*".join(parts) + r" *\n"
    plain = "".join(" ".join(line.split()) + "\n" for line in said.strip().splitlines())
    return re.fullmatch(pattern, plain) is not None


async def play(page: str, record: Path) -> list[str]:
    """Type a page's examples into one shell, in a folder where a stack runs; what each of them printed."""
    (record.parent / "docs").mkdir(exist_ok=True)
    (record.parent / "docs" / "shell.sh").write_text((ROOT / "docs" / "shell.sh").read_text())
    for name, content in _SAVED.findall((ROOT / page).read_text()):
        (record.parent / name).write_text(content)
    typed = "".join(f"{example.typed}\necho '<<<end>>>'\n" for example in examples(page))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-c", f". docs/shell.sh\n{typed}"),
        cwd=record.parent,
        env=os.environ | {"PATH": path, "COLUMNS": "140", "NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(shell.communicate(), PATIENCE)
    finally:
        if shell.returncode is None:
            shell.kill()
            await shell.wait()
    return said.decode().split("<<<end>>>\n")[:-1]


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("docs") / ".throughline", fsync=False, usual_ports=False)
    try:
        async with stack:
            yield stack
    finally:
        stack.data.discard()


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.parametrize("page", PLAYED)
async def test_the_examples_of_a_page_run_as_they_stand(page: str, stack: Stack) -> None:
    said = await play(page, stack.data.path)
    wanted = examples(page)
    assert len(said) == len(wanted), "\n".join(said)
    for answer, example in zip(said, wanted, strict=True):
        if example.answers:
            assert fits(answer, example.answers), f"{example.typed}\nprinted\n{answer}\ninstead of\n{example.answers}"
        else:
            assert not re.search(r"Traceback|command not found|Error", answer), answer


@pytest.mark.stack
@pytest.mark.slow
async def test_every_search_that_the_pages_name_is_understood(stack: Stack) -> None:
    queries = {query for page in PAGES for query in _QUERY.findall(page.read_text())}
    assert len(queries) > 5
    client = await Client.connect(stack.servers.temporal_address, namespace=stack.servers.temporal_namespace)
    for query in queries:
        await client.count_workflows(query)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_of_a_page_leads_nowhere(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("file", ["docs/operations/README.md", ".env.example"])
def test_every_setting_is_listed(file: str) -> None:
    text = (ROOT / file).read_text()
    names = {PREFIX + name.upper() for name in Settings.model_fields if name != "webhook_secrets"}
    names |= {PREFIX + name.upper() for name in EmbeddedSettings.model_fields} | {f"{PREFIX}WEBHOOK_SECRETS__PAYMENT"}
    assert sorted(name for name in names if name not in text) == []
    kinds = ("FRAUD", "CARRIER", "LOCKER", "PARTNER", "BUREAU", "SIGNATURE")
    known = names | {f"{PREFIX}WEBHOOK_SECRETS__{kind}" for kind in kinds}
    assert (
        sorted(set(re.findall(rf"{PREFIX}[A-Z_]+\b", text)) - known - {"THROUGHLINE_DATA", "THROUGHLINE_DEBUG"}) == []
    )


@pytest.mark.parametrize(
    ("said", "expected", "good"),
    [
        ("a   b\nc", "a b\nc", True),
        ("a 12 b", "a … b", True),
        ("a 12 b\nmore", "a … b", False),
        ("x\ny\nz", "x\n…", True),
        ("status: ready", "status: collected", False),
    ],
)
def test_answers_are_compared_line_by_line(said: str, expected: str, good: bool) -> None:
    assert fits(said, expected) is good

"""The Dockerfile: what it copies is there and enough, and what it runs is a program without rights."""

import fnmatch
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deployment.compose_file import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
STAGES = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]


def copied() -> list[str]:
    """What is copied from the repository, not from another stage."""
    found = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    return [source for line in found for source in line.split()]


def test_what_is_copied_is_in_the_repository_and_not_ignored() -> None:
    allowed = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert copied()
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    assert sorted(copied()) == sorted(allowed)
    assert not any(fnmatch.fnmatch(".env", pattern) for pattern in allowed)


def test_it_is_built_in_one_stage_and_runs_in_another_without_root() -> None:
    build, final = STAGES
    assert "pip install --require-hashes" in build
    assert "pip" not in final
    user = re.search(r"^USER (\d+):", final, re.MULTILINE)
    assert user, "a number, so that an orchestrator can see that it is not root"
    assert int(user[1]) > 0
    assert re.search(r"^HEALTHCHECK ", final, re.MULTILINE)


def test_it_starts_the_api_and_asks_it_whether_it_is_well() -> None:
    commands = [json.loads(found) for found in re.findall(r"CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)]
    assert [command[:2] for command in commands] == [["python", "-m"]] * 2
    assert [command[2:] for command in commands] == [["workers.health", "api"], ["workers.api"]]
    assert all(importlib.util.find_spec(command[2]) for command in commands)


@pytest.mark.slow
def test_the_copied_files_alone_build_a_package_with_all_that_runs(tmp_path: Path) -> None:
    for source in copied():
        here = ROOT / source
        if here.is_dir():
            shutil.copytree(here, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(here, tmp_path / source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path / "out", "."],
        cwd=tmp_path,
        check=True,
        timeout=120,
    )
    [wheel] = (tmp_path / "out").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"workers/api.py", "workers/worker.py", "workers/health.py", "workers/namespace.py", "workers/keys.py"}
    wanted |= {"adapters/postgres/migrate.py", "adapters/postgres/migrations/versions/0001_initial_tables.py"}
    wanted |= {"adapters/notification/templates/layout.html.jinja", "gateway/pages/layout.html.jinja"}
    assert wanted - names == set()

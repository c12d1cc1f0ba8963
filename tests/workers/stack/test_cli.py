import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from workers import cli
from workers.stack.data import DataFolder

runner = CliRunner()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command as the shell does; its exit code."""
    monkeypatch.setattr("sys.argv", ["throughline", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_help_names_every_command() -> None:
    said = runner.invoke(cli.app, ["--help"]).output
    assert all(command in said for command in ("up", "down", "demo", "doctor", "reset"))


def test_a_known_problem_is_one_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("THROUGHLINE_DEBUG", raising=False)
    assert run(monkeypatch, "down", "--data", str(tmp_path)) == 1
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert "No stack is running" in said
    assert "throughline up" in said


def test_reset_asks_first(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.acquire()
    folder.secrets()
    folder.release()
    asked = runner.invoke(cli.app, ["reset", "--data", str(tmp_path)], input="n\n")
    assert asked.exit_code == 1
    assert (tmp_path / "secrets.json").exists()
    assert runner.invoke(cli.app, ["reset", "--data", str(tmp_path), "--yes"]).exit_code == 0
    assert not (tmp_path / "secrets.json").exists()


def test_reset_refuses_while_a_stack_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = DataFolder(tmp_path)
    folder.acquire()
    assert run(monkeypatch, "reset", "--yes", "--data", str(tmp_path)) == 1
    assert "throughline down" in capsys.readouterr().err
    folder.release()


def test_the_doctor_finds_what_the_stack_needs(tmp_path: Path) -> None:
    said = runner.invoke(cli.app, ["doctor", "--data", str(tmp_path)])
    for name in ("Python", "PostgreSQL", "Temporal", "Disk space", "Data folder", "Ports"):
        assert name in said.output


def test_the_doctor_says_what_to_do_about_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setattr("workers.stack.temporal_cli.can_download", lambda: False)
    said = runner.invoke(cli.app, ["doctor", "--data", str(tmp_path)])
    assert said.exit_code == 1
    assert "TEMPORAL_ADDRESS" in said.output


def test_the_search_that_a_running_stack_shows_can_be_typed_as_it_stands() -> None:
    servers = SimpleNamespace(
        temporal_cli="/opt/a b/temporal", temporal_address="127.0.0.1:7233", temporal_namespace="x"
    )
    words = shlex.split(cli.search_command(servers))  # type: ignore[arg-type]
    assert words[:3] == ["/opt/a b/temporal", "workflow", "list"]
    assert words[words.index("--address") + 1] == "127.0.0.1:7233"
    assert words[words.index("--query") + 1] == 'OrderStatus = "in_progress"'
    servers.temporal_cli = str(Path.home() / "bin" / "temporal")
    assert cli.search_command(servers).startswith("~/bin/temporal ")  # type: ignore[arg-type]

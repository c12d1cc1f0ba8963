from pathlib import Path

import pytest

from workers.stack import temporal_cli
from workers.stack.errors import NoTemporal


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A machine with an empty PATH and an empty cache."""
    return {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}


def test_the_command_on_path_comes_before_the_cache(environ: dict[str, str], tmp_path: Path) -> None:
    cached = executable(tmp_path / "cache/throughline/bin/temporal")
    found = temporal_cli.find(environ)
    assert found is not None
    assert found.path == cached
    mine = executable(tmp_path / "bin/temporal")
    found = temporal_cli.obtain(environ=environ)
    assert (found.path, found.source) == (mine, "on PATH")


def test_the_sdks_download_is_found_but_not_one_that_broke_off(environ: dict[str, str], tmp_path: Path) -> None:
    executable(tmp_path / "cache/throughline/bin/temporal-sdk-python-1.35.downloading")
    assert temporal_cli.find(environ) is None
    whole = executable(tmp_path / "cache/throughline/bin/temporal-sdk-python-1.35.0")
    found = temporal_cli.find(environ)
    assert found is not None
    assert found.path == whole


def test_a_machine_without_network_and_go_gets_told_what_to_do(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_cli, "can_download", lambda: False)
    with pytest.raises(NoTemporal, match="TEMPORAL_ADDRESS") as caught:
        temporal_cli.obtain(environ=environ)
    assert "`go` is not on PATH" in caught.value.detail


def test_a_server_built_with_go_is_kept_outside_the_repository(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_cli, "can_download", lambda: False)
    go = executable(tmp_path / "bin/go")
    go.write_text(
        '#!/bin/sh\nbuilt="$GOBIN/temporal"\n/bin/mkdir -p "$GOBIN"\necho "$@" >"$built"\n/bin/chmod +x "$built"\n'
    )
    said: list[str] = []
    found = temporal_cli.obtain(said.append, environ)
    assert found.path == tmp_path / "cache/throughline/bin/temporal"
    assert found.path.read_text().strip() == f"install {temporal_cli.CLI}"
    assert any("Go" in line for line in said)


def test_a_build_that_fails_is_told_with_its_last_words(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_cli, "can_download", lambda: False)
    executable(tmp_path / "bin/go").write_text("#!/bin/sh\necho 'go: no space left' >&2\nexit 1\n")
    with pytest.raises(NoTemporal) as caught:
        temporal_cli.obtain(environ=environ)
    assert "Build: go: no space left" in caught.value.detail

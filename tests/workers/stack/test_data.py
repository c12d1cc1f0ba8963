import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from workers.stack.data import DataFolder
from workers.stack.errors import AlreadyRunning, DataUnusable, NotRunning

HOLDER = """
import sys, time
from pathlib import Path
from workers.stack.data import DataFolder
DataFolder(Path(sys.argv[1])).acquire()
print("mine", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that uses the folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def test_secrets_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    made = folder.secrets()
    assert DataFolder(tmp_path).secrets() == made
    assert made.webhook_secrets.payment.get_secret_value().startswith("whsec_")
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert len({made.master_key, made.code_key, made.link_key, made.lookup_key}) == 4


def test_secrets_of_a_stack_from_before_partners_sent_events_are_completed(tmp_path: Path) -> None:
    made, file = DataFolder(tmp_path).secrets(), tmp_path / "secrets.json"
    old = json.loads(file.read_text())
    del old["webhook_secrets"]["partner"]
    file.write_text(json.dumps(old))
    completed = DataFolder(tmp_path).secrets()
    assert completed.webhook_secrets.partner is not None
    assert completed.webhook_secrets.payment == made.webhook_secrets.payment
    assert DataFolder(tmp_path).secrets() == completed


def test_two_folders_have_different_secrets(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert DataFolder(tmp_path / "a").secrets() != DataFolder(tmp_path / "b").secrets()


def test_broken_secrets_are_an_error_that_does_not_repeat_them(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"master_key": "very-secret"}')
    with pytest.raises(DataUnusable, match="reset") as caught:
        DataFolder(tmp_path).secrets()
    assert "very-secret" not in str(caught.value)


def test_a_folder_in_use_is_refused_with_its_users_pid(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    folder = DataFolder(tmp_path)
    assert folder.owner() == holder.pid
    with pytest.raises(AlreadyRunning, match=f"process {holder.pid}"):
        folder.acquire()
    with pytest.raises(AlreadyRunning):
        folder.empty()


def test_a_killed_user_leaves_the_folder_free_and_its_record_is_forgotten(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    folder = DataFolder(tmp_path)
    folder.write_record({"api": "http://127.0.0.1:1"})
    holder.kill()
    holder.wait()
    assert folder.owner() is None
    folder.acquire()
    assert not folder.record_file.exists()
    folder.release()


def test_down_stops_the_folders_user_and_waits_for_it(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    assert DataFolder(tmp_path).stop_owner() == holder.pid
    assert holder.wait() == -signal.SIGTERM
    with pytest.raises(NotRunning, match="throughline up"):
        DataFolder(tmp_path).stop_owner()


def test_the_record_is_private_and_replaced_whole(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.write_record({"pids": {"api": 1}})
    folder.write_record({"pids": {"api": 2}})
    assert folder.read_record() == {"pids": {"api": 2}}
    assert stat.S_IMODE(folder.record_file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["stack.json"]


def test_emptying_removes_what_is_ours_and_nothing_else(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.acquire()
    folder.secrets()
    folder.release()
    (tmp_path / "my thesis.txt").write_text("years of work")
    folder.empty()
    assert sorted(os.listdir(tmp_path)) == ["lock", "my thesis.txt"]
    folder.discard()
    assert os.listdir(tmp_path) == ["my thesis.txt"]


def test_a_folder_that_no_stack_ever_used_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    DataFolder(tmp_path).empty()
    assert (tmp_path / "logs").is_dir()


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.stack.data.LEAST_DISK", 1 << 62)
    with pytest.raises(DataUnusable, match="disk that holds"):
        DataFolder(tmp_path).acquire()
    assert DataFolder(tmp_path).owner() is None

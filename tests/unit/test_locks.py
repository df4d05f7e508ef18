"""The lock of a checkpoint folder: one writer at a time, and none for ever."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import HANGING

from acrflow.cluster import locks

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
HOLDER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from acrflow.cluster import locks
locks.BEAT = 0.1
with locks.held(Path(sys.argv[2])):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT", 0.1)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


def hold(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLDER, str(SCRIPTS), str(folder), str(seconds)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    return other


def test_a_second_writer_waits_for_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = hold(tmp_path / "adapter", 1.0)
    began = time.monotonic()
    with locks.held(tmp_path / "adapter") as lock:
        assert time.monotonic() - began > 0.7
        assert lock.waited
    assert f"held by process {other.pid}" in capsys.readouterr().out
    other.wait(HANGING)


def test_a_writer_that_was_killed_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = hold(tmp_path / "adapter", 60)
    other.kill()
    other.wait(HANGING)
    began = time.monotonic()
    with locks.held(tmp_path / "adapter") as lock:
        assert time.monotonic() - began < locks.SILENT / 2
        assert not lock.waited
    assert f"process {other.pid} has ended" in capsys.readouterr().out


def elsewhere(folder: Path, **owner: Any) -> Path:
    """The lock of an owner on another machine."""
    path = folder.with_name(f"{folder.name}.lock")
    path.write_text(json.dumps({"token": "theirs", "host": "elsewhere", "pid": 1, "job": None, **owner}))
    return path


def test_a_writer_on_a_lost_machine_is_waited_for_only_so_long(tmp_path: Path) -> None:
    path = elsewhere(tmp_path / "adapter")
    assert locks.why_gone(path) is None
    os.utime(path, (time.time() - locks.SILENT - 1,) * 2)
    assert "no sign of life" in str(locks.why_gone(path))


@pytest.mark.parametrize(
    ("state", "gone"),
    [("RUNNING", False), ("COMPLETING", False), ("PENDING", False), ("REQUEUED", False), ("FAILED", True)],
)
def test_slurm_is_asked_about_the_writers_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, gone: bool
) -> None:
    path = elsewhere(tmp_path / "adapter", job="12")
    os.utime(path, (time.time() - 3 * locks.BEAT,) * 2)
    monkeypatch.setattr(locks, "lines", lambda *command, **_: [state])
    assert (locks.why_gone(path) is not None) is gone


def test_a_writer_whose_lock_was_taken_over_is_stopped(tmp_path: Path) -> None:
    with locks.held(tmp_path / "adapter") as lock:
        lock.check()
        elsewhere(tmp_path / "adapter", job="13")
        with pytest.raises(locks.Lost, match=r"Slurm job 13, process 1 on elsewhere has taken over"):
            lock.check()
    assert (tmp_path / "adapter.lock").exists()  # it is theirs


def test_a_released_lock_leaves_nothing(tmp_path: Path) -> None:
    with locks.held(tmp_path / "adapter") as lock:
        assert not lock.waited
    assert list(tmp_path.iterdir()) == []


def test_only_one_of_many_holds_it(tmp_path: Path) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def enter(change: Callable[[], None]) -> None:
        nonlocal inside, most
        with locks.held(tmp_path / "adapter"):
            with guard:
                inside += 1
                most = max(most, inside)
            change()
            with guard:
                inside -= 1

    threads = [threading.Thread(target=enter, args=(lambda: time.sleep(0.05),)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANGING)
    assert most == 1

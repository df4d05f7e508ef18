"""Work that eats time or memory, or breaks its process, becomes an error that says where it was; other work goes on."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import HANGING

from acrflow.io import sandbox
from acrflow.io.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def refuse() -> None:
    raise InputError("telvic.pdf, page 3", "it is a letter", "write back")


def sleep() -> None:
    sandbox.at("telvic.pdf, page 4")
    time.sleep(60)


def eat() -> None:
    sandbox.at("telvic.pdf, page 5")
    bytearray(10**9)


def crash() -> None:
    sandbox.at("telvic.pdf, page 6")
    ctypes.string_at(1)


def nothing() -> None:
    pass


BAD: dict[Callable[[], None], str] = {
    refuse: r"telvic.pdf, page 3: it is a letter\n  Remedy: write back",
    sleep: r"telvic.pdf, page 4: it takes more than 1 s to read\n  Remedy: throw it away",
    eat: r"telvic.pdf, page 5: it takes more than 300 MB to read",
    crash: r"telvic.pdf, page 6: .*breaks the reader \(SIGSEGV\)",
}


@pytest.mark.parametrize("work", BAD, ids=lambda work: work.__name__)
def test_bad_work_is_an_error_with_its_place(work: Callable[[], None]) -> None:
    begin = time.monotonic()
    with pytest.raises(InputError, match=BAD[work]):
        sandbox.one(work, "throw it away", seconds=1, megabytes=300)
    assert time.monotonic() - begin < 100


def test_other_items_are_unaffected() -> None:
    items = [nothing, crash, nothing, eat, refuse, nothing, sleep, nothing]
    errors = sandbox.each(lambda work: work(), items, "none", seconds=1, megabytes=300)
    assert [error is None for error in errors] == [work is nothing for work in items]
    assert "page 4" in str(errors[6])


def test_what_the_work_leaves_in_files_is_there(tmp_path: Path) -> None:
    def write() -> None:
        (tmp_path / "out").write_text("done")

    sandbox.one(write, "none")
    assert (tmp_path / "out").read_text() == "done"


def test_a_fault_of_our_own_keeps_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError):
        sandbox.one(lambda: [][0], "none")
    assert "IndexError" in capfd.readouterr().err


def test_no_child_outlives_its_item(tmp_path: Path) -> None:
    def note_and_sleep() -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)

    with pytest.raises(InputError):
        sandbox.one(note_and_sleep, "none", seconds=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    code = (
        f"import os, sys, time; sys.path.insert(0, {str(ROOT / 'scripts')!r})\n"
        "from acrflow.io import sandbox\n"
        "def work():\n"
        f"    open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()) + '.')\n"
        "    while True: pass\n"
        "sandbox.one(work, 'none', seconds=600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + HANGING
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith(".")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    child = int((tmp_path / "pid").read_text().strip("."))
    while Path(f"/proc/{child}").exists():
        assert time.monotonic() < deadline, "the child is still there"
        time.sleep(0.05)

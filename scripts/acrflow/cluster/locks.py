"""One writer at a time: a folder that a job writes to over hours is locked by it, across machines.

The lock is a file beside the folder that names its owner and is touched every few seconds. It is taken over when its
owner is gone: its process on this machine does not exist, Slurm no longer runs its job, or it has not been touched for
a while. (`flock` would need no such care, but many cluster file systems do not carry it from node to node.)
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acrflow.cluster.commands import lines
from acrflow.io.files import write_json

BEAT = 5.0  # seconds between two touches
SILENT = 60.0  # seconds without one after which an owner counts as gone
# PENDING is none: a requeued job is that, and comes back for its checkpoints
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "PREEMPTED", "NODE_FAIL", "OUT_OF_MEMORY"})


class Lost(RuntimeError):
    """Another process has taken over the lock."""


class Lock:
    """A held lock.

    Args:
        path: the lock's file.
        token: what tells this owner from any other.
        waited: another owner was waited for, who may have done the work.
    """

    def __init__(self, path: Path, token: str, waited: bool = False):
        self.path, self.token, self.waited = path, token, waited
        self._stop = threading.Event()
        self._beats = threading.Thread(target=self._beat, daemon=True)
        self._beats.start()

    def check(self) -> None:
        """Raise Lost unless the lock is still ours; to be called before anything is written."""
        owner = read(self.path)
        if owner is None or owner.get("token") != self.token:
            who = f"{describe(owner)} has taken over" if owner else "it was removed"
            raise Lost(f"{self.path}: the lock of this process is gone: {who}")

    def release(self) -> None:
        """Give the lock back, if it is still ours."""
        self._stop.set()
        self._beats.join()
        owner = read(self.path)
        if owner is not None and owner.get("token") == self.token:
            self.path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            owner = read(self.path)
            if owner is None or owner.get("token") != self.token:
                return
            os.utime(self.path)


@contextmanager
def held(folder: Path) -> Iterator[Lock]:
    """Hold the lock of a folder (`<folder>.lock` beside it).

    Waits for an owner that lives and takes over from one that is gone.
    """
    path = folder.with_name(f"{folder.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _take(path)
    try:
        yield lock
    finally:
        lock.release()


def _take(path: Path) -> Lock:
    token = uuid.uuid4().hex
    me = {
        "token": token,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "job": os.environ.get("SLURM_JOB_ID"),
        "since": time.time(),
    }
    told = False
    while True:
        try:
            with open(path, "x", encoding="utf-8") as file:
                json.dump(me, file)
            return Lock(path, token, told)
        except FileExistsError:
            pass
        gone = why_gone(path)
        if gone is None:
            if not told:
                print(f"{path}: held by {describe(read(path))}; waiting until it has ended", flush=True)
                told = True
            time.sleep(BEAT)
            continue
        print(f"{path}: taken over from {describe(read(path))}: {gone}", flush=True)
        write_json(path, me)  # of several that find the owner gone, the last one has it; the others see that and wait
        time.sleep(0.2)
        owner = read(path)
        if owner is not None and owner.get("token") == token:
            return Lock(path, token, told)


def read(path: Path) -> dict[str, Any] | None:
    """A lock's owner: token, host, pid, job, since; None without a lock, empty while it is being written."""
    try:
        owner: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return owner


def why_gone(path: Path) -> str | None:
    """Why a lock's owner no longer lives, None if it may live."""
    owner = read(path)
    try:
        silent = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return "it was released"
    if silent > SILENT:
        return f"no sign of life for {silent:.0f} s"
    if not owner:
        return None
    if owner["host"] == socket.gethostname() and not Path(f"/proc/{owner['pid']}").exists():
        return f"process {owner['pid']} has ended"
    if owner["job"] and owner["job"] != os.environ.get("SLURM_JOB_ID"):
        state = lines("squeue", "--noheader", "--states=all", "--format=%T", "--jobs", owner["job"], seconds=20)
        if state and state[0] in ENDED and silent > 2 * BEAT:  # the job is over, and so is its process
            return f"Slurm job {owner['job']} is {state[0]}"
    return None


def describe(owner: dict[str, Any] | None) -> str:
    """An owner in words."""
    if not owner:
        return "a process that is just starting"
    job = f"Slurm job {owner['job']}, " if owner.get("job") else ""
    return f"{job}process {owner['pid']} on {owner['host']}"

"""Crashes: a training that crashed twice at the same step for the same reason is not tried a third time.

A crash is an error that Python sees, running out of GPU memory among them; a process that is killed leaves no record
and may always be tried again.
"""

from pathlib import Path

from acrflow.io.errors import InputError
from acrflow.io.files import read_json, write_json

RECORD = "crash.json"
TRIES = 2


class Stopped(Exception):
    """The training stopped itself: to go on would be a waste. The message says why."""


def refuse(folder: Path) -> None:
    """Refuse to train when the folder's record says that it would crash again.

    Raises:
        InputError: with step, reason, and how to try all the same.
    """
    path = folder / RECORD
    crash = read_json(path) if path.exists() else {"times": 0}
    if crash["times"] >= TRIES:
        what = f"the same crash {crash['times']} times after step {crash['step']}: {crash['reason']}"
        raise InputError(folder, what, f"mend the cause, then delete {path} to go on, or pass --restart to begin anew")


def record(folder: Path, step: int, error: Exception) -> bool:
    """Record a crash; True if it is the same as the last one, which makes it the last try.

    Args:
        step: the last step that was taken.
    """
    path = folder / RECORD
    reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    last = read_json(path) if path.exists() else {}
    same = (last.get("step"), last.get("reason")) == (step, reason)
    times = last["times"] + 1 if same else 1
    write_json(path, {"step": step, "reason": reason, "times": times})
    return times >= TRIES

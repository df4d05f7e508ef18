"""The trainings of all runs: from what they leave beside their checkpoints, and from Slurm's queue."""

import time
from dataclasses import dataclass
from pathlib import Path

from acrflow.cluster import locks
from acrflow.cluster.commands import lines
from acrflow.io.files import read_json
from acrflow.training.checkpoints import FINISHED

PREFIX = "rule_train_adapter_wildcards_"


@dataclass(frozen=True)
class Training:
    """One training: where it runs and how far it is. `left` and `age` (since the last step) are in seconds."""

    name: str
    job: str | None
    state: str
    node: str
    step: int
    steps: int
    reward: float | None
    loss: float | None
    left: float | None
    age: float | None


def queue() -> dict[str, tuple[str, str, str]]:
    """Slurm's training jobs by adapter: id, state with its reason, node."""
    found = {}
    for line in lines("squeue", "--me", "--noheader", "--format=%k|%i|%T|%r|%N") or []:
        step, job, state, reason, node = line.split("|")
        if step.startswith(PREFIX):
            found[step.removeprefix(PREFIX)] = (job, state if state == "RUNNING" else f"{state} ({reason})", node)
    return found


def trainings(results: Path) -> list[Training]:
    """All trainings under way or waiting, and those that left checkpoints, by run and adapter."""
    queued = queue()
    folders = {path for path in results.glob("*/checkpoints/*") if path.is_dir() and not (path / FINISHED).exists()}
    named = {path.name: path for path in sorted(folders)}
    return [training(name, named.get(name), queued.get(name)) for name in sorted(named.keys() | queued.keys())]


def training(name: str, folder: Path | None, queued: tuple[str, str, str] | None) -> Training:
    """One training from its folder of checkpoints and its place in the queue."""
    progress = folder / "progress.json" if folder else Path()
    done = read_json(progress) if progress.is_file() else {}
    age = time.time() - progress.stat().st_mtime if done else None
    owner = locks.read(folder.with_name(f"{folder.name}.lock")) if folder else None
    here = f"process {owner['pid']}" if owner and not owner.get("job") else "stopped"
    job, state, node = queued or (None, here, owner["host"] if owner else "-")
    running = state == "RUNNING" or (queued is None and owner is not None)
    left = done.get("seconds_left") if running else None
    figures = (done.get("reward"), done.get("loss"), left, age)
    return Training(name, job, state, node, done.get("step", 0), done.get("steps", 0), *figures)

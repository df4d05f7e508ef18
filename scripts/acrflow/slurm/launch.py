"""How a training is started: its processes, and on a single machine its GPUs."""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acrflow.slurm.commands import lines

# What torch.distributed and accelerate want to know, from what srun tells every task. accelerate's own launcher is not
# used under srun: on SIGTERM it kills its workers after 30 s, and one step with long completions takes longer.
RANKS = (
    "export RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS LOCAL_RANK=$SLURM_LOCALID "
    'LOCAL_WORLD_SIZE=$SLURM_NTASKS_PER_NODE; exec "$@"'
)


def prefix(gpus: int, nodes: int, job: str | None) -> list[str]:
    """What stands before a training's command: nothing for one process, srun or accelerate's launcher for several."""
    processes = max(1, gpus) * nodes
    if processes == 1:
        return []
    if job is None:
        launcher = [sys.executable, "-m", "accelerate.commands.launch", f"--num_processes={processes}", "--no_python"]
        return [*launcher, "--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no"]
    head = (lines("scontrol", "show", "hostnames", _nodes_of(job)) or ["localhost"])[0]
    os.environ.update(MASTER_ADDR=head, MASTER_PORT=str(20000 + int(job) % 20000))
    per_node = max(1, gpus)
    return [
        *("srun", f"--nodes={nodes}", f"--ntasks={processes}", f"--ntasks-per-node={per_node}", "--kill-on-bad-exit=1"),
        *("--overlap", "bash", "-c", RANKS, "rank"),
    ]


def _nodes_of(job: str) -> str:
    return (lines("squeue", "--noheader", "--format=%N", "--jobs", job) or [""])[0]


@contextmanager
def gpus_taken(count: int) -> Iterator[list[str]]:
    """Take so many GPUs of this machine, wait for them if others have them; nothing on a machine without any.

    A GPU is taken by a lock on a file of its own, which ends with the process.
    """
    found = devices() if count else []
    taken: dict[str, Any] = {}
    while found and len(taken) < min(count, len(found)):
        for device in found:
            if device not in taken and len(taken) < count:
                file = open(Path(tempfile.gettempdir()) / f"acrflow-gpu-{device}.lock", "a")  # noqa: SIM115
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    taken[device] = file
                except BlockingIOError:
                    file.close()
        if len(taken) < min(count, len(found)):
            for file in taken.values():  # all or none: two that hold half each would wait for ever
                file.close()
            taken.clear()
            time.sleep(2)
    try:
        yield list(taken)
    finally:
        for file in taken.values():
            file.close()


def devices() -> list[str]:
    """The GPUs of this machine, those of CUDA_VISIBLE_DEVICES if it is set."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [device for device in visible.split(",") if device]
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return []
    return [str(number) for number, line in enumerate(listing.splitlines()) if line.startswith("GPU")]


def environment(taken: list[str]) -> dict[str, str]:
    """The variables of a process that may use these GPUs."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(taken)} if taken else {}

"""How a training is started: its processes, and on a single machine its GPUs."""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acrflow.cluster.commands import lines

# What torch.distributed and accelerate want to know, from what srun tells every task. torchrun (which `accelerate
# launch` calls) is not used under srun: on SIGTERM it kills its workers after 30 s, and a step may take longer. srun
# shows every task all GPUs of the job on its node, those of a server beside it as well.
RANKS = (
    "export RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS LOCAL_RANK=$SLURM_LOCALID "
    "LOCAL_WORLD_SIZE=$SLURM_NTASKS_PER_NODE "
    'CUDA_VISIBLE_DEVICES=${ACRFLOW_DEVICES:-$CUDA_VISIBLE_DEVICES}; exec "$@"'
)


@dataclass(frozen=True)
class Layout:
    """Which machines and GPUs a training and its vLLM server take.

    Attributes:
        nodes: of the training, the one that leads first; empty without Slurm.
        gpus, cpus: of the training, per node.
        devices: of the training on its one node, where a server has the others; else empty, for all that are there.
        server_node, server_devices: None and empty without a server. A node of its own has its own devices.
    """

    nodes: list[str]
    gpus: int
    cpus: int
    devices: list[str]
    server_node: str | None = None
    server_devices: list[str] = field(default_factory=list)

    @property
    def apart(self) -> bool:
        """Whether the server has a node of its own."""
        return self.server_node not in (None, *self.nodes, "localhost")


def layout(gpus: int, nodes: int, cpus: int, server: int, job: str | None, seen: list[str]) -> Layout:
    """Divide what was asked for between a training and its server.

    Args:
        gpus, nodes, cpus: asked for; GPUs and CPUs per node.
        server: GPUs of a vLLM server of the training's own: the last of one node, or of the last of several nodes.
        job: id of the Slurm job that this process runs in, if any.
        seen: the GPUs that were given to it here.
    """
    names = (lines("scontrol", "show", "hostnames", _nodes_of(job)) or ["localhost"]) if job and nodes > 1 else []
    if not server:
        return Layout(names, gpus, cpus, [] if job else seen)
    if nodes == 1:
        return Layout(names, gpus - server, cpus, seen[: gpus - server], "localhost", seen[gpus - server :])
    return Layout(names[:-1], gpus, cpus, [], names[-1])


def prefix(plan: Layout, job: str | None) -> list[str]:
    """What stands before a training's command: nothing for one process, srun or torchrun for several."""
    nodes, per_node = max(1, len(plan.nodes)), max(1, plan.gpus)
    processes = per_node * nodes
    if processes == 1:
        return []
    if job is None:
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        return [*torchrun, f"--nproc-per-node={processes}", "--no-python"]
    head = (plan.nodes or ["localhost"])[0]
    os.environ.update(MASTER_ADDR=head, MASTER_PORT=str(port(job)))
    where = [f"--nodelist={','.join(plan.nodes)}"] if plan.nodes else []
    return [
        *("srun", f"--nodes={nodes}", f"--ntasks={processes}", f"--ntasks-per-node={per_node}", "--overlap", *where),
        f"--cpus-per-task={max(1, plan.cpus // per_node)}",
        # stopped by SIGTERM they end one after the other, while the first still saves; a crash ends all a little later
        *("--kill-on-bad-exit=0", "--wait=300"),
        *("bash", "-c", RANKS, "rank"),
    ]


def server_prefix(plan: Layout, gpus: int) -> list[str]:
    """What stands before a server's command: srun where it has a node of its own, of whose GPUs it takes so many."""
    if not plan.apart:
        return []
    devices = f'export CUDA_VISIBLE_DEVICES=$(cut -d, -f1-{gpus} <<< "$CUDA_VISIBLE_DEVICES"); exec "$@"'
    return [
        *("srun", "--nodes=1", "--ntasks=1", f"--nodelist={plan.server_node}", f"--cpus-per-task={plan.cpus}"),
        *("--overlap", "bash", "-c", devices, "server"),
    ]


def port(job: str | None) -> int:
    """A port of this job's own; the next ones are its server's."""
    return 20000 + 2 * (int(job or os.getpid()) % 10000)


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
    given = ",".join(taken)
    return {"CUDA_VISIBLE_DEVICES": given, "ACRFLOW_DEVICES": given} if taken else {}

"""Back to the queue: a job that saved and ended on SIGTERM is run again by Slurm, under the same id."""

import time
from pathlib import Path

from acrflow.cluster.commands import call, lines

PATIENCE = 300  # seconds that a requeued job waits for Slurm to end it


def newest(folder: Path | None) -> int:
    """The step of the newest checkpoint, -1 without any."""
    steps = [path.parent.name.rpartition("-")[2] for path in (folder or Path()).glob("checkpoint-*/complete")]
    return max((int(step) for step in steps if step.isdigit()), default=-1) if folder else -1


def go_back(job: str, before: int, folder: Path | None) -> None:
    """Requeue this job, unless somebody is ending it or it gets nowhere; does not return if Slurm agrees.

    Args:
        job: id of the Slurm job that this process runs in.
        before: `newest(folder)` when this try began.
        folder: checkpoints; None: not to be compared.
    """
    states = lines("squeue", "--noheader", "--format=%T", "--jobs", job) or []
    if states != ["RUNNING"]:  # cancelled, or preempted: Slurm does the rest
        return
    if folder is not None and newest(folder) <= before:
        print(
            f"no checkpoint was reached within this job's time limit; Slurm job {job} is not tried again with the same"
        )
        print("  Remedy: raise resources.train_adapter.minutes, or lower save_every", flush=True)
        return
    done = call("scontrol", "requeue", job)
    if done.returncode:
        print(f"Slurm job {job} cannot be requeued ({done.stderr.strip()}); Snakemake will submit it anew", flush=True)
        return
    print(f"Slurm job {job} goes back to the queue and will go on from its checkpoint", flush=True)
    time.sleep(PATIENCE)

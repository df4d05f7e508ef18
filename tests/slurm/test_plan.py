"""The plan of docs/scaling.md for 64 GPUs, run with sleeping jobs on 64 pretended H100s."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cluster
import pytest
from cluster import run

from acrflow.config import Config, Evaluation, paper_adapters
from acrflow.slurm.plan import Figures, Task, schedule, tasks

HOUR = 20.0  # seconds that stand for an hour
SEEDS = 12


@pytest.fixture
def wide() -> Iterator[None]:
    """A cluster of eight nodes, in place of whatever runs."""
    reason = cluster.missing()
    if reason:
        pytest.skip(f"NO REAL SLURM CLUSTER HERE: {reason}")
    ran = cluster.pid_of("slurmctld")
    program = [sys.executable, str(Path(cluster.__file__))]
    wider = {**os.environ, "ACRFLOW_CLUSTER_NODES": "8"}
    subprocess.run([*program, "down"], check=True, env=wider)
    subprocess.run([*program, "up"], check=True, env=wider)
    yield
    subprocess.run([*program, "down"], check=True, env=wider)
    if ran:  # the other tests' cluster
        subprocess.run([*program, "up"], check=True)


def submit(task: Task, after: list[str]) -> str:
    """A job that asks for what the task asks for and sleeps as long as it would take."""
    call = ["sbatch", "--parsable", "-A", "lab", "-p", "gpu", f"--gres=gpu:h100:{task.gpus}", "--mem=100", "-t", "60"]
    call += [f"--job-name={task.name.replace(' ', '-')}", "-o", "/dev/null", "--no-requeue"]
    call += [f"--dependency=afterok:{':'.join(after)}"] if after else []
    return run(*call, "--wrap", f"sleep {task.hours * HOUR:.1f}").strip()


def test_the_64_gpu_plan_takes_the_time_that_it_says(wide: None) -> None:
    adapters = {name: one.model_copy(update={"seeds": list(range(1, SEEDS))}) for name, one in paper_adapters().items()}
    wanted = tasks(Config(adapters=adapters, evaluation=Evaluation(merge=True)), Figures())
    planned = schedule(wanted, 64, Figures())
    assert len(wanted) == 2 * 5 * SEEDS + 1
    jobs: dict[str, str] = {}
    for task in wanted:
        jobs[task.name] = submit(task, [jobs[name] for name in task.after])
    cluster.until(lambda: not run("squeue", "-h").strip(), "the end of all jobs", 600)
    time.sleep(2)
    fields = "jobid,state,start,end,reqtres%80"
    lines = run("sacct", "-XnP", f"-o{fields}", "-j", ",".join(jobs.values())).split()
    rows = [line.split("|") for line in lines]
    assert {row[1] for row in rows} == {"COMPLETED"} and len(rows) == len(wanted)
    begin, end = (pick(stamp(row[column]) for row in rows) for pick, column in ((min, 2), (max, 3)))
    busy = sum(stamp(row[3]) - stamp(row[2]) for row in rows)
    figures = Figures()
    hours = planned.hours - figures.data - figures.after
    measured = (end - begin) / HOUR
    print(f"planned {hours:.2f} h and {planned.gpu_hours:.0f} GPU hours, ran {measured:.2f} h and {busy / HOUR:.0f}")
    assert hours <= measured * 1.1
    assert measured <= hours * 1.4  # 121 starts on two cores cost real seconds
    assert abs(busy / HOUR - planned.gpu_hours) < 0.25 * planned.gpu_hours


def stamp(text: str) -> float:
    """Seconds of Slurm's time stamp."""
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))

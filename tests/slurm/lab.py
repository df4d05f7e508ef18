"""A small project on the cluster: Snakemake started, watched and stopped as a user would."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from cluster import run

TINY = ("--configfile", "config/demo.yaml", "tests/slurm/tiny.yaml", "own.yaml")
STEPS = {"sft": 600, "baseline": 150}
SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")


class Lab:
    """A copy of the prepared project, with a site file and a configuration of its own."""

    def __init__(self, root: Path, prepared: Path | None = None):
        self.root = root
        if prepared:
            shutil.copytree(prepared, root, symlinks=True)
        self.site()
        self.configure()

    def site(self, **keys: Any) -> None:
        """Write the site file; short warnings, since jobs are short."""
        values = {"account": "lab", "longest_minutes": 60, "warn_seconds": 15, **keys}
        (self.root / "site.yaml").write_text(yaml.safe_dump(values))

    def configure(self, **keys: Any) -> None:
        (self.root / "own.yaml").write_text(yaml.safe_dump(keys))

    def start(self, *arguments: str) -> "Run":
        """Start `snakemake --profile slurm`; it polls often, since jobs are short."""
        quick = ("--slurm-init-seconds-before-status-checks", "2", "--max-status-checks-per-second", "2")
        return Run(self.root, [SNAKEMAKE, "--nocolor", "--profile", "slurm", *TINY, *quick, *arguments])

    def steps(self, adapter: str) -> list[int]:
        """The steps of an adapter's training log, in its order."""
        log = pl.read_parquet(self.root / f"results/tiny/adapters/{adapter}/training_log.parquet")
        metric = "reward" if adapter == "baseline" else "loss"
        return log.filter(pl.col("metric") == metric)["step"].to_list()

    def log(self, adapter: str) -> str:
        """What all tries of a training have written: Slurm's logs, which are appended to."""
        files = (self.root / f"logs/slurm/rule_train_adapter/{adapter}").glob("*.log")
        return "".join(file.read_text() for file in sorted(files))


class Run:
    """A running Snakemake; its output goes to a file."""

    def __init__(self, root: Path, command: list[str]):
        self.root = root
        self.file = root / f"snakemake-{time.time_ns()}.log"
        environment = {**os.environ, "ACRFLOW_SITE": "site.yaml", "OMP_NUM_THREADS": "1"}
        with open(self.file, "w") as output:
            self.process = subprocess.Popen(
                command, cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def output(self) -> str:
        return self.file.read_text()

    @property
    def name(self) -> str:
        """The end of the name of its Slurm jobs."""
        found = re.search(r"SLURM run ID: acrflow_(\S+)", self.output)
        return found[1] if found else "none"

    def jobs(self, states: str = "all") -> list[dict[str, str]]:
        """The Slurm jobs of this run: id, state, reason, comment, node."""
        lines = run("squeue", "-h", "-t", states, "-o", "%i|%T|%r|%k|%N|%j", check=False).splitlines()
        fields = ("id", "state", "reason", "step", "node", "name")
        jobs = [dict(zip(fields, line.split("|"), strict=True)) for line in lines]
        return [job for job in jobs if job["name"].endswith(self.name)]

    def job(self, adapter: str) -> str:
        """The newest Slurm job that trains an adapter."""
        return max(
            (job["id"] for job in self.jobs() if job["step"].endswith(f"train_adapter_wildcards_{adapter}")), key=int
        )

    def until(self, condition: Callable[[], object], seconds: float = 180) -> None:
        """Wait for something while Snakemake runs."""
        limit = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.output[-6000:]
            assert time.monotonic() < limit, self.output[-6000:] + run("squeue", check=False)
            time.sleep(0.5)

    def until_training(self, lab: Lab, adapter: str, step: int = 20) -> str:
        """Wait until an adapter has a checkpoint at or after a step; its Slurm job."""

        def reached() -> bool:
            folder = lab.root / f"results/tiny/checkpoints/{adapter}"
            return any(int(one.parent.name.split("-")[1]) >= step for one in folder.glob("checkpoint-*/complete"))

        self.until(reached)
        return self.job(adapter)

    def finish(self, seconds: float = 400) -> str:
        """Wait for the end; held-back jobs are let go at once. The output."""
        limit = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < limit, self.output[-6000:] + run("squeue", check=False)
            for job in self.jobs("PENDING"):
                if job["reason"] == "BeginTime":  # Slurm lets a requeued job wait for two minutes
                    run("scontrol", "update", f"jobid={job['id']}", "StartTime=now", check=False)
            time.sleep(1)
        return self.output

    def succeeds(self, seconds: float = 400) -> str:
        output = self.finish(seconds)
        assert self.process.returncode == 0, output[-8000:]
        return output

    def kill(self, how: signal.Signals) -> None:
        os.killpg(self.process.pid, how)


def show(job: str) -> dict[str, str]:
    """`scontrol show job` as pairs."""
    return dict(pair.partition("=")[::2] for pair in run("scontrol", "show", "job", job).split())


def history(job: str) -> list[str]:
    """The states of every run of a job, requeued ones included."""
    lines = run("sacct", "-Xn", "--duplicates", "-P", "-o", "state", "-j", job).split("\n")
    return [line.split()[0] for line in lines if line]

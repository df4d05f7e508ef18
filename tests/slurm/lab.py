"""A small project on the cluster: Snakemake started, watched and stopped as a user would."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from cluster import run

TINY = ("--configfile", "config/demo.yaml", "tests/slurm/tiny.yaml", "own.yaml")
STEPS = {"sft": 120, "baseline": 60}
SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")
# Jobs are short here, so it is looked often whether one has ended.
QUICK = ("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2")
QUICK += ("--max-status-checks-per-second", "2")
PATIENCE = 600  # seconds for what takes 30 to 90 on a quiet machine


class Lab:
    """A copy of the prepared project, with a site file and a configuration of its own."""

    def __init__(self, root: Path, prepared: Path | None = None):
        self.root = root
        self.runs: list[Run] = []
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
        """Start `snakemake --profile slurm`."""
        self.runs.append(Run(self.root, [SNAKEMAKE, "--nocolor", "--profile", "slurm", *TINY, *QUICK, *arguments]))
        return self.runs[-1]

    def abandon(self) -> None:
        """End whatever of it still runs, after a test that failed."""
        for one in self.runs:
            one.resume()
            if one.process.poll() is None:
                one.kill(signal.SIGKILL)

    def unlock(self) -> None:
        """Take away the lock of a Snakemake that was killed."""
        subprocess.run([SNAKEMAKE, "--profile", "slurm", "--unlock"], cwd=self.root, check=True, capture_output=True)

    def step(self, adapter: str) -> int:
        """The step of the newest whole checkpoint of a training, -1 before the first."""
        found = (self.root / f"results/tiny/checkpoints/{adapter}").glob("checkpoint-*/complete")
        return max((int(one.parent.name.split("-")[1]) for one in found), default=-1)

    def pid(self, adapter: str) -> int:
        """The process that trains an adapter: the owner of its lock."""
        return int(json.loads((self.root / f"results/tiny/checkpoints/{adapter}.lock").read_text())["pid"])

    def steps(self, adapter: str) -> list[int]:
        """The steps of an adapter's training log, in its order."""
        log = pl.read_parquet(self.root / f"results/tiny/training/{adapter}/training_log.parquet")
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
        self.paused: dict[int, Path] = {}  # process -> its lock
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

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for something while Snakemake runs."""
        limit = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.output[-6000:]
            assert time.monotonic() < limit, self.output[-6000:] + run("squeue", check=False)
            for lock in self.paused.values():  # a process that is stopped cannot show that it lives
                with suppress(FileNotFoundError):  # Slurm wakes what it ends
                    os.utime(lock)
            time.sleep(0.1)

    def until_training(self, lab: Lab, adapter: str, step: int = 10) -> str:
        """Wait until an adapter has a checkpoint at or after a step; its Slurm job."""
        self.until(lambda: lab.step(adapter) >= step)
        return self.job(adapter)

    def pause(self, lab: Lab, *adapters: str, step: int = 10) -> dict[str, str]:
        """Stop every training in its middle, so that what happens to it does not depend on the machine's speed.

        Returns:
            Slurm job by adapter.
        """
        missing = set(adapters)

        def stopped() -> bool:
            for adapter in [one for one in missing if lab.step(one) >= step]:
                pid = lab.pid(adapter)
                os.kill(pid, signal.SIGSTOP)
                self.paused[pid] = lab.root / f"results/tiny/checkpoints/{adapter}.lock"
                missing.remove(adapter)
            return not missing

        self.until(stopped)
        jobs = {adapter: self.job(adapter) for adapter in adapters}
        assert all(show(job)["JobState"] == "RUNNING" for job in jobs.values())
        return jobs

    def resume(self) -> None:
        """Let the stopped trainings go on; those that Slurm has ended meanwhile are gone."""
        for pid in self.paused:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.paused.clear()

    def let_go(self) -> None:
        """Let requeued jobs start at once; Slurm holds them back for two minutes."""
        for job in self.jobs("PENDING"):
            if job["reason"] == "BeginTime":
                run("scontrol", "update", f"jobid={job['id']}", "StartTime=now", check=False)

    def finish(self, seconds: float = PATIENCE) -> str:
        """Wait for the end. The output."""
        self.resume()
        limit = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < limit, self.output[-6000:] + run("squeue", check=False)
            self.let_go()
            time.sleep(0.5)
        return self.output

    def succeeds(self, seconds: float = PATIENCE) -> str:
        output = self.finish(seconds)
        assert self.process.returncode == 0, output[-8000:]
        return output

    def kill(self, how: signal.Signals) -> None:
        """Signal Snakemake, and wait for its end."""
        os.killpg(self.process.pid, how)
        self.process.wait(120)


@dataclass
class Done:
    """A finished run of the whole workflow.

    Attributes:
        output: Snakemake's.
        accounts: its jobs in Slurm's accounts: id, comment, partition, account, request, limit, state.
        training: the two training jobs as `scontrol` shows them while both run, by adapter.
    """

    lab: Lab
    output: str
    accounts: list[list[str]]
    training: dict[str, dict[str, str]]


def show(job: str) -> dict[str, str]:
    """`scontrol show job` as pairs."""
    return dict(pair.partition("=")[::2] for pair in run("scontrol", "show", "job", job).split())


def history(job: str) -> list[str]:
    """The states of every run of a job, requeued ones included."""
    lines = run("sacct", "-Xn", "--duplicates", "-P", "-o", "state", "-j", job).split("\n")
    return [line.split()[0] for line in lines if line]

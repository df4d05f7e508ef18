"""Jobs of an earlier start: a Snakemake that was killed leaves them running, and the next one follows them.

A job is recognised by what Slurm keeps of it: the folder it works in, its comment (rule and wildcards), and its name,
which carries the run and a digest of configuration and code. Jobs of another configuration are left alone.
"""

import hashlib
import time
from pathlib import Path
from typing import Any

from acrflow.cluster.commands import lines

LIVE = frozenset({"PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "REQUEUED"})
STARTED = time.time()  # of this process: what ended since then was not there to be planned with


def digest(config: str, root: Path) -> str:
    """What decides the outcome of every job: the configuration and the project's code."""
    found = hashlib.sha256(config.encode())
    for pattern in ("Snakefile", "rules/*.smk", "scripts/**/*.py", "config/prompts/*"):
        for path in sorted(root.glob(pattern)):
            found.update(path.read_bytes())
    return found.hexdigest()[:8]


def earlier(prefix: str) -> tuple[dict[str, tuple[str, Path]], list[str]]:
    """The jobs of an earlier start in this folder.

    Args:
        prefix: how the names of jobs of this run, configuration and code begin.

    Returns:
        Those to follow, id and log by comment; and the ids of those of another configuration that still run.
    """
    ours: dict[str, tuple[str, Path]] = {}
    others = []
    for line in lines("squeue", "--me", "--noheader", "--states=all", "--format=%i|%j|%T|%e|%k|%Z") or []:
        job, name, state, end, comment, folder = line.split("|")
        if not name.startswith("acrflow-") or folder != str(Path.cwd()):
            continue
        if not name.startswith(prefix):
            others += [job] if state in LIVE else []
        elif state in LIVE or (state == "COMPLETED" and _stamp(end) > STARTED):
            out = [one for one in lines("scontrol", "show", "job", job) or [] if one.startswith("StdOut=")]
            ours[comment] = (job, Path((out or ["StdOut="])[0].partition("=")[2]))
    return ours, others


def _stamp(text: str) -> float:
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0.0


def adopt(executor: Any, found: dict[str, tuple[str, Path]], adopted: set[str]) -> None:
    """Have an executor follow these jobs in place of submitting them again.

    Args:
        executor: `snakemake_executor_plugin_slurm.Executor`.
        found: `earlier(...)[0]`.
        adopted: gets the ids of the jobs that are followed.
    """
    from snakemake_executor_plugin_slurm.utils import get_job_wildcards
    from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

    submit = executor.run_job

    def run_job(job: Any) -> None:
        wildcards = get_job_wildcards(job)
        comment = f"rule_{job.name}" + (f"_wildcards_{wildcards}" if wildcards else "")
        if comment not in found:
            submit(job)
            return
        name, log = found.pop(comment)  # once: if it fails, the retry is a job of its own
        adopted.add(name)
        executor.logger.info(f"Job {job.jobid} is Slurm job {name} of an earlier start; it is followed (log: {log}).")
        info = SubmittedJobInfo(job, external_jobid=name, aux={"slurm_logfile": log})
        executor._report_job_submission_threadsafe(info)

    executor.run_job = run_job

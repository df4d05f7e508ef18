"""Nothing is waited for in vain: what the Slurm executor would follow for ever is noticed, said and mended if possible.

snakemake-executor-plugin-slurm 2.8.0 waits without end for a job that was preempted and not requeued, for one that left
Slurm's memory before it was asked about, and for all jobs after a minute in which Slurm did not answer at all; and it
counts a full queue as a failure of the job. This module stands between Snakemake and that executor, on its instance.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from acrflow.cluster import adopt
from acrflow.cluster.commands import jobs, lines

ENDED_BADLY = frozenset(
    {"BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"}
)
SETTLED = 20.0  # seconds in which Slurm may still requeue a job, or the accounts catch up
UNKNOWN = 120.0  # seconds without any trace of a job
LAST = 8  # lines of a failed job's log
AGAIN = 30.0  # seconds until a refused submission is tried again
# Reasons for which a pending job simply waits its turn.
TURN = frozenset({"None", "Priority", "Resources", "BeginTime", "Dependency", "Cleaning", "Prolog", "Reservation"})
REFUSED_FOR_NOW = (
    "MaxSubmitJob",
    "violates accounting/QOS policy",
    "Unable to contact slurm controller",
    "Socket timed out",
    "Slurm temporarily unable",
    "Connection refused",
)


def is_slurm(executor: Any) -> bool:
    """Whether this is the executor that this module knows."""
    return type(executor).__module__ == "snakemake_executor_plugin_slurm"


def follow(executor: Any, run: str, key: str) -> None:
    """Follow all jobs of an executor, and those of an earlier start that was killed.

    Args:
        run: the run's name; with `key` (`acrflow.cluster.adopt.digest`) it begins the names of the jobs.
    """
    prefix = f"acrflow-{run}-{key}_"
    executor.run_uuid = executor.run_uuid.replace("acrflow_", prefix, 1)
    followed = executor.followed = Followed(executor)
    ours, others = adopt.earlier(prefix)
    if ours:
        names = ", ".join(sorted((job for job, _ in ours.values()), key=int))
        executor.logger.warning(f"Slurm jobs of an earlier start are followed and not submitted again: {names}")
        adopt.adopt(executor, ours, followed.adopted)
    if others:
        executor.logger.warning(
            f"Slurm jobs of an earlier start with another configuration or code still run here: {', '.join(others)}. "
            f"Nothing trains beside them in one folder. To end them: scancel {' '.join(others)}"
        )


def adopted(executor: Any) -> set[str]:
    """Ids of the jobs of an earlier start that an executor follows."""
    return executor.followed.adopted if hasattr(executor, "followed") else set()


def failures(executor: Any) -> str:
    """What failed for good in the end, with the path and the last lines of the log; empty if nothing did."""
    return "\n".join(executor.followed.failed.values()) if hasattr(executor, "followed") else ""


class Followed:
    """The jobs of an executor, with Slurm's own word on each.

    Args:
        executor: `snakemake_executor_plugin_slurm.Executor`; its methods are replaced on the instance.
    """

    def __init__(self, executor: Any):
        self._executor, self._log = executor, executor.logger
        self.adopted: set[str] = set()
        self._since: dict[tuple[str, str], float] = {}  # job and what was seen of it -> when first
        self._said: set[tuple[str, str]] = set()
        self._ended: set[str] = set()
        self._asked_about: list[Any] = []  # jobs of the last check
        self.failed: dict[str, str] = {}  # step -> what is to be said of its last try
        self._plugin_check, self._plugin_cancel = executor.check_active_jobs, executor.cancel_jobs
        self._plugin_success, self._plugin_error = executor.report_job_success, executor.report_job_error
        self._plugin_refused = executor._report_job_error_threadsafe
        executor.check_active_jobs, executor.cancel_jobs = self._check, self._cancel
        executor.report_job_success, executor.report_job_error = self._success, self._error
        executor._report_job_error_threadsafe = self._refused

    def _success(self, job: Any) -> None:
        self._ended.add(job.external_jobid)
        self.failed.pop(step(job), None)
        self._plugin_success(job)

    def _error(self, job: Any, *args: Any, **kwargs: Any) -> None:
        if job.external_jobid is not None:
            self._ended.add(job.external_jobid)
        self.failed[step(job)] = last_words(job)
        self._plugin_error(job, *args, **kwargs)

    async def _check(self, active: list[Any]) -> AsyncIterator[Any]:
        """In place of the executor's: what it keeps, and what it forgot."""
        self._asked_about = list(active)
        kept = [job async for job in self._plugin_check(active)]
        self._look_again_in_time()
        ids = {job.external_jobid for job in kept}
        forgotten = [job for job in active if job.external_jobid not in ids | self._ended]
        if not kept and not forgotten:
            return
        states = await asyncio.to_thread(self._states)
        for job in [*kept, *forgotten]:
            if not self._decided(job, states):
                yield job

    def _cancel(self, active: list[Any]) -> None:
        """In place of the executor's, which has no job on its list while it asks Slurm about them: Ctrl-C in that
        moment left all of them running."""
        known = {job.external_jobid: job for job in [*active, *self._asked_about]}
        self._plugin_cancel([job for name, job in known.items() if name not in self._ended])

    def _look_again_in_time(self) -> None:
        """Hold the plugin to Snakemake's --seconds-between-status-checks; alone it waits 10 s longer every cycle."""
        longest = self._executor.workflow.remote_execution_settings.seconds_between_status_checks
        wanted = self._executor.next_seconds_between_status_checks
        self._executor.next_seconds_between_status_checks = min(wanted, longest)

    def _states(self) -> dict[str, tuple[str, str]] | None:
        """State and reason of all jobs of this run, None if Slurm does not answer."""
        if lines("scontrol", "ping", seconds=20) is None:
            self._say("", "silent", "Slurm does not answer. Its jobs run on and are followed; waiting for it")
            return None
        self._said.discard(("", "silent"))
        found = [*jobs(f"--name={self._executor.run_uuid}")]
        found += jobs(f"--jobs={','.join(sorted(self.adopted))}") if self.adopted else []
        return {job: (state, reason) for job, state, reason in found}

    def _decided(self, job: Any, states: dict[str, tuple[str, str]] | None) -> bool:
        """Whether a job has ended without the executor's notice; it is then reported."""
        if states is None:
            return False
        name = job.external_jobid
        state, reason = states.get(name, ("UNKNOWN", ""))
        lasting = self._lasting(name, state)
        log = [str(job.aux["slurm_logfile"])] if job.aux.get("slurm_logfile") else []
        if state == "PENDING" and reason not in TURN:
            self._say(name, reason, f"{described(job)} waits: {reason}. See: scontrol show job {name}")
        if state in ENDED_BADLY and lasting > SETTLED:
            what = "was preempted and not requeued" if state == "PREEMPTED" else f"has ended ({state})"
            self._error(job, msg=f"{described(job)} {what}. ", aux_logs=log)
            return True
        if state == "COMPLETED" and lasting > SETTLED:
            self._success(job)
            return True
        if state == "UNKNOWN" and lasting > UNKNOWN:
            if any(line.startswith("COMPLETED") for line in lines("sacct", "-Xno", "state", "-j", name) or []):
                self._success(job)
            else:
                what = f"is not known to Slurm any more (MinJobAge has passed). Its log: {', '.join(log)}. "
                self._error(job, msg=f"{described(job)} {what}", aux_logs=log)
            return True
        return False

    def _lasting(self, job: str, state: str) -> float:
        """Seconds for which a job has been seen in a state, without another in between."""
        for key in [key for key in self._since if key[0] == job and key[1] != state]:
            del self._since[key]
        return time.monotonic() - self._since.setdefault((job, state), time.monotonic())

    def _say(self, job: str, what: str, message: str) -> None:
        """Say something once."""
        if (job, what) not in self._said:
            self._said.add((job, what))
            self._log.warning(message)

    def _refused(self, job: Any, msg: str) -> None:
        """In place of the executor's: a submission that Slurm refuses for now is tried again."""
        reason = next((one for one in REFUSED_FOR_NOW if one in msg), None)
        if reason is None:
            self._plugin_refused(job, msg)
            return
        self._say(
            "",
            reason,
            f"Slurm takes no more jobs now ({refusal(msg)}). What is refused is submitted again every {AGAIN:.0f} s.\n"
            "  Remedy: wait, ask for a higher limit, or run fewer jobs at a time: snakemake --profile slurm --jobs N",
        )
        timer = threading.Timer(AGAIN, self._submit_again, [job.job])
        timer.daemon = True
        timer.start()

    def _submit_again(self, job: Any) -> None:
        try:
            self._executor._job_submission_executor.submit(self._executor.run_job, job)
        except RuntimeError:  # Snakemake has been interrupted meanwhile
            return


def refusal(msg: str) -> str:
    """Slurm's words in the executor's message of a failed submission."""
    quoted = msg.partition("The error message was '")[2].partition("'.\n")[0]
    return "; ".join(line.removeprefix("sbatch: error: ").strip() for line in quoted.splitlines()) or msg[:200]


def step(job: Any) -> str:
    """Rule and wildcards of a job."""
    return " ".join([job.job.name, *(str(value) for value in getattr(job.job, "wildcards", None) or [])])


def described(job: Any) -> str:
    """A job in words."""
    return f"Slurm job {job.external_jobid} ({step(job)})"


def last_words(job: Any) -> str:
    """A failed job's log, the rule's own or else Slurm's, and how it ends."""
    logs = [Path(str(log)) for log in [*(getattr(job.job, "log", None) or []), job.aux.get("slurm_logfile")] if log]
    log = next((log for log in logs if log.is_file() and log.stat().st_size), None)
    if log is None:
        return f"{described(job)} failed, and wrote no log"
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        tail = file.read().decode(errors="replace").splitlines()[-LAST:]
    return "\n    ".join([f"{described(job)} failed. Its log, {log}, ends:", *tail])

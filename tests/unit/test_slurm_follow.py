"""What stands between Snakemake and its Slurm executor: on the states that the executor waits for in vain."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from acrflow.cluster import follow
from acrflow.cluster.efficiency import Use, megabytes, seconds, table


@dataclass
class Executor:
    """The surface of the plugin's executor that is wrapped."""

    run_uuid: str = "acrflow_1"
    forget: bool = False
    ended: list[tuple[str, str]] = field(default_factory=list)
    submitted: list[Any] = field(default_factory=list)
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("follow"))
    next_seconds_between_status_checks: int = 40
    workflow: Any = field(
        default_factory=lambda: SimpleNamespace(
            remote_execution_settings=SimpleNamespace(seconds_between_status_checks=60)
        )
    )

    cancelled: list[str] = field(default_factory=list)

    async def check_active_jobs(self, active: list[Any]) -> Any:
        for job in [] if self.forget else active:
            yield job

    def cancel_jobs(self, active: list[Any]) -> None:
        self.cancelled += [job.external_jobid for job in active]

    def report_job_success(self, job: Any) -> None:
        self.ended.append((job.external_jobid, "success"))

    def report_job_error(self, job: Any, msg: str, aux_logs: Any = None) -> None:
        self.ended.append((job.external_jobid, msg))

    def _report_job_error_threadsafe(self, job: Any, msg: str) -> None:
        self.ended.append((str(job.external_jobid), msg))

    def run_job(self, job: Any) -> None:
        self.submitted.append(job)

    @property
    def _job_submission_executor(self) -> Any:
        return SimpleNamespace(submit=lambda call, job: call(job))


def job(name: str = "12") -> Any:
    rule = SimpleNamespace(name="train_adapter", wildcards=["mine"])
    return SimpleNamespace(external_jobid=name, job=rule, aux={})


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set what Slurm answers; the clock runs a minute per cycle."""
    clock = iter(range(0, 100_000, 60))
    monkeypatch.setattr(follow.time, "monotonic", lambda: next(clock))

    def answers(*states: tuple[str, str, str], silent: bool = False, accounts: str = "") -> None:
        monkeypatch.setattr(follow, "jobs", lambda which: iter(states))
        found = None if silent else [accounts] if accounts else []
        monkeypatch.setattr(follow, "lines", lambda *command, **_: found)

    return answers


def cycle(executor: Executor, active: list[Any]) -> list[str]:
    """One status cycle: the ids of the jobs that are followed further."""

    async def collect() -> list[str]:
        return [one.external_jobid async for one in executor.check_active_jobs(active)]

    return asyncio.run(collect())


def test_running_jobs_are_followed(slurm: Callable[..., None]) -> None:
    executor = Executor()
    follow.Followed(executor)
    slurm(("12", "RUNNING", "None"))
    assert [cycle(executor, [job()]) for _ in range(4)] == [["12"]] * 4
    assert executor.ended == []


def test_the_executor_looks_again_within_the_seconds_that_the_profile_says(slurm: Callable[..., None]) -> None:
    executor = Executor()
    follow.Followed(executor)
    slurm(("12", "RUNNING", "None"))
    waits = []
    for own in (40, 50, 60, 70, 180):  # the plugin's own, a little longer every cycle
        executor.next_seconds_between_status_checks = own
        cycle(executor, [job()])
        waits.append(executor.next_seconds_between_status_checks)
    assert waits == [40, 50, 60, 60, 60]


def test_a_job_preempted_and_not_requeued_is_an_error_and_not_a_hang(slurm: Callable[..., None]) -> None:
    executor = Executor()
    follow.Followed(executor)
    slurm(("12", "PREEMPTED", "None"))
    assert cycle(executor, [job()]) == ["12"]  # Slurm may still requeue it
    assert cycle(executor, [job()]) == []
    assert executor.ended == [("12", "Slurm job 12 (train_adapter mine) was preempted and not requeued. ")]


def test_a_requeued_job_is_followed_on(slurm: Callable[..., None]) -> None:
    executor = Executor()
    follow.Followed(executor)
    for state in ("PREEMPTED", "PENDING", "RUNNING", "NODE_FAIL", "PENDING", "RUNNING"):
        slurm(("12", state, "None"))
        assert cycle(executor, [job()]) == ["12"]
    assert executor.ended == []


def test_jobs_that_the_executor_forgot_are_followed(
    slurm: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    executor = Executor(forget=True)  # as after a minute in which Slurm did not answer
    follow.Followed(executor)
    slurm(silent=True)
    assert [cycle(executor, [job()]) for _ in range(3)] == [["12"]] * 3
    assert caplog.text.count("Slurm does not answer") == 1
    slurm(("12", "COMPLETED", "None"))
    assert [cycle(executor, [job()]) for _ in range(2)] == [["12"], []]
    assert executor.ended == [("12", "success")]


@pytest.mark.parametrize(
    ("accounts", "end"), [("COMPLETED", "success"), ("", "Slurm job 12 (train_adapter mine) is not known to Slurm")]
)
def test_a_job_that_left_slurms_memory_ends(slurm: Callable[..., None], accounts: str, end: str) -> None:
    executor = Executor()
    follow.Followed(executor)
    slurm(accounts=accounts)
    for _ in range(6):
        if not cycle(executor, [job()]):
            break
    assert len(executor.ended) == 1 and executor.ended[0][1].startswith(end)


def test_a_job_that_cannot_start_is_named_once(slurm: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    executor = Executor()
    follow.Followed(executor)
    for reason in ("Priority", "PartitionDown", "PartitionDown"):
        slurm(("12", "PENDING", reason))
        cycle(executor, [job()])
    assert caplog.text.count("Slurm job 12 (train_adapter mine) waits: PartitionDown") == 1
    assert "Priority" not in caplog.text


def test_a_full_queue_is_no_failure_of_the_job(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(follow, "AGAIN", 0.01)
    executor = Executor()
    follow.Followed(executor)
    said = "SLURM sbatch failed. The error message was 'sbatch: error: AssocMaxSubmitJobLimit'.\n    sbatch call: ..."
    for _ in range(3):
        executor._report_job_error_threadsafe(job(), said)
    follow.time.sleep(0.3)
    assert len(executor.submitted) == 3
    assert executor.ended == []
    assert caplog.text.count("Slurm takes no more jobs now (AssocMaxSubmitJobLimit)") == 1
    executor._report_job_error_threadsafe(job(), "The error message was 'sbatch: error: Invalid qos'.\n")
    assert len(executor.ended) == 1


def test_what_failed_in_the_end_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    executor = Executor()
    followed = executor.followed = follow.Followed(executor)  # type: ignore[attr-defined]
    log = tmp_path / "mine.log"
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    tries = [job("12"), job("13")]
    for one in tries:
        one.job.log, one.aux["slurm_logfile"] = [str(tmp_path / "not written"), str(log)], None
        executor.report_job_error(one, msg="failed")
    told = follow.failures(executor)
    assert f"Slurm job 13 (train_adapter mine) failed. Its log, {log}, ends:" in told
    assert "line 99" in told and "line 50" not in told and "job 12" not in told
    executor.report_job_success(tries[0])
    assert followed.failed == {} and follow.failures(executor) == ""


def test_slurms_numbers_are_read() -> None:
    assert [seconds(text) for text in ("00:10", "01:02:03", "2-00:00:01", "00:01.500", "UNLIMITED", "")] == [
        10,
        3723,
        172_801,
        1.5,
        0,
        0,
    ]
    assert [megabytes(text) for text in ("62.50G", "4000M", "2048K", "4000Mn", "")] == [64_000, 4000, 2, 4000, 0]


def test_the_table_of_use_names_what_was_asked_and_the_share_used() -> None:
    line = table([Use("7", "train_adapter mine", "COMPLETED", 8, 0.5, 64_000, 0.25, 720, 0.1, 1, None)]).splitlines()[1]
    assert all(part in line for part in ("train_adapter mine", "8   50%", "64000   25%", "720 m   10%", "1  ?"))


def test_ctrl_c_while_slurm_is_asked_cancels_the_jobs_that_are_asked_about(slurm: Callable[..., None]) -> None:
    slurm(("12", "RUNNING", "None"), ("13", "RUNNING", "None"))
    executor = Executor()
    follow.Followed(executor)
    cycle(executor, [job("12"), job("13")])
    executor.report_job_success(job("13"))
    executor.cancel_jobs([])  # the executor takes its jobs off the list while it checks them
    executor.cancel_jobs([job("12"), job("14")])
    assert executor.cancelled == ["12", "12", "14"]

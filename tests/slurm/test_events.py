"""What happens to trainings on a cluster: whatever it is, each adapter's log has every step exactly once in the end.

Where an event has to meet a training in its middle, the training's process is stopped (SIGSTOP) until it has come.
"""

import math
import os
import signal
import subprocess
from pathlib import Path

import cluster
from cluster import run
from lab import STEPS, Lab, Run, history, show

URGENT = ["sbatch", "-A", "lab", "-p", "urgent", "-N2", "--exclusive", "-t", "1", "-o", "/dev/null", "--wrap"]


def complete(lab: Lab, *adapters: str) -> None:
    """The adapters stand, no step is missing or doubled, nothing is left of the work."""
    for adapter in adapters:
        assert lab.steps(adapter) == list(range(1, STEPS[adapter] + 1))
        assert not (lab.root / f"results/tiny/checkpoints/{adapter}").exists()
        assert not (lab.root / f"results/tiny/checkpoints/{adapter}.lock").exists()


def state(job: str) -> str:
    return show(job).get("JobState", "")


def test_the_time_limit_a_requeue_and_a_restarted_controller_are_survived(lab: Lab) -> None:
    lab.site(warn_seconds=80)
    running = lab.start("sft", "baseline")
    jobs = running.pause(lab, "sft", "baseline")
    limited, requeued = jobs["baseline"], jobs["sft"]
    # Slurm looks every 30 s which jobs are to be warned within the next 30 s: this one, at the next look
    elapsed = sum(int(part) * 60**place for place, part in enumerate(reversed(show(limited)["RunTime"].split(":"))))
    run("scontrol", "update", f"jobid={limited}", f"TimeLimit={math.ceil((elapsed + 45) / 60)}")
    running.until(lambda: state(limited) == "PENDING")  # its warning has woken the training as well
    run("scontrol", "update", f"jobid={limited}", "TimeLimit=30")
    run("scontrol", "requeue", requeued)
    cluster.stop("slurmctld")
    running.until(lambda: "Slurm does not answer. Its jobs run on and are followed" in running.output)
    cluster.start_controller()
    running.succeeds()
    complete(lab, "sft", "baseline")
    assert history(limited) == ["REQUEUED", "COMPLETED"]
    assert history(requeued)[-1] == "COMPLETED" and len(history(requeued)) > 1
    for adapter in jobs:
        assert "stopped by SIGTERM after step" in lab.log(adapter)
        assert "going on after step" in lab.log(adapter)


def test_preemption_by_an_urgent_job_is_survived(lab: Lab) -> None:
    running = lab.start("baseline")
    job = running.pause(lab, "baseline")["baseline"]
    run(*URGENT, "sleep 2")
    running.until(lambda: state(job) != "RUNNING")
    running.succeeds()
    complete(lab, "baseline")
    assert "stopped by SIGTERM after step" in lab.log("baseline")
    assert history(job)[-1] == "COMPLETED" and len(history(job)) > 1


def test_a_partition_that_cancels_what_it_preempts_ends_in_a_retry_and_no_hang(lab: Lab) -> None:
    lab.site(gpu_partition="cancelled")
    running = lab.start("baseline")
    job = running.pause(lab, "baseline")["baseline"]
    run(*URGENT, "sleep 2")
    output = running.succeeds()
    complete(lab, "baseline")
    assert history(job)[-1] == "PREEMPTED"
    assert f"Slurm job {job} (train_adapter baseline) was preempted and not requeued" in output
    assert "going on after step" in lab.log("baseline")


def test_a_lost_node_and_accounts_that_do_not_answer_while_the_job_ends_are_survived(lab: Lab) -> None:
    running = lab.start("--slurm-status-attempts", "2", "baseline")
    job = running.pause(lab, "baseline")["baseline"]
    node = show(job)["NodeList"]
    cluster.stop(node, signal.SIGKILL)
    steps = run("pgrep", "-f", f"slurmstepd: .{job}\\.", check=False).split()
    children = {pid for step in steps for pid in descendants(int(step))}
    for pid in [*map(int, steps), *children]:
        subprocess.run(["kill", "-9", str(pid)], stderr=subprocess.DEVNULL)
    running.until(lambda: state(job) != "RUNNING")  # back at once, the node would end the next try, too
    running.resume()
    running.until(lambda: running.let_go() or state(job) == "RUNNING")
    cluster.stop("slurmdbd")
    running.until(lambda: state(job) == "COMPLETED")
    cluster.start_slurmdbd()
    running.succeeds()
    cluster.start_node(node)
    complete(lab, "baseline")
    assert "NODE_FAIL" in history(job)


def descendants(pid: int) -> set[int]:
    """Processes below a process."""
    below = {int(one) for one in run("pgrep", "-P", str(pid), check=False).split()}
    return below | {one for child in below for one in descendants(child)}


def kill_snakemake(lab: Lab, *adapters: str) -> tuple[Run, dict[str, str]]:
    """A Snakemake that is gone, and the trainings that it has left, which are stopped."""
    first = lab.start(*adapters)
    jobs = first.pause(lab, *adapters)
    first.kill(signal.SIGKILL)
    assert {state(job) for job in jobs.values()} == {"RUNNING"}
    lab.unlock()
    return first, jobs


def test_snakemake_killed_and_started_again_lets_no_second_training_write_beside_the_first(lab: Lab) -> None:
    first, jobs = kill_snakemake(lab, "sft", "baseline")
    second = lab.start("sft", "baseline")
    second.paused = first.paused
    second.until(lambda: second.output.count("of an earlier start; it is followed") == 2)
    output = second.succeeds()
    complete(lab, "sft", "baseline")
    assert "are followed and not submitted again" in output
    for adapter, job in jobs.items():
        assert f"is Slurm job {job} of an earlier start" in output
        assert lab.log(adapter).count(f"step {STEPS[adapter]}/{STEPS[adapter]}") == 1
        assert f"{job}  train_adapter {adapter}" in output  # what it used is told, as of any job
    assert not second.jobs()  # it had nothing to submit


def test_a_second_training_of_one_adapter_waits_for_the_first_and_takes_its_adapter_over(lab: Lab) -> None:
    first, _ = kill_snakemake(lab, "baseline")
    with open(lab.root / "scripts/predictions/predict.py", "a") as file:
        file.write("# another code: the job is not recognised\n")
    second = lab.start("baseline")
    second.paused = first.paused
    second.until(lambda: "held by Slurm job" in lab.log("baseline"))
    output = second.succeeds()
    complete(lab, "baseline")
    assert "with another configuration or code still run here" in output
    assert "trained by the process that held the lock" in lab.log("baseline")
    assert lab.log("baseline").count("step 60/60") == 1


def test_ctrl_c_leaves_no_job_behind(lab: Lab) -> None:
    running = lab.start("sft", "baseline")
    running.pause(lab, "sft", "baseline")
    running.kill(signal.SIGINT)
    cluster.until(lambda: not cluster.queued(), "an empty queue")
    again = lab.start("sft", "baseline")  # and there is no lock to be taken away
    again.until_training(lab, "baseline", 15)
    warn_at_the_end(lab, again, "baseline")
    again.succeeds()
    complete(lab, "sft", "baseline")
    assert lab.log("baseline").count("only its adapter is written") == 1
    assert lab.log("baseline").count("step 3/60") == 1  # nothing was trained twice


def warn_at_the_end(lab: Lab, running: Run, adapter: str) -> None:
    """A SIGTERM between the end of a training and that of its job: Snakemake takes away what it has made."""
    job, training = running.job(adapter), lab.pid(adapter)
    inner = starter(training)
    os.kill(inner, signal.SIGSTOP)
    running.until(lambda: not cluster.alive(training))
    assert (lab.root / f"results/tiny/checkpoints/{adapter}/finished").exists()
    run("scancel", "--signal=TERM", job)
    running.until(lambda: terminated(inner))
    os.kill(inner, signal.SIGCONT)
    running.until(lambda: state(job) not in ("RUNNING", "COMPLETING"))
    assert state(job) == "FAILED"


def terminated(pid: int) -> bool:
    """Whether SIGTERM waits for a stopped process."""
    pending = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("ShdPnd"))
    return bool(int(pending.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def starter(pid: int) -> int:
    """The Snakemake in the job that has started a training."""
    while b"-m\0snakemake\0" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])
    return pid


def test_a_crash_is_shown_with_the_path_of_its_log_and_not_retried_for_ever(lab: Lab) -> None:
    program = lab.root / "scripts/adapters/train_adapter.py"
    crash = "def main() -> None:\n    raise RuntimeError('an invented crash')\n"
    program.write_text(program.read_text().replace("def main() -> None:\n", crash, 1))
    running = lab.start("--retries", "1", "baseline")
    output = running.finish()
    assert running.process.returncode != 0
    assert output.count("has been submitted with SLURM jobid") == 2
    assert "RuntimeError: an invented crash" in output
    assert "(train_adapter baseline) failed. Its log, logs/tiny/train_adapter/baseline.log, ends:" in output[-2500:]
    assert not running.jobs("PENDING,RUNNING")

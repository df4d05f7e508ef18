"""What happens to trainings on a cluster: whatever it is, each adapter's log has every step exactly once in the end."""

import os
import signal
import subprocess
import time

import cluster
from cluster import run
from lab import SNAKEMAKE, STEPS, Lab, history, show


def complete(lab: Lab, *adapters: str) -> None:
    """The adapters stand, no step is missing or doubled, nothing is left of the work."""
    for adapter in adapters:
        assert lab.steps(adapter) == list(range(1, STEPS[adapter] + 1))
        assert not (lab.root / f"results/tiny/checkpoints/{adapter}").exists()
        assert not (lab.root / f"results/tiny/checkpoints/{adapter}.lock").exists()


def test_the_time_limit_is_survived_by_saving_and_going_back_to_the_queue(lab: Lab) -> None:
    lab.configure(
        training={"grpo": {"steps": 400}}, resources={"train_adapter": {"minutes": 1}}
    )  # longer than its job may last
    running = lab.start("baseline")
    job = running.until_training(lab, "baseline")
    running.succeeds(600)
    assert lab.steps("baseline") == list(range(1, 401))
    assert "stopped by SIGTERM after step" in lab.log("baseline")
    assert "going on after step" in lab.log("baseline")
    assert "REQUEUED" in history(job)


def test_scontrol_requeue_and_a_restarted_controller_are_survived(lab: Lab) -> None:
    running = lab.start("sft", "baseline")
    job = running.until_training(lab, "baseline")
    run("scontrol", "requeue", job)
    cluster.stop("slurmctld")
    time.sleep(8)
    cluster.start_controller()
    running.succeeds()
    complete(lab, "sft", "baseline")
    assert history(job)[-1] == "COMPLETED" and len(history(job)) > 1


def test_preemption_by_an_urgent_job_is_survived(lab: Lab) -> None:
    running = lab.start("baseline")
    job = running.until_training(lab, "baseline")
    urgent = (
        "sbatch",
        "-A",
        "lab",
        "-p",
        "urgent",
        "-N2",
        "--exclusive",
        "-t",
        "1",
        "-o",
        "/dev/null",
        "--wrap",
        "sleep 10",
    )
    run(*urgent)
    running.until(lambda: show(job)["JobState"] != "RUNNING", 60)
    running.succeeds()
    complete(lab, "baseline")
    assert "stopped by SIGTERM after step" in lab.log("baseline")
    assert history(job)[-1] == "COMPLETED" and len(history(job)) > 1


def test_a_partition_that_cancels_what_it_preempts_ends_in_a_retry_and_no_hang(lab: Lab) -> None:
    lab.site(gpu_partition="cancelled")
    running = lab.start("baseline")
    job = running.until_training(lab, "baseline")
    run("sbatch", "-A", "lab", "-p", "urgent", "-N2", "--exclusive", "-t", "1", "-o", "/dev/null", "--wrap", "sleep 10")
    output = running.succeeds()
    complete(lab, "baseline")
    assert history(job)[-1] == "PREEMPTED"
    assert f"Slurm job {job} (train_adapter baseline) was preempted and not requeued" in output
    assert "going on after step" in lab.log("baseline")


def test_a_lost_node_is_survived(lab: Lab) -> None:
    running = lab.start("baseline")
    job = running.until_training(lab, "baseline")
    node = show(job)["NodeList"]
    cluster.stop(node, signal.SIGKILL)
    steps = run("pgrep", "-f", f"slurmstepd: .{job}\\.", check=False).split()
    children = {pid for step in steps for pid in descendants(int(step))}
    for pid in [*map(int, steps), *children]:
        subprocess.run(["kill", "-9", str(pid)], stderr=subprocess.DEVNULL)
    running.until(lambda: show(job)["JobState"] != "RUNNING", 90)
    running.succeeds()
    cluster.start_node(node)
    complete(lab, "baseline")
    assert "NODE_FAIL" in history(job)


def descendants(pid: int) -> set[int]:
    """Processes below a process."""
    below = {int(one) for one in run("pgrep", "-P", str(pid), check=False).split()}
    return below | {one for child in below for one in descendants(child)}


def test_snakemake_killed_and_started_again_lets_no_second_training_write_beside_the_first(lab: Lab) -> None:
    first = lab.start("sft", "baseline")
    job = first.until_training(lab, "baseline")
    first.kill(signal.SIGKILL)
    first.process.wait(10)
    assert show(job)["JobState"] == "RUNNING"
    subprocess.run([SNAKEMAKE, "--profile", "slurm", "--unlock"], cwd=lab.root, check=True, capture_output=True)
    second = lab.start("sft", "baseline")
    output = second.succeeds()
    complete(lab, "sft", "baseline")
    assert "are followed and not submitted again" in output
    assert f"is Slurm job {job} of an earlier start" in output
    assert lab.log("baseline").count("step 150/150") == 1
    assert f"{job}  train_adapter baseline" in output  # what it used is told, as of any job
    assert not second.jobs()  # it had nothing to submit


def test_a_second_training_of_one_adapter_waits_for_the_first_and_takes_its_adapter_over(lab: Lab) -> None:
    first = lab.start("baseline")
    first.until_training(lab, "baseline", 10)
    first.kill(signal.SIGKILL)
    first.process.wait(10)
    subprocess.run([SNAKEMAKE, "--profile", "slurm", "--unlock"], cwd=lab.root, check=True, capture_output=True)
    with open(lab.root / "scripts/predict.py", "a") as file:
        file.write("# another code: the job is not recognised\n")
    second = lab.start("baseline")
    output = second.succeeds()
    complete(lab, "baseline")
    assert "with another configuration or code still run here" in output
    log = lab.log("baseline")
    assert "held by Slurm job" in log and "trained by the process that held the lock" in log
    assert log.count("step 150/150") == 1


def test_ctrl_c_leaves_no_job_behind(lab: Lab) -> None:
    running = lab.start("sft", "baseline")
    running.until_training(lab, "baseline")
    running.kill(signal.SIGINT)
    running.process.wait(60)
    cluster.until(lambda: not run("squeue", "-h", "-u", str(os.geteuid())).strip(), "an empty queue", 40)
    again = lab.start("sft", "baseline")  # and there is no lock to be taken away
    again.succeeds()
    complete(lab, "sft", "baseline")


def test_accounts_that_do_not_answer_for_a_while_are_survived(lab: Lab) -> None:
    running = lab.start("--slurm-status-attempts", "2", "baseline")
    running.until_training(lab, "baseline")
    cluster.stop("slurmdbd")
    time.sleep(25)
    cluster.start_slurmdbd()
    running.succeeds()
    complete(lab, "baseline")


def test_a_crash_is_shown_with_the_path_of_its_log_and_not_retried_for_ever(lab: Lab) -> None:
    program = lab.root / "scripts/train_adapter.py"
    crash = "def main() -> None:\n    raise RuntimeError('an invented crash')\n"
    program.write_text(program.read_text().replace("def main() -> None:\n", crash, 1))
    running = lab.start("--retries", "1", "baseline")
    output = running.finish(200)
    assert running.process.returncode != 0
    assert output.count("has been submitted with SLURM jobid") == 2
    assert "RuntimeError: an invented crash" in output
    assert "(train_adapter baseline) failed. Its log, logs/tiny/train_adapter/baseline.log, ends:" in output[-2500:]
    assert not running.jobs("PENDING,RUNNING")

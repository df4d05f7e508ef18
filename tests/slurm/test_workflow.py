"""The whole workflow through Slurm with the shipped profile: from invented documents to the report."""

import subprocess
import sys
from pathlib import Path

import cluster
from cluster import until
from lab import PATIENCE, STEPS, TINY, Done


def test_the_report_stands_and_a_second_call_has_nothing_to_do(done: Done) -> None:
    root = done.lab.root
    assert (root / "results/tiny/report/index.html").stat().st_size > 100_000
    assert "Asked for, and the share that was used" in done.output
    assert (root / "logs/tiny/efficiency.txt").exists()
    assert not any((root / "results/tiny/checkpoints").iterdir())
    again = done.lab.start("all")
    assert "Nothing to be done" in again.succeeds()


def test_each_rule_runs_where_and_with_what_the_table_says(done: Done) -> None:
    rows = done.accounts
    assert len(rows) > 15
    assert {row[6] for row in rows} == {"COMPLETED"} and {row[3] for row in rows} == {"lab"}
    seen = {row[1].removeprefix("rule_").partition("_wildcards_")[0]: row for row in rows}
    for rule, row in seen.items():
        gpus = rule in ("train_adapter", "predict")
        assert row[2] == ("gpu" if gpus else "cpu")
        assert ("gres/gpu:h100=1" in row[4]) == gpus, row
    assert "cpu=2" in seen["train_adapter"][4] and "mem=4000M" in seen["train_adapter"][4]
    assert (seen["train_adapter"][5], seen["predict"][5], seen["parse_guideline"][5]) == ("30", "20", "10")
    assert "collect_guidelines" not in seen


def test_adapters_train_side_by_side_with_a_gpu_each(done: Done) -> None:
    assert {adapter: job["JobState"] for adapter, job in done.training.items()} == dict.fromkeys(STEPS, "RUNNING")
    for adapter, job in done.training.items():
        assert (job["Partition"], job["Account"], job["TresPerNode"]) == ("gpu", "lab", "gres:gpu:h100:1")
        assert (job["NumCPUs"], job["MinMemoryNode"], job["TimeLimit"]) == ("2", "4000M", "00:30:00")
        assert job["JobName"].startswith("acrflow-tiny-")
        assert job["Comment"] == f"rule_train_adapter_wildcards_{adapter}"
        assert done.lab.steps(adapter) == list(range(1, STEPS[adapter] + 1))
        assert (done.lab.root / f"logs/slurm/rule_train_adapter/{adapter}/{job['JobId']}.log").exists()
        assert f"train_adapter {adapter}" in done.output  # asked against used, after the end


def test_watch_and_doctor_answer(done: Done) -> None:
    for arguments, shown in {
        "watch --once": "0 trainings",
        "doctor --configfile config/demo.yaml": "in order",
    }.items():
        command = f"ACRFLOW_SITE=site.yaml {sys.executable} -m acrflow.cli {arguments}"
        answer = subprocess.run(command, shell=True, cwd=done.lab.root, capture_output=True, text=True)
        assert shown in answer.stdout, answer.stdout + answer.stderr
    assert Path(done.lab.root / "slurm/config.yaml").exists()


def test_the_workflow_runs_inside_a_job_of_its_own(done: Done) -> None:
    files = " ".join(f"--configfile {file}" for file in TINY[1:])
    comparison = done.lab.root / "results/tiny/metrics/comparison.parquet"
    comparison.unlink()
    command = f"ACRFLOW_SITE=site.yaml {sys.executable} -m acrflow.cli submit evaluation {files} --minutes 30"
    answer = subprocess.run(command, shell=True, cwd=done.lab.root, capture_output=True, text=True, check=True)
    assert "runs the workflow" in answer.stdout
    until(comparison.exists, "the comparison", PATIENCE)
    until(lambda: not cluster.queued(), "the end of the workflow's job", PATIENCE)

"""The whole workflow through Slurm with the shipped profile: from invented documents to the report."""

import subprocess
from pathlib import Path

import pytest
from checkout import copy_project
from cluster import run, until
from lab import Lab


@pytest.fixture(scope="module")
def done(slurm: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, str, list[list[str]]]:
    """The finished run: its project, its output, its jobs in Slurm's accounts."""
    lab = Lab(copy_project(tmp_path_factory.mktemp("workflow") / "project").root)
    # nothing that is measured here depends on how long a training is
    lab.configure(training={"sft": {"steps": 20}, "grpo": {"steps": 10}})
    running = lab.start("all")
    output = running.succeeds(900)
    fields = "jobid,comment%80,partition,account,reqtres%90,timelimitraw,state"
    accounts = [line.split("|") for line in run("sacct", "-XnP", f"-o{fields}").splitlines()]
    jobs = {job["id"] for job in running.jobs()}
    return lab, output, [row for row in accounts if row[0] in jobs]


def test_the_report_stands_and_a_second_call_has_nothing_to_do(done: tuple[Lab, str, list[list[str]]]) -> None:
    lab, output, _ = done
    assert (lab.root / "results/tiny/report/index.html").stat().st_size > 100_000
    assert "Asked for, and the share that was used" in output
    assert (lab.root / "logs/tiny/efficiency.txt").exists()
    again = lab.start("all")
    assert "Nothing to be done" in again.succeeds(120)


def test_each_rule_runs_where_and_with_what_the_table_says(done: tuple[Lab, str, list[list[str]]]) -> None:
    rows = done[2]
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


def test_watch_and_doctor_answer(done: tuple[Lab, str, list[list[str]]]) -> None:
    lab = done[0]
    for program, shown in {
        "watch.py --once": "0 trainings",
        "doctor.py --configfile config/demo.yaml": "in order",
    }.items():
        command = f"ACRFLOW_SITE=site.yaml python scripts/{program}"
        answer = subprocess.run(command, shell=True, cwd=lab.root, capture_output=True, text=True)
        assert shown in answer.stdout, answer.stdout + answer.stderr
    assert Path(lab.root / "slurm/config.yaml").exists()


def test_the_workflow_runs_inside_a_job_of_its_own(done: tuple[Lab, str, list[list[str]]]) -> None:
    lab = done[0]
    files = "--configfile config/demo.yaml tests/slurm/tiny.yaml own.yaml --minutes 30 --"
    (lab.root / "results/tiny/metrics/comparison.parquet").unlink()
    command = f"ACRFLOW_SITE=site.yaml python scripts/submit.py {files} evaluation"
    answer = subprocess.run(command, shell=True, cwd=lab.root, capture_output=True, text=True, check=True)
    assert "runs the workflow" in answer.stdout
    until(lambda: (lab.root / "results/tiny/metrics/comparison.parquet").exists(), "the comparison", 180)
    until(lambda: not run("squeue", "-h").strip(), "the end of the workflow's job", 120)

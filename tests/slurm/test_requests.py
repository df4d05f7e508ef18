"""What Slurm was asked for is what the table says, and two adapters train at the same time."""

from lab import STEPS, Lab, show


def test_every_job_gets_what_the_table_says_and_adapters_train_side_by_side(lab: Lab) -> None:
    run = lab.start("sft", "baseline")
    jobs = {adapter: run.until_training(lab, adapter, 10) for adapter in STEPS}
    seen = {adapter: show(job) for adapter, job in jobs.items()}
    assert {adapter: job["JobState"] for adapter, job in seen.items()} == dict.fromkeys(STEPS, "RUNNING")
    for job in seen.values():
        assert (job["Partition"], job["Account"]) == ("gpu", "lab")
        assert job["TresPerNode"] == "gres:gpu:h100:1"
        assert (job["NumCPUs"], job["MinMemoryNode"], job["TimeLimit"]) == ("2", "4000M", "00:30:00")
        assert job["JobName"].startswith("acrflow-tiny-")
    assert {job["Comment"] for job in seen.values()} == {f"rule_train_adapter_wildcards_{name}" for name in STEPS}
    output = run.succeeds()
    for adapter, steps in STEPS.items():
        assert lab.steps(adapter) == list(range(1, steps + 1))
        assert (lab.root / f"logs/slurm/rule_train_adapter/{adapter}/{jobs[adapter]}.log").exists()
        assert f"train_adapter {adapter}" in output  # asked against used, after the end
    assert not run.jobs("PENDING,RUNNING")
